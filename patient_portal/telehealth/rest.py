"""Requests for a remote examination over REST."""

from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import utc_now
from kernel.refusals import refusals
from kernel.staff.api import Actor, Role, needs
from patient_portal.accounts.guards import patient_signed_in, provide_patient
from patient_portal.accounts.service import Patient
from patient_portal.settings import PortalSettings
from patient_portal.telehealth.service import (
    AnswerTelehealth,
    AskTelehealth,
    TelehealthView,
    answer_telehealth,
    ask_telehealth,
    open_requests,
    requests_of,
    withdraw_telehealth,
)

ANSWERERS = needs(Role.DOCTOR, Role.RECEPTION, Role.HEAD)


class TelehealthController(Controller):
    path = "/api/portal/telehealth-requests"
    guards = (patient_signed_in,)
    dependencies = {"patient": Provide(provide_patient)}

    @get(operation_id="listTelehealthRequests", responses=refusals(401))
    async def listing(
        self, patient: NamedDependency[Patient], session: NamedDependency[AsyncSession]
    ) -> list[TelehealthView]:
        """List the patient's requests, the latest first."""
        return await requests_of(session, patient.patient_id)

    @post(operation_id="askTelehealth", responses=refusals(401, 403, 409, 422))
    async def ask(
        self,
        data: JSONBody[AskTelehealth],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
        portal_settings: NamedDependency[PortalSettings],
    ) -> TelehealthView:
        """Ask for a remote examination at the shown price (khám từ xa)."""
        return await ask_telehealth(session, data, patient=patient, settings=portal_settings, now=utc_now())

    @post(
        "/{request_id:uuid}/withdrawal", operation_id="withdrawTelehealth", responses=refusals(401, 404, 409)
    )
    async def withdraw(
        self,
        request_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
    ) -> TelehealthView:
        """Take a request back."""
        return await withdraw_telehealth(session, request_id, patient=patient)


class TelehealthDeskController(Controller):
    """The side of staff."""

    path = "/api/telehealth-requests"
    guards = (ANSWERERS,)

    @get(operation_id="listOpenTelehealthRequests", responses=refusals(401, 403))
    async def listing(self, session: NamedDependency[AsyncSession]) -> list[TelehealthView]:
        """List what waits for an answer, oldest first."""
        return await open_requests(session)

    @post(
        "/{request_id:uuid}/answer",
        operation_id="answerTelehealth",
        responses=refusals(401, 403, 404, 409, 422),
    )
    async def answer(
        self,
        request_id: FromPath[UUID],
        data: JSONBody[AnswerTelehealth],
        actor: NamedDependency[Actor],
        session: NamedDependency[AsyncSession],
    ) -> TelehealthView:
        """Accept, or refuse with a reason the patient reads."""
        return await answer_telehealth(session, request_id, data, actor=actor, now=utc_now())
