"""The second screen of a counter: public, but only a paired device sees anything."""

from typing import Any

from litestar import Controller, Request, Response, get
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import ServerSentEvent, Template
from sqlalchemy.ext.asyncio import AsyncSession

from billing.screens.faces import FRAGMENT, face_context, faces
from billing.screens.service import (
    COOKIE,
    NotPaired,
    Watched,
    ask_to_pair,
    pairing_code,
    watch,
)
from billing.shifts.service import get_counter
from kernel.clock import utc_now
from kernel.live import EncodedEvents
from kernel.services import Services
from kernel.settings import KernelSettings

YEAR_SECONDS = 31_536_000


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
        watched = await watch(session, counter, now=now)
        if watched.by(token):
            state = face_context(watched.shown, place, kernel_settings)
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
        watched = await _watched(session, request, counter)
        return Template(FRAGMENT, context=face_context(watched.shown, place, kernel_settings))

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
            await _watched(session, request, counter)
        engine = request.app.template_engine
        assert isinstance(engine, JinjaTemplateEngine), "pages are drawn with Jinja"
        return EncodedEvents(faces(services, engine, place, request.cookies.get(COOKIE, "")))


async def _watched(session: AsyncSession, request: Request[Any, Any, Any], counter: str) -> Watched:
    watched = await watch(session, counter, now=utc_now())
    if not watched.by(request.cookies.get(COOKIE, "")):
        raise NotPaired("Màn hình này chưa được ghép với quầy, hoặc đã ghép màn hình khác.")
    return watched
