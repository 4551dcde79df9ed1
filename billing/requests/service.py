"""Ask for money, cancel, expire, find."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import Account
from billing.accounts.service import HeldAccount, hold_account, lock_account_by_id
from billing.bills.rules import share_of
from billing.bills.service import bill_of_account
from billing.bills.views import BillView
from billing.charges.models import Charge
from billing.charges.service import reprice_missing
from billing.references.service import reference_of
from billing.requests.models import PaymentRequest, RequestCharge
from billing.requests.rules import RequestKind, RequestState
from billing.requests.views import CreateRequest, RequestView
from billing.requests.writing import ASK, CANCEL_ASKING, CANCEL_OPEN, COLUMNS, WRITE
from billing.settings import BillingSettings
from billing.vietqr.drawing import drawn
from billing.vietqr.rules import LIMIT, Transfer, encode
from kernel.audit.api import Action, Entry, audit_values, record
from kernel.clock import Instant, format_day, local_day
from kernel.facility import Facility
from kernel.live import touch
from kernel.money import format_number
from kernel.outbox.api import later_values
from kernel.problems import Conflict, NotFound, Refused
from kernel.staff.api import Actor
from kernel.text import mask_name

EXPIRE_JOB = "billing.expire_request"
TILL_TOPIC = "till"


_FROM_ACCOUNT = ("episode_id", "patient_id")
_SHOWN = [
    getattr(Account if name in _FROM_ACCOUNT else PaymentRequest, name)
    for name in RequestView.__struct_fields__
]
NEWEST = (
    select(*_SHOWN)
    .join_from(PaymentRequest, Account, Account.id == PaymentRequest.account_id)
    .where(PaymentRequest.counter == bindparam("counter"))
    .order_by(PaymentRequest.created_at.desc())
    .limit(1)
)
"""The newest request of a counter, whatever became of it: the columns of RequestView."""


class NothingToPay(Conflict):
    slug = "nothing-to-pay"


class RequestIdReused(Conflict):
    slug = "request-id-reused"


class RequestClosed(Conflict):
    slug = "request-closed"


class NoSuchRequest(NotFound):
    slug = "no-such-request"


class PriceMissing(Refused):
    slug = "price-missing"


class DepositTooLarge(Refused):
    slug = "deposit-too-large"


class UnknownCharge(Refused):
    slug = "unknown-charge"


class AlreadySettled(Conflict):
    slug = "episode-already-settled"


class ExpireRequest(Struct, frozen=True):
    request_id: UUID


def counter_topic(counter: str) -> str:
    """Return the live topic of a counter's two screens."""
    return f"counter:{counter}"


def touch_screens(
    session: AsyncSession, request_id: UUID, counter: str, episode_id: UUID | None = None
) -> None:
    """Tell the counter's second screen and every cashier's page, once this transaction has committed.

    Without the episode every open bill is drawn anew.
    """
    ids = {"request_id": str(request_id)} | ({"episode_id": str(episode_id)} if episode_id else {})
    touch(session, counter_topic(counter), ids)
    touch(session, TILL_TOPIC, ids)


def _validity(counter: str, settings: BillingSettings) -> timedelta:
    if counter.startswith("PORTAL"):
        return timedelta(minutes=settings.portal_minutes)
    minutes = settings.kiosk_minutes if counter.startswith("KIOSK") else settings.counter_minutes
    return timedelta(minutes=minutes)


