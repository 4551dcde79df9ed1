"""The patient's own visits and the log of looks over REST."""

from uuid import UUID

from litestar import Controller, Response, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import utc_now
from kernel.refusals import refusals
from kernel.services import Services
from patient_portal.accounts.guards import patient_signed_in, provide_patient
from patient_portal.accounts.service import Patient
from patient_portal.records.documents import OwnDocument, own_documents, own_file
from patient_portal.records.log import Look, looks
from patient_portal.records.service import OwnVisit, Profile, own_visit, own_visits, person, profile_of
from patient_portal.settings import PortalSettings


class RecordController(Controller):
    path = "/api/portal"
    guards = (patient_signed_in,)
    dependencies = {"patient": Provide(provide_patient)}

    @get("/me", operation_id="getPortalProfile", responses=refusals(401))
    async def me(self, patient: NamedDependency[Patient], session: NamedDependency[AsyncSession]) -> Profile:
        """Show who is signed in."""
        return profile_of(await person(session, patient))

    @get("/visits", operation_id="listOwnVisits", responses=refusals(401))
    async def visits(
        self, patient: NamedDependency[Patient], session: NamedDependency[AsyncSession]
    ) -> list[OwnVisit]:
        """List the patient's visits, the latest first."""
        return await own_visits(session, patient)

    @get("/visits/{visit_id:uuid}", operation_id="getOwnVisit", responses=refusals(401, 404))
    async def visit(
        self,
        visit_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
    ) -> OwnVisit:
        """Show one visit."""
        return await own_visit(session, visit_id, patient)

    @get("/access-log", operation_id="listLooks", responses=refusals(401))
    async def log(
        self,
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
        before: FromQuery[int | None] = None,
    ) -> list[Look]:
        """Tell who looked at the patient's record, the latest first (ai đã xem hồ sơ của tôi)."""
        return await looks(session, patient, before=before)

    @get("/documents", operation_id="listOwnDocuments", responses=refusals(401))
    async def documents(
        self,
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
        portal_settings: NamedDependency[PortalSettings],
    ) -> list[OwnDocument]:
        """List the patient's signed papers, the latest first."""
        return await own_documents(session, patient, settings=portal_settings, now=utc_now())

    @get(
        "/documents/{document_id:uuid}/file",
        operation_id="downloadOwnDocument",
        responses=refusals(401, 403, 404),
        media_type="application/pdf",
    )
    async def file(
        self,
        document_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        services: NamedDependency[Services],
    ) -> Response[bytes]:
        """Download a signed paper, byte for byte as it was signed."""
        document, content = await own_file(services, document_id, patient, now=utc_now())
        return pdf_response(document, content)


def pdf_response(document: OwnDocument, content: bytes) -> Response[bytes]:
    name = f"{document.kind}-{document.day:%Y%m%d}-{document.code}.pdf"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(content, media_type="application/pdf", headers=headers)
