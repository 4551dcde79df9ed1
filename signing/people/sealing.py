"""The hospital's certificate seals what a person confirmed: bundle, lines and bytes in one revision of the document."""

from datetime import timedelta
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant
from kernel.ids import new_id
from kernel.services import Services
from kernel.staff.api import SYSTEM
from signing.appearance import Enclosed, Ink
from signing.context import context_of
from signing.documents.models import Document
from signing.documents.rules import DocumentState
from signing.documents.views import get_document
from signing.layout import Layout
from signing.people import bundle as b
from signing.people.absence import bundles_of_witnesses
from signing.people.models import SittingDocument
from signing.people.rules import ABSENCE_WORDS, Method, SignerKind, State
from signing.people.sittings import lock_sitting, move, tell
from signing.people.views import ListedDocument, SittingView, get_sitting
from signing.policy.service import signer_for
from signing.tasks.batch import Batch, Leased, SignResult, SignState, evidence_of
from signing.tasks.engine import Look, Signed, sign_file
from signing.tasks.finish import Signatory
from signing.tasks.rules import OWN
from signing.tasks.service import admit, open_seal
from signing.verification.report import clock

_SHORT_WORDS = {
    Method.DRAWN: "Ký tay trên màn hình",
    Method.FINGERPRINT: "Đối chiếu vân tay: khớp",
    Method.OTP: "Xác nhận bằng mã một lần",
    Method.NATIONAL_ID: "Xác thực định danh quốc gia",
    Method.PAPER: "Điểm chỉ trên giấy, kèm bản quét",
}


class Gone(Struct, frozen=True):
    """A document that can't be sealed any more, and why."""

    reason: str


async def seal_sitting(services: Services, sitting_id: UUID, *, now: Instant) -> str:
    """Seal every confirmed document of a sitting; returns why some still wait, empty when none does.

    What is sealed stays sealed: the job may stop and run again. Raises the refusals of the organisation's key.
    """
    async with services.sessions() as session:
        view = await get_sitting(session, sitting_id)
    if view.state is not State.SIGNED:
        return ""
    if view.method is Method.WITNESSED:
        await bundles_of_witnesses(services, view)
        async with services.sessions() as session:
            view = await get_sitting(session, sitting_id)
    waits = [
        await _seal(services, view, item, now=now)
        for item in view.documents
        if item.sealed_at is None and not item.failure
    ]
    left = next((reason for reason in waits if reason), "")
    if not left:
        await _end(services, sitting_id, now=now)
    return left


async def _end(services: Services, sitting_id: UUID, *, now: Instant) -> None:
    async with services.sessions.begin() as session:
        row = await lock_sitting(session, sitting_id)
        if row.state != State.SIGNED:
            return
        sealed = await session.scalar(
            select(SittingDocument.document_id)
            .where(SittingDocument.sitting_id == sitting_id, SittingDocument.sealed_at.is_not(None))
            .limit(1)
        )
        move(row, State.SEALED if sealed else State.CANCELLED)
        row.ended_at = now
        tell(session, sitting_id)


async def _seal(services: Services, view: SittingView, item: ListedDocument, *, now: Instant) -> str:
    """Seal one document; returns why it has to wait, empty when it is done or never will be."""
    assert item.bundle_sha256 is not None
    raw = await services.objects.get(item.bundle_sha256)
    bundle = b.decode(raw)
    lease = new_id()
    leased = await _lease(services, item, lease, now=now)
    if isinstance(leased, Gone):
        await _give_up(services, view.id, item.document_id, leased.reason)
        return ""
    if leased is None:
        return "Văn bản đang được ký ở nơi khác."
    context = context_of(services)
    async with services.sessions() as session:
        row = await signer_for(session, None, item.kind)
    signer = await open_seal(context, row)
    path, answers = await admit(services, context, row, signer.certificate, now=now)
    evidence = evidence_of(SYSTEM, row, signer.scheme, bundle.method.value, path, answers, now=now)
    evidence = replace(evidence, signatory=_signatory(bundle))
    scan = await services.objects.get(item.scan_sha256) if item.scan_sha256 else None
    look = look_of(bundle, raw, scan, Look(context.face()), services.settings.kernel.facility.name)

    async def sign_one(one: Leased, pdf: bytes) -> Signed:
        return await sign_file(
            pdf,
            one.head,
            one.layout,
            one.slot.field,
            signer,
            trust=context.trust,
            stamps=context.stamps(services.http),
            token_room=context.settings.token_room_bytes,
            look=look,
            now=now,
        )

    async def mark(session: AsyncSession, results: list[SignResult]) -> None:
        if all(result.state is SignState.SIGNED for result in results):
            await session.execute(
                update(SittingDocument)
                .where(SittingDocument.sitting_id == view.id, SittingDocument.document_id == item.document_id)
                .values(sealed_at=now)
            )

    results = await Batch(services, evidence, lease, sign_one, now=now, on_finished=mark).run([leased])
    result = results[item.document_id]
    return "" if result.state is SignState.SIGNED else result.reason


