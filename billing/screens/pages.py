"""The second screen of a counter: public, but only a paired device sees anything."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Controller, Request, Response, get
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import ServerSentEvent, Template
from litestar.response.sse import ServerSentEventMessage
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from billing.requests.service import counter_topic
from billing.screens.service import (
    COOKIE,
    Face,
    NotPaired,
    Shown,
    ask_to_pair,
    is_paired,
    pairing_code,
    shown,
)
from billing.shifts.service import CounterView, get_counter
from billing.vietqr.banks import bank_name, grouped_account
from billing.vietqr.drawing import drawn
from kernel.clock import utc_now
from kernel.live import events
from kernel.services import Services
from kernel.settings import KernelSettings

YEAR_SECONDS = 31_536_000
QR_ROOM = 736
"""Pixels the code may take on a screen of 1920 × 1080 (DESIGN: about 720)."""
FRAGMENT = "billing/_screen.html"


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
        symbol = drawn(shown.request.payload)
        context["qr"] = Markup(symbol.svg(QR_ROOM))  # noqa: S704  numbers and our own words only
    return context


class ScreenPages(Controller):
    path = "/screens/{counter:str}"
    opt = {"public": True}  # The device token is the guard.
    include_in_schema = False

    @get()
    async def screen(
        self,
        request: Request[Any, Any, Any],
        counter: FromPath[str],
        session: NamedDependency[AsyncSession],
        kernel_settings: NamedDependency[KernelSettings],
    ) -> Response[Any]:
        """Show the counter's face, or the code that pairs this device."""
        place = await get_counter(session, counter)
        token, now = request.cookies.get(COOKIE, ""), utc_now()
        if await is_paired(session, token, counter):
            state = face_context(await shown(session, counter, now=now), place, kernel_settings)
            return Template("billing/screen.html", context=state)
        code = await pairing_code(session, token, counter, now=now)
        cookies = []
        if code is None:
            asked = await ask_to_pair(session, counter, now=now)
            code = asked.code
            cookies = [
                Cookie(
                    COOKIE,
                    path=f"/screens/{counter}",
                    value=asked.token,
                    max_age=YEAR_SECONDS,
                    httponly=True,
                    samesite="strict",
                    secure=kernel_settings.secure_cookies,
                )
            ]
        context = {"code": code, "counter": place, "facility": kernel_settings.facility}
        return Template("billing/screen_pair.html", context=context, cookies=cookies)

    @get("/state")
    async def state(
        self,
        request: Request[Any, Any, Any],
        counter: FromPath[str],
        session: NamedDependency[AsyncSession],
        kernel_settings: NamedDependency[KernelSettings],
    ) -> Template:
        """Return the face as a fragment. Raises NotPaired."""
        place = await get_counter(session, counter)
        await _require_paired(session, request, counter)
        face = await shown(session, counter, now=utc_now())
        return Template(FRAGMENT, context=face_context(face, place, kernel_settings))

    @get("/live")
    async def live(
        self,
        request: Request[Any, Any, Any],
        counter: FromPath[str],
        services: NamedDependency[Services],
    ) -> ServerSentEvent:
        """Push the face itself at each change, so that the code appears after one hop. Raises NotPaired."""
        async with services.sessions.begin() as session:
            place = await get_counter(session, counter)
            await _require_paired(session, request, counter)
        engine = request.app.template_engine
        assert isinstance(engine, JinjaTemplateEngine), "pages are drawn with Jinja"
        token = request.cookies.get(COOKIE, "")
        return ServerSentEvent(
            _faces(services, engine, place, token),
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )


async def _require_paired(session: AsyncSession, request: Request[Any, Any, Any], counter: str) -> None:
    if not await is_paired(session, request.cookies.get(COOKIE, ""), counter):
        raise NotPaired("Màn hình này chưa được ghép với quầy, hoặc đã ghép màn hình khác.")


async def _faces(
    services: Services, engine: JinjaTemplateEngine, counter: CounterView, token: str
) -> AsyncIterator[ServerSentEventMessage]:
    """Turn news of the counter into drawn faces; a screen that lost its pairing is told to leave."""
    template = engine.get_template(FRAGMENT)
    async for message in events(services.wake, counter_topic(counter.code)):
        if message.event == "alive":
            yield message
            continue
        async with services.sessions.begin() as session:
            paired = await is_paired(session, token, counter.code)
            face = await shown(session, counter.code, now=utc_now())
        if not paired:
            yield ServerSentEventMessage(event="unpaired", data="{}")
            return
        html = template.render(**face_context(face, counter, services.settings.kernel))
        data = msgspec.json.encode({"html": html}).decode()
        yield ServerSentEventMessage(event="face", data=data, retry=1_000)