async def create_request(
    session: AsyncSession,
    command: CreateRequest,
    *,
    actor: Actor,
    facility: Facility,
    settings: BillingSettings,
    now: Instant,
) -> RequestView:
    """Ask for money once; the same command again returns the first result.

    An earlier open request for the same bill is cancelled: it would ask for the same money twice.
    Raises NoAccount, AlreadySettled, NothingToPay, PriceMissing, UnknownCharge, RequestIdReused, DepositTooLarge.
    """
    if command.deposit and command.deposit > LIMIT:
        text = f"Một lần thu tối đa {format_number(LIMIT)} đồng, vì một chuyển khoản nhanh không chở hơn. Hãy thu làm nhiều lần."
        raise DepositTooLarge(text, field="deposit")
    account = await hold_account(session, command.episode_id)
    asked = await ASK.first(session, request=command.id, patient=account.patient_id)
    assert asked is not None, "the migration made the key"
    if asked["known"]:
        return await _same(session, account, command)
    if account.state == "SETTLED":
        raise AlreadySettled("Đợt khám chữa bệnh này đã quyết toán xong, không còn gì để thu.")
    bill = await bill_of_account(session, account, now=now, settings=settings)
    if bill.price_missing and await reprice_missing(session, account.id, now=now):
        bill = await bill_of_account(session, account, now=now, settings=settings)
    amount = command.deposit or amount_asked(bill, command)
    day = format_day(local_day(account.opened_at))
    reference = reference_of(asked)
    view = RequestView(
        id=command.id,
        kind=RequestKind.DEPOSIT if command.deposit else RequestKind.BILL,
        episode_id=account.episode_id,
        patient_id=account.patient_id,
        reference=reference,
        amount=amount,
        received=0,
        excess=0,
        payload=_payload(facility, settings, amount, reference),
        title=f"Tạm ứng viện phí {day}" if command.deposit else f"Viện phí khám bệnh {day}",
        masked_name=mask_name(asked["name"]),
        counter=command.counter,
        state=RequestState.PENDING,
        created_at=now,
        expires_at=now + _validity(command.counter, settings),
        closed_at=None,
    )
    covered = [] if command.deposit else _covered(bill, command, amount)
    values = {name: getattr(view, name, None) for name in COLUMNS}
    values |= {"account_id": account.id, "created_by": actor.id, "closed_reason": ""}
    values |= {"account": account.id, "now": now, "reason": "Thay bằng yêu cầu mới."}
    values |= later_values(EXPIRE_JOB, ExpireRequest(view.id), key=str(view.id), run_at=view.expires_at)
    detail = {"reference": reference, "amount": amount, "counter": command.counter}
    entry = Entry(Action.CREATE, f"billing.request:{view.id}", account.patient_id, detail=detail)
    values |= audit_values(entry, actor)
    replaced = await WRITE.rows(session, **values, charges=covered, replaces=not command.deposit)
    for row in replaced:
        touch_screens(session, row["id"], row["counter"], account.episode_id)
    touch_screens(session, view.id, view.counter, account.episode_id)
    return view


def _payload(facility: Facility, settings: BillingSettings, amount: int, reference: str) -> str:
    payload = encode(
        Transfer(
            bin=facility.bank_bin,
            account=facility.bank_account,
            amount=amount,
            purpose=reference,
            mcc=settings.qr_merchant_code,
        )
    )
    drawn(payload)  # Read back from its own picture, or nobody sees it.
    return payload


def amount_asked(bill: BillView, command: CreateRequest) -> int:
    """Return the amount to freeze; a bill above what one transfer carries is asked for in parts.

    Raises PriceMissing, UnknownCharge, NothingToPay.
    """
    if bill.price_missing:
        codes = ", ".join(sorted(set(bill.price_missing)))
        raise PriceMissing(f"Dịch vụ chưa có giá: {codes}. Hãy báo phòng Tài chính kế toán nhập giá.")
    if command.charge_ids is None:
        amount = bill.remaining
    else:
        known = {line.charge_id for line in bill.lines}
        if not set(command.charge_ids) <= known:
            raise UnknownCharge("Có khoản chi phí không thuộc đợt này hoặc đã huỷ. Hãy tải lại trang.")
        amount = share_of(bill, command.charge_ids)
    if amount == 0:
        raise NothingToPay("Không còn gì phải thu cho các khoản này.")
    return min(amount, LIMIT)


def _covered(bill: BillView, command: CreateRequest, amount: int) -> list[UUID]:
    """Return the charges that are paid for once this amount has come: none in a part payment."""
    unpaid = [line.charge_id for line in bill.lines if not line.paid]
    if command.charge_ids is None:
        return unpaid if amount == bill.remaining else []
    wanted = set(command.charge_ids)
    return [charge for charge in unpaid if charge in wanted]


async def _same(session: AsyncSession, account: HeldAccount, command: CreateRequest) -> RequestView:
    """Return what this id asked for before. Raises RequestIdReused if it now asks for something else.

    Else a page sent again with other lines chosen would look taken, and its cash would be in no book.
    """
    request = await session.get_one(PaymentRequest, command.id, populate_existing=True)
    kind = RequestKind.DEPOSIT if command.deposit else RequestKind.BILL
    asked = (account.id, kind, command.counter, command.deposit or request.amount)
    same = asked == (request.account_id, request.kind, request.counter, request.amount)
    if not same or not await _same_charges(session, request, command):
        raise RequestIdReused("Mã này đã dùng cho một yêu cầu thanh toán khác. Hãy tải lại trang.")
    return await get_request(session, request.id)


