"""The house stands: it migrates, starts, refuses politely and lets people in."""

import httpx
from litestar import Litestar
from litestar.routes import HTTPRoute

from kernel.staff.api import Role
from tests.conftest import RealDatabase, SignedIn


async def test_it_is_alive_and_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    assert (await client.get("/readyz")).json()["status"] == "ok"


async def test_sign_in_leads_to_the_person(client: httpx.AsyncClient, signed_in: SignedIn) -> None:
    actor = await signed_in(Role.DOCTOR, name="Lê Minh Tuấn")
    assert (await client.get("/api/me")).json()["name"] == actor.name


async def test_a_stranger_is_refused_in_words(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/me")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert "đăng nhập" in answer.json()["detail"]


async def test_real_commits_work(real_db: RealDatabase) -> None:
    await real_db.sign_in(Role.CASHIER)
    assert (await real_db.client.get("/api/me")).status_code == 200


async def test_every_route_is_guarded_or_says_it_is_public(app: Litestar) -> None:
    open_routes = []
    for route in app.routes:
        if not isinstance(route, HTTPRoute) or route.path.startswith("/schema"):
            continue
        for handler in route.route_handlers:
            options_of_framework = handler.name is None and handler.http_methods == {"OPTIONS"}
            if not (handler.resolve_guards() or handler.opt.get("public") or options_of_framework):
                open_routes.append(f"{sorted(handler.http_methods)} {route.path}")
    assert open_routes == []
