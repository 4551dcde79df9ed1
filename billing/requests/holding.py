"""A request locked for the money that reaches it, without the mapper: the till's hot way."""

from uuid import UUID

from msgspec import Struct
from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import Account
from billing.accounts.service import HOLD, HeldAccount, held
from billing.requests.models import PaymentRequest, RequestCharge
from billing.requests.rules import RequestKind, RequestState
from billing.requests.service import NoSuchRequest
from kernel.clock import Instant
from kernel.money import PositiveVnd, Vnd
from kernel.statements import Statement


class HeldRequest(Struct, frozen=True):
    """A request as it was when it was locked, and the charges it asks for."""

    id: UUID
    kind: RequestKind
    reference: str
    amount: PositiveVnd
    received: Vnd
    excess: Vnd
    title: str
    counter: str
    state: RequestState
    late: bool
    expires_at: Instant
    charges: list[UUID]


_ACCOUNT_OF = select(PaymentRequest.account_id).where(PaymentRequest.id == bindparam("request"))
_HOLD_ACCOUNT = Statement(HOLD.where(Account.id == _ACCOUNT_OF.scalar_subquery()))
_ASKED = select(RequestCharge.charge_id).where(RequestCharge.request_id == bindparam("request"))
_HOLD_REQUEST = Statement(
    select(
        *(getattr(PaymentRequest, name) for name in HeldRequest.__struct_fields__ if name != "charges"),
        func.array(_ASKED.scalar_subquery()).label("charges"),
    )
    .where(PaymentRequest.id == bindparam("request"))
    .with_for_update(of=PaymentRequest)
)


async def hold_request(session: AsyncSession, request_id: UUID) -> tuple[HeldRequest, HeldAccount]:
    """Lock a request to read it only, its account first, as lock_request does. Raises NoSuchRequest."""
    account = await _HOLD_ACCOUNT.first(session, request=request_id)
    row = await _HOLD_REQUEST.first(session, request=request_id) if account else None
    if row is None:
        raise NoSuchRequest("Không có yêu cầu thanh toán này.")
    row |= {"kind": RequestKind(row["kind"]), "state": RequestState(row["state"])}
    return HeldRequest(**row), held(account)
