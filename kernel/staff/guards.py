"""Guards of routes, and the dependencies `actor` and `visitor`. A route without a guard must say `opt={"public": True}`."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from msgspec.structs import replace

from kernel.clock import utc_now
from kernel.problems import Forbidden, NotSignedIn
from kernel.staff.rules import ROLE_NAMES, Actor, Role
from kernel.staff.service import COOKIE, actor_of_token

Connection = ASGIConnection[Any, Any, Any, Any]
DEVICE_LETTERS = 200
Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]


def client_ip(connection: Connection) -> str:
    """The address the request came from: the socket's, or the proxy's header when one is configured."""
    header = connection.app.state.settings.kernel.proxy_header
    if header:
        return connection.headers.get(header, "").split(",")[-1].strip()
    return connection.client.host if connection.client else ""


async def find_actor(connection: Connection) -> Actor | None:
    """Read the session cookie; once per request."""
    if "lanh_actor" not in connection.scope["state"]:
        token = connection.cookies.get(COOKIE)
        state = connection.app.state
        found = token and await actor_of_token(
            state.sessions,
            token,
            ip=client_ip(connection),
            settings=state.settings.kernel,
            now=utc_now(),
            known=state.get("known_staff"),
        )
        device = connection.headers.get("user-agent", "")[:DEVICE_LETTERS]
        connection.scope["state"]["lanh_actor"] = replace(found, device=device) if found else None
    actor: Actor | None = connection.scope["state"]["lanh_actor"] or None
    return actor


async def signed_in(connection: Connection, _: BaseRouteHandler) -> None:
    """Let any member of staff in. Raises NotSignedIn."""
    if await find_actor(connection) is None:
        raise NotSignedIn("Hãy đăng nhập để tiếp tục.")


def needs(*roles: Role) -> Guard:
    """Let in people who hold any of these roles. The guard raises NotSignedIn or Forbidden."""

    async def guard(connection: Connection, _: BaseRouteHandler) -> None:
        actor = await find_actor(connection)
        if actor is None:
            raise NotSignedIn("Hãy đăng nhập để tiếp tục.")
        if not actor.has(*roles):
            names = ", ".join(ROLE_NAMES[role] for role in roles)
            raise Forbidden(f"Việc này dành cho: {names}. Hãy nhờ người có quyền hoặc gọi quản trị.")

    return guard


async def provide_actor(request: Request[Any, Any, Any]) -> Actor:
    """The signed-in person; only behind a guard."""
    actor = await find_actor(request)
    if actor is None:
        raise NotSignedIn("Hãy đăng nhập để tiếp tục.")
    return actor


async def provide_visitor(request: Request[Any, Any, Any]) -> Actor | None:
    """The signed-in person on a public page, or None."""
    return await find_actor(request)
