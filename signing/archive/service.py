"""Lift issued documents to B-LTA by a job, and know which bytes to hand out."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant
from kernel.services import Services
from signing.archive.lift import CannotLift, Material, end_lift, lift_file
from signing.archive.models import Archived
from signing.cms import read_signed_data
from signing.context import Context, context_of
from signing.der import BadDer, strip
from signing.documents.access import kept_answers
from signing.documents.models import Document
from signing.documents.rules import DocumentState
from signing.documents.views import DocumentNotFound, get_document
from signing.status import Standing
from signing.trust import TrustList
from signing.verification.pdf import BYTE_RANGE
from signing.verification.report import Level

LIFT = "signing.lift"
RENEW = "signing.renew"


class RenewArchive(Struct, frozen=True):
    """Payload of the job that stamps an archive copy once more."""

    document_id: UUID


async def lift_document(
    services: Services, document_id: UUID, *, now: Instant, renew: bool = False
) -> Level | None:
    """Append what keeps an issued document verifiable when its certificates have ended.

    `renew`: stamp the archive copy once more, before the authority of its last timestamp ends.
    None when there is nothing to do: not issued, lifted before, or no timestamp authority is configured.
    Raises CannotLift while status or timestamps can't be had.
    """
    context = context_of(services)
    stamps = context.stamps(services.http)
    async with services.sessions() as session:
        document = await get_document(session, document_id)
        lifted = await archived_sha256(session, document_id)
        kept = await kept_answers(session, document_id)
    finished = document.state in (DocumentState.ISSUED, DocumentState.SUPERSEDED)
    if stamps is None or not finished or (lifted is not None) is not renew:
        return None
    source = lifted or document.head_sha256
    pdf = await services.objects.get(source)
    asked = await _material(services, context, signer_paths(pdf, context.trust, now), now)
    known = Material(
        asked.certificates,
        list(dict.fromkeys((*kept.ocsps, *asked.ocsps))),
        list(dict.fromkeys((*kept.crls, *asked.crls))),
    )
    made = await lift_file(pdf, known, stamps=stamps, now=now, cpu=services.cpu)
    last = signer_paths(made[len(pdf) :], context.trust, now, base=len(pdf))
    lasting = await _material(services, context, last, now)
    made, report = await services.cpu.run_behind(
        end_lift, made, lasting, context.trust_pem, context.trust.demo, now
    )
    if not report.valid or any(s.level is not Level.B_LTA for s in report.signatures):
        raise CannotLift("Bản lưu trữ dài hạn không qua được kiểm tra, giữ bản cũ.")
    sha256 = await services.objects.put(made)
    holds_until = min(link.not_valid_after_utc for path in last for link in path)
    row = {
        "sha256": sha256,
        "document_id": document_id,
        "source_sha256": source,
        "level": Level.B_LTA,
        "made_at": now,
        "holds_until": holds_until,
    }
    async with services.sessions.begin() as session:
        await session.execute(insert(Archived).values(row).on_conflict_do_nothing())
    return Level.B_LTA


async def _material(
    services: Services, context: Context, paths: list[tuple[x509.Certificate, ...]], now: datetime
) -> Material:
    """Ask the standing of every certificate of some paths, signers' and timestamp authorities'. Raises CannotLift."""
    client = context.status(services.http)
    found = [answer for path in paths for answer in await client.ask_path(path, now=now)]
    if any(answer.standing is Standing.UNREACHABLE for answer in found):
        raise CannotLift("Chưa hỏi được trạng thái chứng thư; sẽ thử lại.")
    certificates = dict.fromkeys(link.public_bytes(Encoding.DER) for path in paths for link in path)
    return Material(list(certificates), [a.ocsp for a in found if a.ocsp], [a.crl for a in found if a.crl])


def signer_paths(
    pdf: bytes, trust: TrustList, now: datetime, *, base: int = 0
) -> list[tuple[x509.Certificate, ...]]:
    """Return the paths of all signers and timestamp authorities in a file, those we trust.

    `base`: how many bytes of the file come before these.
    """
    paths: dict[bytes, tuple[x509.Certificate, ...]] = {}
    for match in BYTE_RANGE.finditer(pdf):
        _, size, second, _ = (int(number) for number in match.groups())
        try:
            signed = read_signed_data(
                strip(bytes.fromhex(pdf[size + 1 - base : second - 1 - base].decode("ascii")))
            )
            parts = [signed, *([read_signed_data(signed.token)] if signed.token else [])]
        except (BadDer, ValueError):
            continue
        for part in parts:
            holder = part.certificate()
            path = holder and trust.path(holder, at=now, extra=part.certificates)
            if holder and path:
                paths[holder.public_bytes(Encoding.DER)] = path
    return list(paths.values())


async def archived_sha256(session: AsyncSession, document_id: UUID) -> str | None:
    """Return the hash of the latest lifted file of a document."""
    return await session.scalar(
        select(Archived.sha256)
        .where(Archived.document_id == document_id)
        .order_by(Archived.made_at.desc())
        .limit(1)
    )


async def best_copies(session: AsyncSession, document_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return which bytes to hand out, by document: the latest archive copy, which verifies longest, else the signed head."""
    lifted = (
        select(Archived.document_id, Archived.sha256)
        .where(Archived.document_id.in_(document_ids))
        .order_by(Archived.document_id, Archived.made_at.desc())
        .ext(distinct_on(Archived.document_id))
        .subquery()
    )
    query = (
        select(Document.id, func.coalesce(lifted.c.sha256, Document.head_sha256))
        .outerjoin(lifted, lifted.c.document_id == Document.id)
        .where(Document.id.in_(document_ids))
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def best_sha256(session: AsyncSession, document_id: UUID) -> str:
    """Return which bytes of a document to hand out. Raises DocumentNotFound."""
    found = await best_copies(session, [document_id])
    if document_id not in found:
        raise DocumentNotFound("Không tìm thấy văn bản.")
    return found[document_id]


async def source_of(session: AsyncSession, sha256: str) -> str | None:
    """Return the hash of the signed head whose archive copy this is."""
    return await session.scalar(
        select(Document.head_sha256)
        .join(Archived, Archived.document_id == Document.id)
        .where(Archived.sha256 == sha256)
    )


async def ending_archives(session: AsyncSession, *, before: Instant, limit: int = 1000) -> list[UUID]:
    """Return documents whose latest archive copy holds only until then, the first to end first."""
    latest = (
        select(Archived.document_id, func.max(Archived.holds_until).label("until"))
        .group_by(Archived.document_id)
        .subquery()
    )
    found = await session.scalars(
        select(latest.c.document_id).where(latest.c.until < before).order_by(latest.c.until).limit(limit)
    )
    return list(found)
