"""First page, record, and the page about me."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy.ext.asyncio import AsyncSession

from billing.settings import BillingSettings
from emr.api import list_departments
from kernel.clock import Instant, utc_now
from kernel.services import Services
from patient_portal.accounts.guards import PatientNotSignedIn, patient_signed_in, provide_patient
from patient_portal.accounts.pages import to_sign_in
from patient_portal.accounts.service import Patient, devices_of, forget_device
from patient_portal.booking.rules import days_until
from patient_portal.booking.service import bookings_of, next_booking
from patient_portal.consents.rules import Purpose
from patient_portal.consents.service import SetConsent, consents_of, set_consent
from patient_portal.money.service import dues_of
from patient_portal.records.documents import own_document, own_documents, own_file
from patient_portal.records.log import page_of_looks
from patient_portal.records.rest import pdf_response
from patient_portal.records.rules import is_money
from patient_portal.records.service import own_visit, own_visits, person, profile_of
from patient_portal.settings import PortalSettings
from patient_portal.words import local_moment, weekday_day

Form = URLEncodedBody[dict[str, str]]


class RecordPages(Controller):
    path = "/portal"
    include_in_schema = False
    guards = (patient_signed_in,)
    exception_handlers = {PatientNotSignedIn: to_sign_in}
    dependencies = {"patient": Provide(provide_patient)}

    @get()
    async def home(
        self,
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
        billing_settings: NamedDependency[BillingSettings],
        portal_settings: NamedDependency[PortalSettings],
    ) -> Template:
        """The next appointment, the amount due, new documents, four actions."""
        now = utc_now()
        documents = await own_documents(session, patient, settings=portal_settings, now=now)
        dues = await dues_of(session, patient, settings=billing_settings, now=now)
        context = {
            "name": (await person(session, patient)).name,
            "remaining": sum(due.remaining for due in dues),
            "documents": [paper for paper in documents if not is_money(paper.kind)][:2],
            "place": "visits",
            **await _coming(session, patient, now=now),
        }
        return Template("patient_portal/home.html", context=context)

    @get("/records")
    async def record(
        self,
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
        portal_settings: NamedDependency[PortalSettings],
    ) -> Template:
        """Signed papers and visits, the latest first."""
        documents = await own_documents(session, patient, settings=portal_settings, now=utc_now())
        visits = await own_visits(session, patient)
        context = {"documents": documents, "visits": visits, "place": "records"}
        return Template("patient_portal/records/records.html", context=context)

    @get("/visits/{visit_id:uuid}")
    async def visit(
        self,
        visit_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
        portal_settings: NamedDependency[PortalSettings],
    ) -> Template:
        """One visit and its papers."""
        visit = await own_visit(session, visit_id, patient)
        papers = await own_documents(session, patient, settings=portal_settings, now=utc_now())
        documents = [paper for paper in papers if paper.visit_id == visit_id]
        context = {"visit": visit, "documents": documents, "place": "records"}
        return Template("patient_portal/records/visit.html", context=context)

    @get("/documents/{document_id:uuid}")
    async def document(
        self,
        document_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
        portal_settings: NamedDependency[PortalSettings],
    ) -> Template:
        """One paper: who signed it, download it, check it."""
        paper = await own_document(session, document_id, patient, settings=portal_settings, now=utc_now())
        context = {"document": paper, "place": "records"}
        return Template("patient_portal/records/document.html", context=context)

    @get("/documents/{document_id:uuid}/file")
    async def file(
        self,
        document_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        services: NamedDependency[Services],
    ) -> Response[bytes]:
        """Download a signed paper."""
        return pdf_response(*await own_file(services, document_id, patient, now=utc_now()))

    @get("/me")
    async def me(self, patient: NamedDependency[Patient], session: NamedDependency[AsyncSession]) -> Template:
        """Who I am here, my devices, my consents, who looked."""
        context = {
            "profile": profile_of(await person(session, patient)),
            "devices": await devices_of(session, patient, now=utc_now()),
            "this_device": patient.device_id,
            "place": "me",
        }
        return Template("patient_portal/me/me.html", context=context)

    @post("/devices/{device_id:uuid}/forgetting")
    async def forget(
        self,
        device_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
    ) -> Redirect:
        """Forget a remembered device."""
        await forget_device(session, device_id, patient=patient, now=utc_now())
        return Redirect("/portal/me", status_code=303)

    @get("/me/consents")
    async def consents(
        self, patient: NamedDependency[Patient], session: NamedDependency[AsyncSession]
    ) -> Template:
        """What I agreed to; nothing is ticked for me."""
        context = {"consents": await consents_of(session, patient.patient_id), "place": "me"}
        return Template("patient_portal/me/consents.html", context=context)

    @post("/me/consents/{purpose:str}")
    async def consent(
        self,
        purpose: FromPath[Purpose],
        data: Form,
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
    ) -> Redirect:
        """Agree, or agree no longer."""
        given = SetConsent(given=data.get("given") == "1")
        await set_consent(session, purpose, given, patient=patient, now=utc_now())
        return Redirect("/portal/me/consents", status_code=303)

    @get("/me/looks")
    async def looked(
        self,
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
        before: FromQuery[int | None] = None,
    ) -> Template:
        """Who looked at my record."""
        found, older = await page_of_looks(session, patient, before=before)
        names = {department.code: department.name for department in await list_departments(session)}
        context = {"looks": found, "departments": names, "older": older, "place": "me"}
        return Template("patient_portal/me/looks.html", context=context)


async def _coming(session: AsyncSession, patient: Patient, *, now: Instant) -> dict[str, Any]:
    """What the first page says of the next appointment, and of others after it."""
    booking = await next_booking(session, patient.patient_id, now=now)
    later = await bookings_of(session, patient.patient_id, since=now)
    until = days_until(local_moment(booking.starts_at), local_moment(now)) if booking else ""
    return {
        "booking": booking,
        "until": until,
        "later": [one for one in later if booking is None or one.id != booking.id],
        "say": weekday_day,
    }
