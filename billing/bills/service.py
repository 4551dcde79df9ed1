"""Read the bill of an episode."""

from uuid import UUID

import msgspec
from msgspec.structs import replace
from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import Account
from billing.accounts.service import account_of
from billing.bills.rules import AccountFacts, ChargeFacts, make_bill
from billing.bills.views import AccountState, BillView
from billing.care.rules import RouteUnknown
from billing.care.service import care_of
from billing.charges.models import Charge
from billing.ledger.service import balances
from billing.prices.rules import PriceKind
from billing.settings import BillingSettings
from insurance.api import BadCosts, NoFigure
from kernel.clock import Instant
from kernel.problems import Refused
from kernel.statements import Statement

_DEFAULTS = BillingSettings()
_FACTS = Statement(
    select(
        Charge.id,
        Charge.order_id,
        Charge.service_code,
        Charge.service_name,
        Charge.service_group.label("group"),
        Charge.quantity,
        Charge.unit_price,
        Charge.insured_price,
        Charge.kind,
        Charge.in_scope,
        Charge.on_demand,
        Charge.price_missing,
        Charge.service_day,
        Charge.placed_at,
        Charge.released_at.is_not(None).label("released"),
    )
    .where(Charge.account_id == bindparam("account"), Charge.voided_at.is_(None))
    .order_by(Charge.placed_at, Charge.id)
)


class BillNotComputable(Refused):
    slug = "bill-not-computable"


async def bill(
    session: AsyncSession, episode_id: UUID, *, now: Instant, settings: BillingSettings = _DEFAULTS
) -> BillView:
    """Return the bill of an episode: as settled, else as it stands now. Raises NoAccount, BillNotComputable."""
    return await bill_of_account(session, await account_of(session, episode_id), now=now, settings=settings)


async def bill_of_account(
    session: AsyncSession, account: Account, *, now: Instant, settings: BillingSettings = _DEFAULTS
) -> BillView:
    """Return the bill of an account at hand. Raises BillNotComputable."""
    money = await balances(session, account.id)
    if account.frozen_bill is not None:
        frozen = msgspec.convert(account.frozen_bill, BillView)
        return replace(frozen, deposits=money.deposits, excess=money.excess, to_refund=money.deposits)
    facts = AccountFacts(
        id=account.id,
        episode_id=account.episode_id,
        patient_id=account.patient_id,
        opened_at=account.opened_at,
        ended_at=account.ended_at,
    )
    try:
        care = await care_of(
            session,
            account.episode_id,
            opened_at=account.opened_at,
            now=account.ended_at or now,
            settings=settings,
        )
        return make_bill(facts, await _charges(session, account.id), care, money)
    except (BadCosts, NoFigure, RouteUnknown) as error:
        raise BillNotComputable(
            f"Chưa tính được phần BHYT của đợt này ({error}). Hãy kiểm tra thẻ và mã đối tượng ở tiếp đón."
        ) from error


def freeze(bill: BillView, *, now: Instant) -> BillView:
    """Return the bill as settled at a moment."""
    return replace(bill, state=AccountState.SETTLED, settled_at=now, remaining=0)


async def _charges(session: AsyncSession, account_id: UUID) -> list[ChargeFacts]:
    """Return what the bill needs of the charges of an account that hold, in the order they were placed."""
    rows = await _FACTS.rows(session, account=account_id)
    return [ChargeFacts(**row | {"kind": PriceKind(row["kind"])}) for row in rows]
