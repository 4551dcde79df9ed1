"""Pages of telehealth requests: the patient asks, staff answer. No video yet."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template
from msgspec import ValidationError, convert
from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import get_patient
from kernel.clock import utc_now
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.problems import Problem
from kernel.staff.api import Actor
from patient_portal.accounts.guards import PatientNotSignedIn, patient_signed_in, provide_patient
from patient_portal.accounts.pages import to_sign_in
from patient_portal.accounts.rules import device_label
from patient_portal.accounts.service import Patient
from patient_portal.consents.rules import WORDINGS, Purpose
from patient_portal.consents.service import SetConsent, has_consent, set_consent
from patient_portal.settings import PortalSettings
from patient_portal.telehealth.rest import ANSWERERS
from patient_portal.telehealth.service import (
    AnswerTelehealth,
    AskTelehealth,
    answer_telehealth,
    ask_telehealth,
    open_requests,
    requests_of,
    withdraw_telehealth,
)

AnyRequest = Request[Any, Any, Any]
Form = URLEncodedBody[dict[str, str]]
FOLDER = "patient_portal/telehealth"


class TelehealthPages(Controller):
    path = "/portal/telehealth"
    include_in_schema = False
    guards = (patient_signed_in,)
    exception_handlers = {PatientNotSignedIn: to_sign_in}
    dependencies = {"patient": Provide(provide_patient)}

    @get()
    async def listing(
        self,
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
        portal_settings: NamedDependency[PortalSettings],
    ) -> Template:
        """Show the requests and the way to ask."""
        return await _asking(session, patient, portal_settings, errors=[], value="", status=200)

    @post()
    async def ask(
        self,
        data: Form,
        request: AnyRequest,
        patient: NamedDependency[Patient],
        sessions: NamedDependency[Sessions],
        portal_settings: NamedDependency[PortalSettings],
    ) -> Response[Any]:
        """Note consent and request in one transaction."""
        try:
            command = convert(
                {
                    "id": data.get("id", ""),
                    "service_code": next(iter(portal_settings.telehealth_services), ""),
                    "reason": data.get("reason", "").strip(),
                    "accepted_price": data.get("accepted_price", "0"),
                    "device": device_label(request.headers.get("user-agent", "")),
                },
                AskTelehealth,
                strict=False,
            )
            async with sessions.begin() as session:
                if data.get("consent") == "1":
                    given = SetConsent(given=True)
                    await set_consent(session, Purpose.TELEHEALTH, given, patient=patient, now=utc_now())
                await ask_telehealth(
                    session, command, patient=patient, settings=portal_settings, now=utc_now()
                )
        except (ValidationError, Problem) as error:
            told = (error.field or "", error.detail) if isinstance(error, Problem) else _TOO_SHORT
            status = error.status if isinstance(error, Problem) else 422
            async with sessions() as session:
                return await _asking(
                    session,
                    patient,
                    portal_settings,
                    errors=[told],
                    value=data.get("reason", ""),
                    status=status,
                )
        return Redirect("/portal/telehealth", status_code=303)

    @post("/{request_id:uuid}/withdrawal")
    async def withdraw(
        self,
        request_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
    ) -> Redirect:
        """Take a request back."""
        await withdraw_telehealth(session, request_id, patient=patient)
        return Redirect("/portal/telehealth", status_code=303)


_TOO_SHORT = ("reason", "Viết vài chữ về điều quý vị muốn hỏi.")


async def _asking(
    session: AsyncSession,
    patient: Patient,
    settings: PortalSettings,
    *,
    errors: list[tuple[str, str]],
    value: str,
    status: int,
) -> Template:
    context = {
        "requests": await requests_of(session, patient.patient_id),
        "open": bool(settings.telehealth_services) and settings.telehealth_price > 0,
        "price": settings.telehealth_price,
        "agreed": await has_consent(session, patient.patient_id, Purpose.TELEHEALTH),
        "wording": WORDINGS[Purpose.TELEHEALTH],
        "id": new_id(),
        "errors": errors,
        "value": value,
        "place": "visits",
    }
    return Template(f"{FOLDER}/requests.html", context=context, status_code=status)


class TelehealthDeskPages(Controller):
    path = "/telehealth"
    include_in_schema = False
    guards = (ANSWERERS,)

    @get()
    async def listing(self, session: NamedDependency[AsyncSession]) -> Template:
        """Show what waits for an answer."""
        return await _desk(session, errors=[], status=200)

    @post("/{request_id:uuid}/answer")
    async def answer(
        self,
        request_id: FromPath[UUID],
        data: Form,
        actor: NamedDependency[Actor],
        sessions: NamedDependency[Sessions],
    ) -> Response[Any]:
        """Accept or refuse."""
        command = AnswerTelehealth(accept=data.get("accept") == "1", answer=data.get("answer", "")[:1000])
        try:
            async with sessions.begin() as session:
                await answer_telehealth(session, request_id, command, actor=actor, now=utc_now())
        except Problem as problem:
            async with sessions() as session:
                errors = [(f"answer-{request_id}", problem.detail)]
                return await _desk(session, errors=errors, status=problem.status)
        return Redirect("/telehealth", status_code=303)


async def _desk(session: AsyncSession, *, errors: list[tuple[str, str]], status: int) -> Template:
    rows = [(view, await get_patient(session, view.patient_id)) for view in await open_requests(session)]
    return Template(f"{FOLDER}/desk.html", context={"rows": rows, "errors": errors}, status_code=status)
