"""What signing tells of a sheet's document."""

from uuid import UUID

from sqlalchemy import update

from emr.events import SheetSigned
from emr.sheets.models import Sheet
from emr.sheets.rules import SheetState, may_move
from emr.sheets.service import form_of
from kernel.outbox.api import Job, name_jobs, on, publish
from signing.events import DocumentRefused, DocumentSigned

PREFIX = "emr.sheet:"


@on(DocumentSigned, name="emr.mark_sheet_signed", gives_way=True)
async def mark_sheet_signed(job: Job, event: DocumentSigned) -> None:
    """Note a signature; with the last one the sheet is signed and the version before it is replaced."""
    if not event.subject.startswith(PREFIX):
        return
    sheet = await job.session.get(Sheet, UUID(event.subject.removeprefix(PREFIX)), with_for_update=True)
    if sheet is None or sheet.document_id != event.document_id:
        return
    first = form_of(sheet).stage(sheet.stage).slots[0].field
    if event.slot == first and sheet.author_signed_at is None:
        sheet.author_signed_at = event.at
    if event.complete and may_move(SheetState(sheet.state), SheetState.SIGNED):
        sheet.state = SheetState.SIGNED.value
        sheet.signed_at, sheet.signed_sha256 = event.at, event.sha256
        if sheet.supersedes is not None:
            await job.session.execute(
                update(Sheet).where(Sheet.id == sheet.supersedes).values(state=SheetState.SUPERSEDED.value)
            )
        await publish(
            job.session,
            SheetSigned(
                sheet_id=sheet.id,
                visit_id=sheet.visit_id,
                patient_id=sheet.patient_id,
                form_code=sheet.form_code,
                document_id=event.document_id,
                supersedes=sheet.supersedes,
                at=event.at,
            ),
        )
    await job.session.flush()


@on(DocumentRefused, name="emr.mark_sheet_refused")
async def mark_sheet_refused(job: Job, event: DocumentRefused) -> None:
    """Note why a signer refused; the author reads it on the sheet and answers with the next version."""
    if not event.subject.startswith(PREFIX):
        return
    await job.session.execute(
        update(Sheet)
        .where(
            Sheet.id == UUID(event.subject.removeprefix(PREFIX)),
            Sheet.document_id == event.document_id,
            Sheet.state == SheetState.COMPLETED.value,
        )
        .values(refused_reason=event.reason)
    )


name_jobs(
    {
        "emr.mark_sheet_signed": "Ghi phiếu đã được ký",
        "emr.mark_sheet_refused": "Ghi phiếu bị từ chối ký",
    }
)
