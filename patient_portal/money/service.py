"""What a patient owes and paid. The figures are billing's; nothing is computed here."""

from datetime import date
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from billing.api import (
    BillNotComputable,
    CreateRequest,
    InvoiceView,
    NoAccount,
    NoSuchInvoice,
    NoSuchReceipt,
    NoSuchRequest,
    ReceiptView,
    RequestView,
    bill,
    bill_pdf,
    create_request,
    get_receipt,
    get_request,
    invoice_pdf,
    invoices_of_episode,
    receipt_pdf,
    receipts_of_patient,
)
from billing.settings import BillingSettings
from emr.api import VisitView, patient_history
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant, local_day
from kernel.facility import Facility
from kernel.money import Vnd
from kernel.problems import NotFound
from kernel.services import Services
from patient_portal.accounts.service import Patient

COUNTER = "PORTAL"
EPISODES = 12
"""How many episodes back a patient is reminded of; older debts are the accountant's."""


class Due(Struct, frozen=True):
    """What is left to pay of one đợt khám chữa bệnh."""

    episode_id: UUID
    code: str
    day: date
    """The Vietnamese day the episode began."""
    total: Vnd
    fund: Vnd
    """What BHYT pays, rounded down to whole đồng for showing."""
    paid: Vnd
    deposits: Vnd
    remaining: Vnd
    to_refund: Vnd
    provisional: bool
    """More may be added: the visit goes on."""


class NoSuchDue(NotFound):
    slug = "no-such-due"


class AskPayment(Struct, frozen=True, forbid_unknown_fields=True):
    id: UUID  # Made by the client and kept across retries.


async def dues_of(
    session: AsyncSession, patient: Patient, *, settings: BillingSettings, now: Instant
) -> list[Due]:
    """Return the patient's episodes with money in them, the latest first."""
    visits = await patient_history(session, patient.patient_id, limit=4 * EPISODES)
    episodes = {visit.episode_id: visit for visit in reversed(visits)}
    dues = [
        await _due(session, visit, settings=settings, now=now)
        for visit in list(reversed(episodes.values()))[:EPISODES]
    ]
    return [due for due in dues if due is not None and (due.total or due.deposits)]


async def _due(
    session: AsyncSession, visit: VisitView, *, settings: BillingSettings, now: Instant
) -> Due | None:
    try:
        view = await bill(session, visit.episode_id, now=now, settings=settings)
    except (NoAccount, BillNotComputable):
        return None
    return Due(
        episode_id=visit.episode_id,
        code=visit.episode_code,
        day=local_day(view.opened_at),
        total=view.total,
        fund=int(view.fund),
        paid=view.paid,
        deposits=view.deposits,
        remaining=view.remaining,
        to_refund=view.to_refund,
        provisional=view.ended_at is None,
    )


async def due_of_episode(
    session: AsyncSession, episode_id: UUID, patient: Patient, *, settings: BillingSettings, now: Instant
) -> Due:
    """Raises NoSuchDue, also for somebody else's episode."""
    for due in await dues_of(session, patient, settings=settings, now=now):
        if due.episode_id == episode_id:
            return due
    raise NoSuchDue("Không tìm thấy khoản viện phí này.")


async def ask_payment(
    session: AsyncSession,
    episode_id: UUID,
    command: AskPayment,
    patient: Patient,
    *,
    facility: Facility,
    settings: BillingSettings,
    now: Instant,
) -> RequestView:
    """Make a payment code for all that is left of an episode. Raises NoSuchDue and what billing raises."""
    await due_of_episode(session, episode_id, patient, settings=settings, now=now)
    return await create_request(
        session,
        CreateRequest(id=command.id, episode_id=episode_id, counter=COUNTER),
        actor=patient.actor,
        facility=facility,
        settings=settings,
        now=now,
    )


async def own_request(session: AsyncSession, request_id: UUID, patient: Patient) -> RequestView:
    """Raises NoSuchRequest, also for somebody else's."""
    view = await get_request(session, request_id)
    if view.patient_id != patient.patient_id:
        raise NoSuchRequest("Không có yêu cầu thanh toán này.")
    return view


async def own_receipts(session: AsyncSession, patient: Patient) -> list[ReceiptView]:
    return await receipts_of_patient(session, patient.patient_id)


async def own_receipt_file(services: Services, receipt_id: UUID, patient: Patient, *, now: Instant) -> bytes:
    """Return a receipt as a file and note the download. Raises NoSuchReceipt, also for somebody else's."""
    async with services.sessions.begin() as session:
        receipt = await get_receipt(session, receipt_id)
        if receipt.patient_id != patient.patient_id:
            raise NoSuchReceipt("Không có phiếu thu này.")
        await _note(session, f"billing.receipt:{receipt_id}", patient)
    return await receipt_pdf(services, receipt_id, now=now)


async def own_bill_file(services: Services, episode_id: UUID, patient: Patient, *, now: Instant) -> bytes:
    """Return the bill 01/KBCB of an episode and note the download. Raises NoSuchDue, also for somebody else's."""
    async with services.sessions.begin() as session:
        await due_of_episode(session, episode_id, patient, settings=services.settings.billing, now=now)
        await _note(session, f"billing.bill:{episode_id}", patient)
    return await bill_pdf(services, episode_id, maker="", now=now)


async def own_invoices(session: AsyncSession, episode_id: UUID, patient: Patient) -> list[InvoiceView]:
    """Return the invoices with a tax code of one's own episode; nothing for somebody else's."""
    visits = await patient_history(session, patient.patient_id, limit=500)
    if all(visit.episode_id != episode_id for visit in visits):
        return []
    return [view for view in await invoices_of_episode(session, episode_id) if view.view_sha256]


async def own_invoice_file(services: Services, episode_id: UUID, invoice_id: UUID, patient: Patient) -> bytes:
    """Return an invoice's paper view and note the download. Raises NoSuchInvoice, also for somebody else's."""
    async with services.sessions.begin() as session:
        invoices = await own_invoices(session, episode_id, patient)
        if all(view.id != invoice_id for view in invoices):
            raise NoSuchInvoice("Không có hoá đơn này.")
        await _note(session, f"billing.invoice:{invoice_id}", patient)
    return await invoice_pdf(services, invoice_id)


async def _note(session: AsyncSession, subject: str, patient: Patient) -> None:
    await record(session, Entry(Action.EXPORT, subject, patient_id=patient.patient_id), patient.actor)
