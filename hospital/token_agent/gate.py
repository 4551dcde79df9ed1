"""Who may speak to the program: pages of our hospital, and its own window. Everything else hears 403.

The Host header is checked (a name that was re-bound to this machine is no name of ours), the Origin must be the hospital's,
and only that origin gets the permissions of CORS and of private-network access.
"""

from typing import Any, cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec import Struct

OWN_WINDOW = "/ask/"


class Doors(Struct, frozen=True):
    """The one origin that may ask, and where we listen."""

    origin: str
    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset({f"127.0.0.1:{self.port}", f"localhost:{self.port}"})


def guarded(app: ASGIApp, doors: Doors) -> ASGIApp:
    """Put the gate before an application."""

    async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        origin, method = headers.get("origin", ""), str(cast("Any", scope)["method"])
        own = scope["path"].startswith(OWN_WINDOW)
        if headers.get("host") not in doors.hosts:
            await _answer(send, 403)
        elif own and method in {"GET", "POST"}:
            if method == "POST" and origin != doors.address:
                await _answer(send, 403)
            else:
                await app(scope, receive, send)
        elif origin != doors.origin:
            await _answer(send, 403)
        elif method == "OPTIONS":
            await _answer(send, 204, _preflight(doors, headers))
        else:
            await app(scope, receive, _with(send, [(b"access-control-allow-origin", doors.origin.encode())]))

    return asgi


def _preflight(doors: Doors, headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    allowed = [
        (b"access-control-allow-origin", doors.origin.encode()),
        (b"access-control-allow-methods", b"GET, POST, DELETE"),
        (b"access-control-allow-headers", b"content-type"),
        (b"vary", b"origin"),
    ]
    if headers.get("access-control-request-private-network") == "true":
        allowed.append((b"access-control-allow-private-network", b"true"))
    return allowed


def _with(send: Send, more: list[tuple[bytes, bytes]]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            cast("Any", message)["headers"] = [*message["headers"], *more, (b"vary", b"origin")]
        await send(message)

    return sending


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    start = {"type": "http.response.start", "status": status, "headers": headers or []}
    await send(cast("Message", start))
    await send(cast("Message", {"type": "http.response.body", "body": b"", "more_body": False}))
