"""The faces of second screens: what each shows, drawn once for all screens of a counter and pushed."""

from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

import msgspec
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response.sse import ServerSentEventMessage
from markupsafe import Markup
from msgspec import Struct

from billing.requests.service import counter_topic
from billing.screens.service import Face, Shown, Watched, watch
from billing.shifts.service import CounterView
from billing.vietqr.banks import bank_name, grouped_account
from billing.vietqr.drawing import drawn as drawn_code
from kernel.clock import utc_now
from kernel.live import ALIVE, ALIVE_BYTES, RETRY_MILLISECONDS, events, together
from kernel.services import Services
from kernel.settings import KernelSettings

QR_ROOM = 736
"""Pixels the code may take on a screen of 1920 × 1080 (DESIGN: about 720)."""
FRAGMENT = "billing/_screen.html"
UNPAIRED = ServerSentEventMessage(event="unpaired", data="{}").encode()


def face_context(shown: Shown, counter: CounterView, settings: KernelSettings) -> dict[str, Any]:
    """Return what the fragment of a face needs."""
    context: dict[str, Any] = {
        "shown": shown,
        "asked": shown.request,
        "counter": counter,
        "facility": settings.facility,
        "demo": settings.demo,
        "bank": bank_name(settings.facility.bank_bin),
        "account": grouped_account(settings.facility.bank_account),
        "now": utc_now(),
        "qr": None,
    }
    if shown.face is Face.PAYING and shown.request is not None:
        symbol = drawn_code(shown.request.payload)
        context["qr"] = Markup(symbol.svg(QR_ROOM))  # noqa: S704  numbers and our own words only
    return context


class Drawn(Struct, frozen=True):
    """A counter's face as its screens get it."""

    watched: Watched
    event: bytes


async def draw_face(services: Services, engine: JinjaTemplateEngine, counter: CounterView) -> Drawn:
    async with services.sessions.begin() as session:
        watched = await watch(session, counter.code, now=utc_now())
    context = face_context(watched.shown, counter, services.settings.kernel)
    html = engine.get_template(FRAGMENT).render(**context)
    data = msgspec.json.encode({"html": html}).decode()
    return Drawn(watched, ServerSentEventMessage(event="face", data=data, retry=RETRY_MILLISECONDS).encode())


async def faces(
    services: Services, engine: JinjaTemplateEngine, counter: CounterView, token: str
) -> AsyncGenerator[bytes, None]:
    """Turn news of the counter into drawn faces; a screen that lost its pairing is told to leave."""
    topic = counter_topic(counter.code)
    with together(services.wake, topic, partial(draw_face, services, engine, counter)) as drawn:
        async for message in events(services.wake, topic):
            if message is ALIVE:
                yield ALIVE_BYTES
                continue
            face = await drawn()
            if not face.watched.by(token):
                yield UNPAIRED
                return
            yield face.event
