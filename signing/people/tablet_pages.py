"""The tablet's pages: one thing a screen. Open the link, see each document to its end, choose a way, sign, hand it back."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.datastructures import State as AppState
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, ServerSentEvent, Template

from kernel.clock import utc_now
from kernel.live import stream
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import client_ip
from kernel.text import mask_phone
from signing.documents.rules import read_code
from signing.documents.service import PEOPLE_TOPIC
from signing.limits import take_try
from signing.people.confirm import FINGER_CONSENT, ask_code, draw, enter_code, identify, press
from signing.people.offers import consent_for, methods_of
from signing.people.pictures import picture_of_page
from signing.people.rules import METHOD_WORDS, BadDrawing, Drawing, Method, SignerKind, State
from signing.people.sittings import LinkUnknown, expire, find_by_link, require_device
from signing.people.tablet import join, note_page, refuse_at_tablet, show
from signing.people.views import SittingView, view_of

Wire = Request[Any, Any, AppState]
Form = URLEncodedBody[dict[str, str]]
COOKIE = "lanh_tablet"
REFUSALS = (
    "Tôi chưa hiểu rõ, cần được giải thích thêm",
    "Tôi muốn hỏi ý kiến gia đình",
    "Tôi không đồng ý với nội dung",
    "Thông tin trên giấy chưa đúng",
)
Act = Callable[[], Awaitable[SittingView]]


class TabletPages(Controller):
    path = "/tablet"
    include_in_schema = False
    opt = {"public": True}

    @get()
    async def enter(self, wrong: FromQuery[int] = 0) -> Template:
        """Ask for the code of a sitting."""
        error = "Mã gồm 16 chữ và số, có trên màn hình của nhân viên." if wrong else ""
        return Template(
            "signing/tablet/enter.html", context={"error": error}, status_code=422 if wrong else 200
        )

    @post()
    async def typed(self, data: Form) -> Redirect:
        """Lead from a typed code to its sitting."""
        code = read_code(data.get("code", ""))
        return Redirect(f"/tablet/{code}" if code else "/tablet?wrong=1", status_code=303)

    @get("/{code:str}")
    async def screen(
        self,
        code: FromPath[str],
        request: Wire,
        services: NamedDependency[Services],
        way: FromQuery[str] = "",
        refuse: FromQuery[int] = 0,
        sent: FromQuery[int] = 0,
    ) -> Template:
        """Show the screen that is due."""
        view, problem = await _look(request, services, code)
        if view is None:
            return _stopped(problem)
        return _screen(view, services, code, way=way, refusing=bool(refuse), sent=bool(sent))

    @post("/{code:str}/start")
    async def start(
        self, code: FromPath[str], request: Wire, services: NamedDependency[Services]
    ) -> Response[Any]:
        """Bind the sitting to this device."""
        await _limit(request, services)
        agent = request.headers.get("user-agent", "")
        try:
            _, token = await join(services, code, user_agent=agent, ip=client_ip(request), now=utc_now())
        except Problem as refused:
            return _stopped(refused)
        answer = Redirect(f"/tablet/{code}", status_code=303)
        answer.cookies.append(
            Cookie(
                key=COOKIE,
                value=token,
                path="/tablet",
                max_age=services.settings.signing.people_sitting_minutes * 60,
                httponly=True,
                secure=services.settings.kernel.secure_cookies,
                samesite="strict",
            )
        )
        return answer

    @get("/{code:str}/pages/{position:int}/{page:int}")
    async def page(
        self,
        code: FromPath[str],
        position: FromPath[int],
        page: FromPath[int],
        request: Wire,
        services: NamedDependency[Services],
    ) -> Response[bytes]:
        """Get the picture of a page of the exact file; that it was fetched is noted."""
        sha256 = await note_page(services, code, _token(request), position, page, now=utc_now())
        picture = await services.cpu.run(picture_of_page, await services.objects.get(sha256), page)
        return Response(picture, media_type="image/png", headers={"cache-control": "private, no-store"})

    @post("/{code:str}/shown")
    async def shown(
        self, code: FromPath[str], data: Form, request: Wire, services: NamedDependency[Services]
    ) -> Template | Redirect:
        """Note that a document was seen to its end."""
        position = int(data.get("position", "0")) if data.get("position", "").isdigit() else 0

        async def act() -> SittingView:
            return await show(
                services, code, _token(request), position, data.get("sha256", ""), now=utc_now()
            )

        return await _act(request, services, code, act)

    @post("/{code:str}/drawing")
    async def drawing(
        self, code: FromPath[str], data: Form, request: Wire, services: NamedDependency[Services]
    ) -> Template | Redirect:
        """Sign by hand."""

        async def act() -> SittingView:
            try:
                drawn = msgspec.json.decode(data.get("drawing", "").encode(), type=Drawing)
            except msgspec.DecodeError:
                raise BadDrawing("Chưa có nét ký. Hãy ký vào khung.") from None
            return await draw(services, code, _token(request), drawn, now=utc_now())

        return await _act(request, services, code, act, way=Method.DRAWN)

    @post("/{code:str}/finger")
    async def finger(
        self, code: FromPath[str], data: Form, request: Wire, services: NamedDependency[Services]
    ) -> Template | Redirect:
        """Sign with a finger on the reader."""

        async def act() -> SittingView:
            agreed = data.get("consent") == "1"
            return await press(services, code, _token(request), consent=agreed, now=utc_now())

        return await _act(request, services, code, act, way=Method.FINGERPRINT)

    @post("/{code:str}/code")
    async def ask(
        self, code: FromPath[str], request: Wire, services: NamedDependency[Services]
    ) -> Template | Redirect:
        """Send a code to the proven phone."""

        async def act() -> SittingView:
            return await ask_code(services, code, _token(request), now=utc_now())

        return await _act(request, services, code, act, way=Method.OTP, then="?way=OTP&sent=1")

    @post("/{code:str}/otp")
    async def otp(
        self, code: FromPath[str], data: Form, request: Wire, services: NamedDependency[Services]
    ) -> Template | Redirect:
        """Sign with the code."""

        async def act() -> SittingView:
            return await enter_code(services, code, _token(request), data.get("code", ""), now=utc_now())

        return await _act(request, services, code, act, way=Method.OTP, sent=True)

    @post("/{code:str}/identity")
    async def identity(
        self, code: FromPath[str], data: Form, request: Wire, services: NamedDependency[Services]
    ) -> Template | Redirect:
        """Sign one document through the national identity service."""

        async def act() -> SittingView:
            ids = [UUID(data["document"])] if data.get("document") else []
            return await identify(services, code, _token(request), ids, now=utc_now())

        return await _act(request, services, code, act, way=Method.NATIONAL_ID, then="?way=NATIONAL_ID")

    @post("/{code:str}/refusal")
    async def refuse(
        self, code: FromPath[str], data: Form, request: Wire, services: NamedDependency[Services]
    ) -> Template | Redirect:
        """Refuse; staff is told why."""

        async def act() -> SittingView:
            reason = data.get("reason", "")[:200]
            return await refuse_at_tablet(services, code, _token(request), reason, now=utc_now())

        return await _act(request, services, code, act)

    @get("/{code:str}/live")
    async def live(
        self, code: FromPath[str], request: Wire, services: NamedDependency[Services]
    ) -> ServerSentEvent:
        async with services.sessions() as session:
            row = await find_by_link(session, code)
            require_device(row, _token(request))
        return stream(services.wake, f"{PEOPLE_TOPIC}:{row.id}")


def _token(request: Wire) -> str:
    return str(request.cookies.get(COOKIE, ""))


async def _limit(request: Wire, services: Services) -> None:
    most = services.settings.signing.people_tablet_per_minute
    await take_try(services.sessions, "tablet", client_ip(request), per_minute=most, now=utc_now())


async def _look(request: Wire, services: Services, code: str) -> tuple[SittingView | None, Problem | None]:
    """Find the sitting for this device; before anybody opened it, for whoever holds the link."""
    now = utc_now()
    await _limit(request, services)
    try:
        async with services.sessions.begin() as session:
            row = await find_by_link(session, code)
            await expire(session, row.id, now=now)
            view = await view_of(session, row)
            if row.device_hash is not None:
                require_device(row, _token(request))
    except Problem as refused:
        return None, refused
    return view, None


async def _act(
    request: Wire,
    services: Services,
    code: str,
    act: Act,
    *,
    way: Method | None = None,
    then: str = "",
    sent: bool = False,
) -> Template | Redirect:
    """Do it and lead to the next screen; a refusal is told on the screen it is about."""
    await _limit(request, services)
    try:
        await act()
    except Problem as refused:
        view, stopped = await _look(request, services, code)
        if view is None:
            return _stopped(stopped)
        chosen = way.value if way else ""
        return _screen(view, services, code, way=chosen, sent=sent, error=refused.detail)
    return Redirect(f"/tablet/{code}{then}", status_code=303)


def _stopped(problem: Problem | None) -> Template:
    problem = problem or LinkUnknown("Không có lần ký này.")
    return Template("signing/tablet/stopped.html", context={"problem": problem}, status_code=problem.status)


def _screen(
    view: SittingView,
    services: Services,
    code: str,
    *,
    way: str = "",
    refusing: bool = False,
    sent: bool = False,
    error: str = "",
) -> Template:
    """Choose the one screen that is due."""
    methods = methods_of(view, services.settings.signing)
    chosen = next((method for method in methods if method.value == way), None)
    if chosen is None and len(methods) == 1:
        chosen = methods[0]
    context = {
        "view": view,
        "code": code,
        "methods": methods,
        "method": chosen,
        "method_words": METHOD_WORDS,
        "consent": consent_for(view, chosen),
        "finger_consent": FINGER_CONSENT,
        "phone": mask_phone(view.phone) if view.phone else "",
        "sent": sent,
        "error": error,
        "refusals": REFUSALS,
        "representative": view.signer_kind is SignerKind.REPRESENTATIVE,
        "State": State,
        "Method": Method,
    }
    return Template(
        f"signing/tablet/{_due(view, chosen, refusing)}.html",
        context=context,
        status_code=422 if error else 200,
    )


def _due(view: SittingView, chosen: Method | None, refusing: bool) -> str:
    if view.state in (State.SIGNED, State.SEALED):
        return "done"
    if not view.live:
        return "ended"
    if view.joined_at is None:
        return "start"
    if refusing:
        return "refuse"
    if view.unseen is not None:
        return "read"
    return "choose" if chosen is None else chosen.value.lower()
