"""Sign-in pages: phone, code, birth date, one question each; a remembered device is asked the birth date only."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import parse_day_typed, utc_now
from kernel.db import Sessions
from kernel.problems import Problem
from kernel.settings import KernelSettings
from kernel.staff.api import client_ip
from patient_portal.accounts.codes import AskCode, CodeDead, ask_code, check_code, phone_of_request
from patient_portal.accounts.guards import (
    PatientNotSignedIn,
    find_patient,
    patient_signed_in,
    provide_patient,
)
from patient_portal.accounts.rest import portal_cookies
from patient_portal.accounts.rules import device_label
from patient_portal.accounts.service import (
    COOKIE,
    DEVICE_COOKIE,
    STEP_COOKIE,
    ChoosePerson,
    Patient,
    SignInBirthDate,
    StepOver,
    find_device,
    sign_in,
    sign_out,
)
from patient_portal.settings import PortalSettings

ASK_COOKIE = "lanh_portal_ask"
STEP_SECONDS = 15 * 60
AnyRequest = Request[Any, Any, Any]
Form = URLEncodedBody[dict[str, str]]


def to_sign_in(_: AnyRequest, __: PatientNotSignedIn) -> Response[Any]:
    """Send somebody who isn't signed in to the sign-in page."""
    return Redirect("/portal/sign-in", status_code=303)


def refused(template: str, problem: Problem, **context: Any) -> Template:
    """The same page with the refusal, at the top and at its field."""
    errors = [(problem.field or "", problem.detail)]
    return Template(template, context={**context, "errors": errors}, status_code=problem.status)


def _short_lived(key: str, value: str, kernel: KernelSettings) -> Cookie:
    return Cookie(
        key=key,
        value=value,
        path="/portal",
        max_age=STEP_SECONDS,
        httponly=True,
        secure=kernel.secure_cookies,
        samesite="lax",
    )


