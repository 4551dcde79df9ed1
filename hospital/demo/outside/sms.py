"""A fake SMS gateway: takes messages over HTTP, shows them on a page, misbehaves when told to.

The protocol is the least common part of the gateways hospitals use: one POST with a bearer key, one id back.
"""

import hmac
from collections import deque
from datetime import UTC, datetime
from enum import StrEnum
from html import escape
from itertools import count
from typing import Annotated, Any

import anyio
from litestar import Request, Response, Router, get, post
from litestar.enums import MediaType
from litestar.params import JSONBody
from msgspec import Meta, Struct, field

from kernel.clock import Instant, format_instant

KEEP = 500
DEMO_KEY = "demo-sms-key"


class Mood(StrEnum):
    OK = "ok"
    SLOW = "slow"
    """Answers after `slow_seconds`."""
    ERROR = "error"
    """503, nothing taken."""
    DROP = "drop"
    """Says 202 and loses the message."""


class Message(Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    """The sender's id: the same id twice is one message."""
    to: Annotated[str, Meta(pattern=r"^\+84\d{9}$")]
    text: Annotated[str, Meta(min_length=1, max_length=480)]


class Accepted(Struct, frozen=True):
    id: str
    number: int


class Received(Struct, frozen=True):
    number: int
    id: str
    to: str
    text: str
    at: Instant


class SetMood(Struct, frozen=True):
    mode: Mood


class Gateway(Struct):
    """What the gateway holds: its key, its mood and the last messages."""

    key: str
    slow_seconds: float = 3.0
    mood: Mood = Mood.OK
    messages: deque[Received] = field(default_factory=lambda: deque(maxlen=KEEP))

    def last_to(self, phone: str) -> Received | None:
        return next((message for message in reversed(self.messages) if message.to == phone), None)


_PAGE = """<!doctype html><html lang="vi"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="3"><title>Tin nhắn thử</title>
<style>body{{font:17px/26px system-ui,sans-serif;margin:24px auto;max-width:640px;padding:0 16px;color:#0f1b2d}}
li{{border:1px solid #d9e0e7;border-radius:10px;padding:12px 16px;margin:12px 0;list-style:none}}ul{{padding:0}}
small{{color:#52606d}}p{{margin:0}}</style>
<h1>Tin nhắn thử</h1><p>Mọi tin nhắn của bản chạy thử đến đây, không tới điện thoại nào.</p><ul>{items}</ul></html>"""


def _page(gateway: Gateway) -> str:
    items = "".join(
        f"<li><p><b>{escape(message.to)}</b> <small>{format_instant(message.at)}</small></p>"
        f"<p>{escape(message.text)}</p></li>"
        for message in reversed(gateway.messages)
    )
    return _PAGE.format(items=items or "<li>Chưa có tin nhắn nào.</li>")


def routes(_: object = None) -> list[Router]:
    """Return the routes of the demo's gateway; it needs nothing of the outside world's settings."""
    return gateway_routes(Gateway(key=DEMO_KEY))


def gateway_routes(state: Gateway) -> list[Router]:
    """Return the routes of one gateway."""
    numbers = count(1)

    @post("/messages", status_code=202, operation_id="outsideSendSms")
    async def send(data: JSONBody[Message], request: Request[Any, Any, Any]) -> Response[Accepted | None]:
        """Take a message."""
        if not hmac.compare_digest(request.headers.get("authorization", ""), f"Bearer {state.key}"):
            return Response(None, status_code=401)
        if state.mood is Mood.ERROR:
            return Response(None, status_code=503)
        if state.mood is Mood.SLOW:
            await anyio.sleep(state.slow_seconds)
        number = next(numbers)
        if state.mood is not Mood.DROP and all(message.id != data.id for message in state.messages):
            state.messages.append(Received(number, data.id, data.to, data.text, datetime.now(UTC)))
        return Response(Accepted(data.id, number), status_code=202)

    @get("/messages", operation_id="outsideListSms")
    async def messages() -> list[Received]:
        """List the messages, oldest first."""
        return list(state.messages)

    @post("/mood", status_code=204, operation_id="outsideSmsMood")
    async def mood(data: JSONBody[SetMood]) -> None:
        """Make the gateway behave or misbehave."""
        state.mood = data.mode

    @get("/", media_type=MediaType.HTML, operation_id="outsideSmsPage")
    async def page() -> str:
        """Show the messages to the person who tries the demo."""
        return _page(state)

    return [
        Router("/outside/sms", route_handlers=[send, messages, mood, page], opt={"public": True}),
    ]