async def _lease(
    services: Services, item: ListedDocument, lease: UUID, *, now: Instant
) -> Leased | Gone | None:
    """Hold the document if it is exactly what was shown; None while somebody else holds it."""
    until = now + timedelta(seconds=context_of(services).settings.lease_seconds)
    async with services.sessions.begin() as session:
        document = await session.get(Document, item.document_id, with_for_update=True)
        assert document is not None
        view = await get_document(session, item.document_id)
        slot = view.next_slot
        if document.state != DocumentState.PENDING:
            return Gone("Văn bản đã thu hồi hoặc thay thế trước khi niêm phong.")
        if document.head_sha256 != item.sha256 or slot is None or slot.id != item.slot_id:
            return Gone("Văn bản đã thay đổi trước khi niêm phong.")
        if document.lease_until is not None and document.lease_until > now:
            return None
        document.lease, document.lease_until = lease, until
        layout = msgspec.convert(document.layout, Layout) if document.layout else None
        after = [one for one in view.slots if one.position > slot.position]
        return Leased(
            document.id, document.title, document.head_sha256, layout, slot, after[0] if after else None, OWN
        )


async def _give_up(services: Services, sitting_id: UUID, document_id: UUID, reason: str) -> None:
    async with services.sessions.begin() as session:
        await session.execute(
            update(SittingDocument)
            .where(SittingDocument.sitting_id == sitting_id, SittingDocument.document_id == document_id)
            .values(failure=reason)
        )
        tell(session, sitting_id)


def _signatory(bundle: b.Bundle) -> Signatory:
    if bundle.unsigned is not None:
        names = ", ".join(f"{one.title} {one.name}".strip() for one in bundle.unsigned.witnesses)
        return Signatory("WITNESSES", names, "Người làm chứng")
    if bundle.signer.kind is SignerKind.PATIENT:
        return Signatory("PATIENT", bundle.signer.name, "Người bệnh")
    return Signatory("REPRESENTATIVE", bundle.signer.name, bundle.signer.relation)


def look_of(bundle: b.Bundle, raw: bytes, scan: bytes | None, look: Look, facility: str) -> Look:
    """Say on the paper who confirmed and how, draw the lines, and carry the bundle and the scan."""
    signer = bundle.signer
    if bundle.unsigned is not None:
        names = " và ".join(f"{one.title} {one.name}".strip() for one in bundle.unsigned.witnesses)
        lines = [f"Không ký: {ABSENCE_WORDS[bundle.unsigned.absence].lower()}", f"Làm chứng: {names}"]
    elif signer.kind is SignerKind.PATIENT:
        lines = [f"Người bệnh: {signer.name}", _SHORT_WORDS[bundle.method]]
    else:
        lines = [f"Đại diện ({signer.relation.lower()}): {signer.name}", _SHORT_WORDS[bundle.method]]
    carried = [Enclosed(b.FILE_NAME, "Gói bằng chứng ký của người bệnh hoặc người đại diện", raw)]
    if bundle.scan is not None and scan is not None:
        carried.append(Enclosed(bundle.scan.name, bundle.scan.mark, scan, bundle.scan.media_type))
    ink = bundle.ink
    return replace(
        look,
        lines=(*lines, f"Lúc: {clock(bundle.signed_at)}. Niêm phong: {facility}"),
        ink=Ink(ink.width, ink.height, ink.lines) if ink else None,
        enclosed=tuple(carried),
    )
