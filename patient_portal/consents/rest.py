"""Consents over REST."""

from litestar import Controller, get, put
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import utc_now
from kernel.refusals import refusals
from patient_portal.accounts.guards import patient_signed_in, provide_patient
from patient_portal.accounts.service import Patient
from patient_portal.consents.rules import Purpose
from patient_portal.consents.service import ConsentView, SetConsent, consents_of, set_consent


class ConsentController(Controller):
    path = "/api/portal/consents"
    guards = (patient_signed_in,)
    dependencies = {"patient": Provide(provide_patient)}

    @get(operation_id="listConsents", responses=refusals(401))
    async def listing(
        self, patient: NamedDependency[Patient], session: NamedDependency[AsyncSession]
    ) -> list[ConsentView]:
        """List each purpose and whether the patient agreed; none is given at the start."""
        return await consents_of(session, patient.patient_id)

    @put("/{purpose:str}", operation_id="setConsent", responses=refusals(401))
    async def set(
        self,
        purpose: FromPath[Purpose],
        data: JSONBody[SetConsent],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
    ) -> list[ConsentView]:
        """Agree to a purpose, or take the agreement back."""
        await set_consent(session, purpose, data, patient=patient, now=utc_now())
        return await consents_of(session, patient.patient_id)