async def _same_charges(session: AsyncSession, request: PaymentRequest, command: CreateRequest) -> bool:
    """Say whether the chosen charges are those asked for before; lines paid before then were not asked for."""
    if command.charge_ids is None:
        return True
    covered = select(RequestCharge.charge_id).where(RequestCharge.request_id == request.id)
    known = set(await session.scalars(covered))
    wanted = set(command.charge_ids)
    paid_before = select(Charge.id).where(
        Charge.id.in_(wanted - known), Charge.released_at <= request.created_at
    )
    return known <= wanted and wanted - known == set(await session.scalars(paid_before))


def view_of(request: PaymentRequest, account: Account) -> RequestView:
    """Return what people may see of a request."""
    return RequestView(
        id=request.id,
        kind=RequestKind(request.kind),
        episode_id=account.episode_id,
        patient_id=account.patient_id,
        reference=request.reference,
        amount=request.amount,
        received=request.received,
        excess=request.excess,
        payload=request.payload,
        title=request.title,
        masked_name=request.masked_name,
        counter=request.counter,
        state=RequestState(request.state),
        created_at=request.created_at,
        expires_at=request.expires_at,
        closed_at=request.closed_at,
        late=request.late,
    )


async def get_request(session: AsyncSession, request_id: UUID) -> RequestView:
    """Return a request. Raises NoSuchRequest."""
    query = (
        select(PaymentRequest, Account)
        .join(Account, Account.id == PaymentRequest.account_id)
        .where(PaymentRequest.id == request_id)
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise NoSuchRequest("Không có yêu cầu thanh toán này.")
    return view_of(*row)


async def requests_of_episode(session: AsyncSession, episode_id: UUID) -> Sequence[RequestView]:
    """Return the requests of an episode, newest first."""
    query = (
        select(PaymentRequest, Account)
        .join(Account, Account.id == PaymentRequest.account_id)
        .where(Account.episode_id == episode_id)
        .order_by(PaymentRequest.created_at.desc())
    )
    return [view_of(*row) for row in await session.execute(query)]


async def lock_request(session: AsyncSession, request_id: UUID) -> tuple[PaymentRequest, Account]:
    """Return a request and its account, the account locked first. Raises NoSuchRequest."""
    account_id = await session.scalar(
        select(PaymentRequest.account_id).where(PaymentRequest.id == request_id)
    )
    if account_id is None:
        raise NoSuchRequest("Không có yêu cầu thanh toán này.")
    account = await lock_account_by_id(session, account_id)
    query = select(PaymentRequest).where(PaymentRequest.id == request_id).with_for_update()
    request = (await session.scalars(query.execution_options(populate_existing=True))).one()
    return request, account


async def cancel_request(
    session: AsyncSession, request_id: UUID, *, reason: str, actor: Actor, now: Instant
) -> RequestView:
    """Take a request off the screens; money that still comes for it is not lost. Raises RequestClosed."""
    request, account = await lock_request(session, request_id)
    if request.state == RequestState.CANCELLED:
        return view_of(request, account)
    if request.state not in {RequestState.PENDING, RequestState.EXPIRED}:
        raise RequestClosed("Yêu cầu này đã nhận tiền nên không huỷ được. Hãy làm thủ tục hoàn tiền.")
    request.state, request.closed_at, request.closed_reason = RequestState.CANCELLED, now, reason
    touch_screens(session, request.id, request.counter, account.episode_id)
    await record(
        session,
        Entry(Action.VOID, f"billing.request:{request.id}", account.patient_id, reason=reason),
        actor,
    )
    return view_of(request, account)


async def cancel_open_requests(
    session: AsyncSession,
    account_id: UUID,
    *,
    reason: str,
    now: Instant,
    charge_id: UUID | None = None,
) -> None:
    """Cancel the open bill requests of a locked account; with `charge_id` only those that ask for it."""
    values = {"account": account_id, "reason": reason, "now": now}
    if charge_id is None:
        closed = await CANCEL_OPEN.rows(session, **values)
    else:
        closed = await CANCEL_ASKING.rows(session, **values, charge=charge_id)
    for row in closed:
        touch_screens(session, row["id"], row["counter"])


async def expire_request(session: AsyncSession, request_id: UUID, *, now: Instant) -> bool:
    """Mark a request whose time is over; one that was paid or cancelled stays as it is.

    Returns False if it is too early.
    """
    await session.execute(
        update(PaymentRequest)
        .where(
            PaymentRequest.id == request_id,
            PaymentRequest.state == RequestState.PENDING,
            PaymentRequest.expires_at <= now,
        )
        .values(state=RequestState.EXPIRED, closed_at=now)
    )
    request = await session.get_one(PaymentRequest, request_id, populate_existing=True)
    touch_screens(session, request.id, request.counter)
    return request.state != RequestState.PENDING
