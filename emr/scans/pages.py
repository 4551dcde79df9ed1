"""Paper that arrives: upload a scan, see what was converted."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import State, UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template
from msgspec import ValidationError, convert

from emr.patients.service import get_patient
from emr.scans.service import FATES, ConvertScan, convert_scan, scan_file, scans_of
from emr.settings import EmrSettings
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import Actor, Role, needs
from signing.api import STATE_WORDS

Wire = Request[Any, Any, State]
Who = NamedDependency[Actor]
BODY_MAXIMUM = 40_000_000


class ScanConversionPages(Controller):
    path = "/patients/{patient_id:uuid}/scans"
    guards = (needs(Role.RECEPTION, Role.NURSE, Role.DOCTOR, Role.HEAD, Role.ARCHIVIST),)
    include_in_schema = False

    @get()
    async def scans(
        self,
        patient_id: FromPath[UUID],
        services: NamedDependency[Services],
        actor: Who,
        emr_settings: NamedDependency[EmrSettings],
        converted: FromQuery[int] = 0,
    ) -> Template:
        return await _page(services, patient_id, actor, emr_settings, converted=converted)

    @post(request_max_body_size=BODY_MAXIMUM)
    async def convert(
        self,
        patient_id: FromPath[UUID],
        request: Wire,
        services: NamedDependency[Services],
        actor: Who,
        emr_settings: NamedDependency[EmrSettings],
    ) -> Template | Redirect:
        """Convert one uploaded scan."""
        form = await request.form()
        typed = {name: str(form.get(name, "")) for name in ("id", "title", "paper_fate")}
        file = form.get("file")
        data = await file.read() if isinstance(file, UploadFile) else b""
        errors = {} if data else {"file": "Hãy chọn tệp quét PDF, JPEG hoặc PNG."}
        try:
            values = {**typed, "title": typed["title"].strip(), "patient_id": patient_id, "data": data}
            command = convert(values, ConvertScan, strict=False)
        except ValidationError:
            errors |= {"title": "Hãy ghi tên văn bản và chọn cách xử lý bản giấy."}
        if errors:
            return await _page(services, patient_id, actor, emr_settings, errors=errors, typed=typed)
        try:
            await convert_scan(services, command, actor=actor, now=utc_now(), settings=emr_settings)
        except Problem as refused:
            errors = {refused.field or "": refused.detail}
            return await _page(services, patient_id, actor, emr_settings, errors=errors, typed=typed)
        return Redirect(f"/patients/{patient_id}/scans?converted=1", status_code=303)

    @get("/{scan_id:uuid}/file.pdf")
    async def file(
        self, scan_id: FromPath[UUID], services: NamedDependency[Services], actor: Who
    ) -> Response[bytes]:
        data = await scan_file(services, scan_id, actor=actor)
        headers = {
            "content-disposition": 'inline; filename="ban-chuyen-doi.pdf"',
            "cache-control": "private, no-store",
        }
        return Response(data, media_type="application/pdf", headers=headers)


async def _page(
    services: Services,
    patient_id: UUID,
    actor: Actor,
    settings: EmrSettings,
    *,
    errors: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
    converted: int = 0,
) -> Template:
    async with services.sessions.begin() as session:
        patient = await get_patient(session, patient_id)
        lines = await scans_of(session, patient_id, actor=actor)
    context = {
        "patient": patient,
        "lines": lines,
        "words": STATE_WORDS,
        "fates": list(FATES.items()),
        "fate_words": FATES,
        "megabytes": settings.scan_bytes_maximum // 1_000_000,
        "pages": settings.scan_pages_maximum,
        "errors": errors or {},
        "form": typed or {"id": str(new_id()), "paper_fate": "KEPT"},
        "converted": converted,
    }
    return Template("emr/scans/scans.html", context=context, status_code=422 if errors else 200)
