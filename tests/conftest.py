"""A throw-away PostgreSQL, the application on it, and people signed in to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from litestar import Litestar
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.pool import NullPool

from hospital.app import create_app
from hospital.migrate import upgrade
from hospital.postgres import Cluster, throw_away
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.db import Sessions, make_engine, make_sessions
from kernel.ids import new_id
from kernel.services import Services
from kernel.settings import KernelSettings
from kernel.staff.api import Actor, NewAccount, Role, add_account

PASSWORD = "thu-nghiem-2026"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, name: str, obj: object) -> None:
    """Every coroutine test runs under anyio; said before it is parametrized."""
    if collector.istestfunction(obj, name) and asyncio.iscoroutinefunction(obj):
        pytest.mark.anyio(obj)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests go first: two workers that take whole files then end together."""
    long = {item.path for item in items for mark in ("slow", "browser") if item.get_closest_marker(mark)}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with throw_away() as running:
        upgrade(running.url())
        yield running


@pytest.fixture(scope="session")
def db_url(cluster: Cluster) -> str:
    """The migrated database, as the application's role. Tests must leave it empty: use `session` or `real_db`."""
    return cluster.app_url()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Cheap passwords, no worker processes, a folder of its own."""
    kernel = KernelSettings(
        data_dir=tmp_path,
        secret="test-secret-of-no-value-0123456789",
        argon2_memory_kib=64,
        argon2_rounds=1,
        inline_worker=False,
        cpu_workers=0,
    )
    return Settings(kernel=kernel)


@pytest.fixture
async def connection(db_url: str) -> AsyncIterator[AsyncConnection]:
    """One connection with an open transaction; closing it rolls everything back."""
    engine = make_engine(db_url, pool_size=1)
    async with engine.connect() as connection:
        await connection.begin()
        yield connection
    await engine.dispose()


@pytest.fixture
def sessions(connection: AsyncConnection) -> Sessions:
    return async_sessionmaker(connection, join_transaction_mode="create_savepoint", expire_on_commit=False)


@pytest.fixture
async def session(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    async with sessions.begin() as session:
        yield session


@cache
def _assemble_once(_place: str, secret: str) -> Litestar:
    return create_app(Settings(kernel=KernelSettings(secret=secret)))


def assembled(place: str, settings: Settings, **state: object) -> Litestar:
    """The application with a state of its own. Assembling takes half a second: once for each place."""
    app = _assemble_once(place, settings.kernel.secret)
    for key in list(app.state):
        del app.state[key]
    app.state.update({"settings": settings, **state})
    return app


@pytest.fixture
async def app(settings: Settings, sessions: Sessions) -> AsyncIterator[Litestar]:
    """The application inside the test's transaction: commits become savepoints."""
    app = assembled("app", settings, sessions=sessions)
    async with app.lifespan():
        yield app


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as client:
        yield client


def browser(app: Litestar) -> httpx.AsyncClient:
    """A client that carries cookies and sends the CSRF token as our pages do."""

    async def send_token(request: httpx.Request) -> None:
        for part in request.headers.get("cookie", "").split("; "):
            if part.startswith("lanh_csrf="):
                request.headers["x-csrf-token"] = part.removeprefix("lanh_csrf=")

    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),  # type: ignore[arg-type]  # Litestar types its scopes more narrowly
        base_url="http://test",
        event_hooks={"request": [send_token]},
    )


SignedIn = Callable[..., Awaitable[Actor]]


async def sign_in_as(
    client: httpx.AsyncClient,
    sessions: Sessions,
    settings: Settings,
    *roles: Role,
    username: str | None = None,
    department: str = "K01",
    name: str = "Nguyễn Văn Thử",
    staff_id: UUID | None = None,
) -> Actor:
    """Create a member of staff with these roles and sign `client` in as them."""
    username = username or "u" + new_id().hex[-12:]
    command = NewAccount(
        id=staff_id or new_id(),
        username=username,
        name=name,
        title="BS" if Role.DOCTOR in roles else "",
        department=department,
        roles=frozenset(roles),
        password=PASSWORD,
    )
    async with sessions.begin() as session:
        view = await add_account(session, command, settings=settings.kernel, now=utc_now())
    await client.get("/login")  # Sets the CSRF cookie.
    answer = await client.post("/api/login", json={"username": username, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return Actor(
        id=view.id, name=view.name, title=view.title, roles=view.roles, department=department, ip="127.0.0.1"
    )


@pytest.fixture
def signed_in(client: httpx.AsyncClient, sessions: Sessions, settings: Settings) -> SignedIn:
    """`await signed_in(Role.DOCTOR, ...)` signs the test's client in."""

    async def sign(*roles: Role, **more: object) -> Actor:
        return await sign_in_as(client, sessions, settings, *roles, **more)  # type: ignore[arg-type]  # builder

    return sign


@pytest.fixture
def services(app: Litestar) -> Services:
    """The application's services inside the test's transaction; `await drain(services)` runs its jobs."""
    services: Services = app.state.services
    return services


@dataclass
class RealDatabase:
    """A database of its own where commits are real: concurrency, triggers at commit, outbox, NOTIFY."""

    url: str
    owner_url: str
    sessions: Sessions
    settings: Settings
    app: Litestar
    client: httpx.AsyncClient

    async def sign_in(self, *roles: Role, client: httpx.AsyncClient | None = None, **more: object) -> Actor:
        return await sign_in_as(client or self.client, self.sessions, self.settings, *roles, **more)  # type: ignore[arg-type]  # builder

    @property
    def services(self) -> Services:
        services: Services = self.app.state.services
        return services

    def browser(self) -> httpx.AsyncClient:
        return browser(self.app)


@pytest.fixture
async def real_database(cluster: Cluster) -> AsyncIterator[tuple[str, AsyncEngine]]:
    """Clone the migrated template; gone after the test."""
    name = "t" + new_id().hex
    admin = create_async_engine(cluster.url("postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    async with admin.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name} TEMPLATE lanh STRATEGY file_copy"))
    engine = make_engine(cluster.app_url(name), pool_size=20)
    yield name, engine
    await engine.dispose()
    async with admin.connect() as connection:
        await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    await admin.dispose()


@pytest.fixture
async def real_db(
    real_database: tuple[str, AsyncEngine], cluster: Cluster, settings: Settings
) -> AsyncIterator[RealDatabase]:
    name, engine = real_database
    real_settings = replace(settings, database_url=cluster.app_url(name), owner_url=cluster.url(name))
    app = assembled("real_db", real_settings)
    async with app.lifespan(), browser(app) as client:
        yield RealDatabase(
            url=cluster.app_url(name),
            owner_url=cluster.url(name),
            sessions=make_sessions(engine),
            settings=real_settings,
            app=app,
            client=client,
        )
