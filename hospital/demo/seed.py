"""Fill an empty demo hospital: staff first, then what each package needs. Running it again changes nothing."""

import importlib
import importlib.util
from collections.abc import Awaitable, Callable
from uuid import UUID

import anyio.to_thread
from sqlalchemy import func, select

from hospital.demo.known import DEMO_PASSWORD, staff_rows
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.db import APPLICATION_ROLE, Sessions, make_engine, make_sessions
from kernel.staff.api import NewAccount, Role, add_account
from kernel.staff.models import StaffAccount

Seeder = Callable[[Sessions, Settings], Awaitable[None]]

# Each module has `async def seed(sessions, settings) -> None`, run in this order when it exists.
SEEDERS = (
    "hospital.demo.pki",
    "hospital.demo.seed_emr",
    "hospital.demo.seed_billing",
    "hospital.demo.seed_portal",
    "hospital.demo.seed_remote",
)


async def seed_staff(sessions: Sessions, settings: Settings) -> None:
    """Create the accounts of staff.csv."""
    async with sessions.begin() as session:
        if await session.scalar(select(func.count()).select_from(StaffAccount)):
            return
        for row in staff_rows():
            await add_account(
                session,
                NewAccount(
                    id=UUID(row["id"]),
                    username=row["username"],
                    name=row["name"],
                    title=row["title"],
                    department=row["department"],
                    roles=frozenset(Role(role) for role in row["roles"].split()),
                    password=DEMO_PASSWORD,
                    citizen_id=row["citizen_id"] or None,
                    practice_license=row["practice_license"] or None,
                ),
                settings=settings.kernel,
                now=utc_now(),
            )


async def seed(settings: Settings) -> None:
    """Seed everything through one connection pool, as the application's role."""
    engine = make_engine(settings.database_url, role=APPLICATION_ROLE, pool_size=4)
    sessions = make_sessions(engine)
    try:
        await seed_staff(sessions, settings)
        for name in SEEDERS:
            if await anyio.to_thread.run_sync(importlib.util.find_spec, name):
                seeder: Seeder | None = getattr(importlib.import_module(name), "seed", None)
                if seeder:
                    await seeder(sessions, settings)
    finally:
        await engine.dispose()
