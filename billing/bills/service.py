"""Read the bill of an episode."""

from uuid import UUID

import msgspec
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import Account
from billing.accounts.service import account_of
from billing.bills.rules import AccountFacts, ChargeFacts, make_bill
from billing.bills.views import AccountState, BillView
from billing.care.rules import RouteUnknown
from billing.care.service import care_of
from billing.charges.models import Charge
from billing.charges.service import charges_of
from billing.ledger.service import balances
from billing.prices.rules import PriceKind
from billing.settings import BillingSettings
from insurance.api import BadCosts, NoFigure
from kernel.clock import Instant
from kernel.problems import Refused

_DEFAULTS = BillingSettings()


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
        return make_bill(facts, [_facts(row) for row in await charges_of(session, account.id)], care, money)
    except (BadCosts, NoFigure, RouteUnknown) as error:
        raise BillNotComputable(
            f"Chưa tính được phần BHYT của đợt này ({error}). Hãy kiểm tra thẻ và mã đối tượng ở tiếp đón."
        ) from error


def freeze(bill: BillView, *, now: Instant) -> BillView:
    """Return the bill as settled at a moment."""
    return replace(bill, state=AccountState.SETTLED, settled_at=now, remaining=0)


def _facts(row: Charge) -> ChargeFacts:
    return ChargeFacts(
        id=row.id,
        order_id=row.order_id,
        service_code=row.service_code,
        service_name=row.service_name,
        group=row.service_group,
        quantity=row.quantity,
        unit_price=row.unit_price,
        insured_price=row.insured_price,
        kind=PriceKind(row.kind),
        in_scope=row.in_scope,
        on_demand=row.on_demand,
        price_missing=row.price_missing,
        service_day=row.service_day,
        placed_at=row.placed_at,
        released=row.released_at is not None,
    )
