"""Render a receipt or a settled bill once, keep it, have it sealed; print copies and provisional bills at once."""

from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.service import account_of
from billing.invoices.service import NoSuchInvoice, get_invoice
from billing.prints.bill import bill_01_kbcb
from billing.prints.facts import bill_facts, receipt_facts
from billing.prints.models import Paper
from billing.prints.receipt import receipt_a5, receipt_roll
from billing.prints.sealing import hand_over, latest
from billing.receipts.models import Receipt
from kernel.clock import Instant
from kernel.ids import new_id
from kernel.paper.blocks import PaperDocument
from kernel.paper.render import page_count, render
from kernel.paper.verify import new_code
from kernel.services import Services

RECEIPT, BILL = "receipt", "bill"


class Drawn(msgspec.Struct, frozen=True):
    """A paper ready to be rendered, and whose it is."""

    document: PaperDocument
    patient_id: UUID
    patient_name: str


async def receipt_pdf(services: Services, receipt_id: UUID, *, now: Instant) -> bytes:
    """Return a receipt as it was rendered once, sealed if the seal is there already. Raises NoSuchReceipt."""
    return await _kept(services, RECEIPT, receipt_id, maker="", now=now)


async def receipt_copy(services: Services, receipt_id: UUID, *, now: Instant) -> bytes:
    """Return a reprint on A5; it says that it is one, and when. Raises NoSuchReceipt."""
    async with services.sessions() as session:
        paper = await receipt_facts(
            session,
            receipt_id,
            kernel=services.settings.kernel,
            code=await _code(session, receipt_id),
            copied_at=now,
        )
    return await services.cpu.run(render, receipt_a5(paper))


async def receipt_roll_pdf(services: Services, receipt_id: UUID) -> bytes:
    """Return a receipt for an 80 mm printer. Raises NoSuchReceipt."""
    async with services.sessions() as session:
        code = await _code(session, receipt_id)
        paper = await receipt_facts(session, receipt_id, kernel=services.settings.kernel, code=code)
    return await services.cpu.run(render, receipt_roll(paper))


async def bill_pdf(services: Services, episode_id: UUID, *, maker: str, now: Instant) -> bytes:
    """Return the bill 01/KBCB: kept and sealed once settled, provisional before. Raises NoAccount, BillNotComputable."""
    async with services.sessions() as session:
        settled = (await account_of(session, episode_id)).state == "SETTLED"
        if not settled:
            drawn = await _draw(session, services, BILL, episode_id, code="", maker=maker, now=now)
    if settled:
        return await _kept(services, BILL, episode_id, maker=maker, now=now)
    return await services.cpu.run(render, drawn.document)


async def invoice_pdf(services: Services, invoice_id: UUID) -> bytes:
    """Return the paper view of a delivered invoice; it carries the XML. Raises NoSuchInvoice."""
    async with services.sessions() as session:
        sha256 = (await get_invoice(session, invoice_id)).view_sha256
    if sha256 is None:
        raise NoSuchInvoice("Hoá đơn này chưa có mã của cơ quan thuế nên chưa có tệp.")
    return await services.objects.get(sha256)


async def keep_paper(services: Services, kind: str, subject_id: UUID, *, maker: str, now: Instant) -> Paper:
    """Render once, store, and hand to signing; the same paper again is the one that was kept."""
    async with services.sessions() as session:
        known = await _paper(session, kind, subject_id)
        if known is not None:
            return known
        code, paper_id = new_code(), new_id()
        drawn = await _draw(session, services, kind, subject_id, code=code, maker=maker, now=now)
    pdf = await services.cpu.run(render, drawn.document)
    sha256 = await services.objects.put(pdf)
    row = {
        "id": paper_id,
        "kind": kind,
        "subject_id": subject_id,
        "sha256": sha256,
        "code": code,
        "created_at": now,
    }
    async with services.sessions.begin() as session:
        statement = insert(Paper).values(row).on_conflict_do_nothing(index_elements=["kind", "subject_id"])
        first = await session.scalar(statement.returning(Paper.id)) is not None
        if first:
            await hand_over(
                session,
                paper_id,
                kind=f"billing.{kind}",
                title=drawn.document.title,
                subject=f"billing.{kind}:{subject_id}",
                patient_id=drawn.patient_id,
                patient_name=drawn.patient_name,
                sha256=sha256,
                code=code,
                pages=page_count(pdf),
                now=now,
            )
        kept = await _paper(session, kind, subject_id)
        assert kept is not None, "written here or by another"
        return kept


async def papers_without_file(session: AsyncSession, request_id: UUID) -> list[UUID]:
    """Return the receipts of a payment request that were not rendered yet."""
    known = select(Paper.subject_id).where(Paper.kind == RECEIPT)
    statement = select(Receipt.id).where(Receipt.request_id == request_id, Receipt.id.not_in(known))
    return list(await session.scalars(statement))


async def _kept(services: Services, kind: str, subject_id: UUID, *, maker: str, now: Instant) -> bytes:
    paper = await keep_paper(services, kind, subject_id, maker=maker, now=now)
    async with services.sessions() as session:
        sha256 = await latest(session, paper.id)
    return await services.objects.get(sha256)


async def _draw(
    session: AsyncSession,
    services: Services,
    kind: str,
    subject_id: UUID,
    *,
    code: str,
    maker: str,
    now: Instant,
) -> Drawn:
    settings = services.settings
    if kind == RECEIPT:
        receipt = await receipt_facts(session, subject_id, kernel=settings.kernel, code=code)
        return Drawn(receipt_a5(receipt), receipt.receipt.patient_id, receipt.patient_name)
    bill = await bill_facts(
        session,
        subject_id,
        kernel=settings.kernel,
        settings=settings.billing,
        code=code,
        maker=maker,
        now=now,
    )
    return Drawn(bill_01_kbcb(bill), bill.bill.patient_id, bill.patient_name)


async def _paper(session: AsyncSession, kind: str, subject_id: UUID) -> Paper | None:
    statement = select(Paper).where(Paper.kind == kind, Paper.subject_id == subject_id)
    return (await session.scalars(statement)).first()


async def _code(session: AsyncSession, receipt_id: UUID) -> str:
    paper = await _paper(session, RECEIPT, receipt_id)
    return paper.code if paper else ""