class SignInPages(Controller):
    path = "/portal/sign-in"
    include_in_schema = False

    @get(opt={"public": True})
    async def phone(
        self,
        request: AnyRequest,
        session: NamedDependency[AsyncSession],
        portal_settings: NamedDependency[PortalSettings],
        other: FromQuery[bool] = False,
    ) -> Response[Any]:
        """Ask for the phone; on a remembered device go on to the birth date."""
        if await find_patient(request):
            return Redirect("/portal", status_code=303)
        token = request.cookies.get(DEVICE_COOKIE)
        if token and not other:
            device = await find_device(session, token, settings=portal_settings, now=utc_now())
            if device is not None:
                context = {"errors": [], "phone": device.phone, "remembered": True, "value": ""}
                return Template("patient_portal/sign_in/birth_date.html", context=context)
        context = {"errors": [], "value": "", "open": bool(portal_settings.sms_url)}
        return Template("patient_portal/sign_in/phone.html", context=context)

    @post("/phone", opt={"public": True})
    async def ask(
        self,
        data: Form,
        request: AnyRequest,
        sessions: NamedDependency[Sessions],
        portal_settings: NamedDependency[PortalSettings],
        kernel_settings: NamedDependency[KernelSettings],
    ) -> Response[Any]:
        """Ask for a code and go on to its page, whether or not the phone is known."""
        typed = data.get("phone", "")
        try:
            async with sessions.begin() as session:
                asked = await ask_code(
                    session,
                    AskCode(typed),
                    ip=client_ip(request),
                    settings=portal_settings,
                    now=utc_now(),
                )
        except Problem as problem:
            page = "patient_portal/sign_in/phone.html"
            return refused(page, problem, value=typed, open=bool(portal_settings.sms_url))
        cookie = _short_lived(ASK_COOKIE, str(asked.id), kernel_settings)
        return Redirect("/portal/sign-in/code", status_code=303, cookies=[cookie])

    @get("/code", opt={"public": True})
    async def code(
        self,
        request: AnyRequest,
        session: NamedDependency[AsyncSession],
        portal_settings: NamedDependency[PortalSettings],
    ) -> Response[Any]:
        """Ask for the code."""
        phone = await phone_of_request(session, _asked(request))
        if phone is None:
            return Redirect("/portal/sign-in", status_code=303)
        context = {"errors": [], "phone": phone, "minutes": portal_settings.code_minutes, "dead": False}
        return Template("patient_portal/sign_in/code.html", context=context)

    @post("/code", opt={"public": True})
    async def check(
        self,
        data: Form,
        request: AnyRequest,
        sessions: NamedDependency[Sessions],
        portal_settings: NamedDependency[PortalSettings],
        kernel_settings: NamedDependency[KernelSettings],
    ) -> Response[Any]:
        """Check the code and go on to the birth date."""
        request_id = _asked(request)
        async with sessions() as session:
            phone = await phone_of_request(session, request_id)
        if phone is None or request_id is None:
            return Redirect("/portal/sign-in", status_code=303)
        try:
            step = await check_code(
                sessions, request_id, data.get("code", ""), settings=portal_settings, now=utc_now()
            )
        except Problem as problem:
            context = {"phone": phone, "minutes": portal_settings.code_minutes}
            dead = isinstance(problem, CodeDead)
            return refused("patient_portal/sign_in/code.html", problem, dead=dead, **context)
        cookie = _short_lived(STEP_COOKIE, step, kernel_settings)
        return Redirect("/portal/sign-in/birth-date", status_code=303, cookies=[cookie])

    @get("/birth-date", opt={"public": True})
    async def birth_date(self, request: AnyRequest) -> Response[Any]:
        """Ask for the birth date."""
        if STEP_COOKIE not in request.cookies:
            return Redirect("/portal/sign-in", status_code=303)
        context = {"errors": [], "phone": "", "remembered": False, "value": ""}
        return Template("patient_portal/sign_in/birth_date.html", context=context)

    @post("/birth-date", opt={"public": True})
    async def finish(
        self,
        data: Form,
        request: AnyRequest,
        sessions: NamedDependency[Sessions],
        portal_settings: NamedDependency[PortalSettings],
        kernel_settings: NamedDependency[KernelSettings],
    ) -> Response[Any]:
        """Start the session, or ask who of the family it is."""
        step = request.cookies.get(STEP_COOKIE, "")
        typed = data.get("birth_date", "")
        again = {"phone": "", "remembered": not step, "value": typed}
        page = "patient_portal/sign_in/birth_date.html"
        try:
            day = parse_day_typed(typed)
        except ValueError:
            errors = [("birth_date", "Ngày sinh gồm ngày, tháng, năm, ví dụ 14/03/1988.")]
            return Template(page, context={**again, "errors": errors}, status_code=422)
        person = data.get("person", "")
        command = SignInBirthDate(
            birth_date=day,
            step_token=step,
            device_token="" if step else request.cookies.get(DEVICE_COOKIE, ""),
            person=_uuid(person),
            remember=data.get("remember") == "1",
            device_label=device_label(request.headers.get("user-agent", "")),
        )
        try:
            signed = await sign_in(
                sessions, command, ip=client_ip(request), settings=portal_settings, now=utc_now()
            )
        except StepOver:
            return Redirect("/portal/sign-in?other=true", status_code=303)
        except ChoosePerson as choice:
            context = {
                "people": choice.extra["people"],
                "birth_date": typed,
                "remember": data.get("remember", ""),
                "errors": [],
            }
            return Template("patient_portal/sign_in/person.html", context=context)
        except Problem as problem:
            return refused(page, problem, **again)
        answer = Redirect(
            "/portal", status_code=303, cookies=portal_cookies(signed, kernel_settings, portal_settings)
        )
        answer.delete_cookie(STEP_COOKIE, path="/portal")
        answer.delete_cookie(ASK_COOKIE, path="/portal")
        return answer


class SignOutPage(Controller):
    path = "/portal"
    include_in_schema = False
    guards = (patient_signed_in,)
    exception_handlers = {PatientNotSignedIn: to_sign_in}
    dependencies = {"patient": Provide(provide_patient)}

    @post("/sign-out")
    async def end(
        self, patient: NamedDependency[Patient], session: NamedDependency[AsyncSession]
    ) -> Redirect:
        """Sign out and go back to the sign-in page."""
        await sign_out(session, patient, now=utc_now())
        answer = Redirect("/portal/sign-in", status_code=303)
        answer.delete_cookie(COOKIE)
        return answer


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _asked(request: AnyRequest) -> UUID | None:
    return _uuid(request.cookies.get(ASK_COOKIE, ""))
