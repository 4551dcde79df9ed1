"""Read the bill of an episode."""

from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace
from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Subquery,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import Account
from billing.accounts.service import HeldAccount, account_of
from billing.bills.rules import AccountFacts, ChargeFacts, make_bill
from billing.bills.views import AccountState, BillView
from billing.care.rules import RouteUnknown
from billing.care.service import VISITS, VisitFacts, care_of
from billing.charges.models import Charge
from billing.ledger.rules import BookTotal, balances_of
from billing.ledger.service import BOOKS
from billing.settings import BillingSettings
from insurance.api import BadCosts, NoFigure
from kernel.clock import Instant
from kernel.problems import Refused
from kernel.statements import Statement

_DEFAULTS = BillingSettings()
_CHARGES = (
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
    .subquery("charge")
)
_VISITS = VISITS.subquery("visit")
_BOOKS = BOOKS.subquery("sums")  # An alias that is a column too would be that column.


def _as_json(rows: Subquery, *order: ColumnElement[Any]) -> ScalarSelect[str]:
    told = func.json_agg(aggregate_order_by(literal_column(rows.name), *order))
    return select(func.coalesce(cast(told, Text), "[]")).select_from(rows).scalar_subquery()


# One trip, one snapshot: all that a bill is made of, each kind of row as a JSON array.
_FACTS = Statement(
    select(
        _as_json(_BOOKS, _BOOKS.c.book).label("books"),
        _as_json(_VISITS, _VISITS.c.opened_at).label("visits"),
        _as_json(_CHARGES, _CHARGES.c.placed_at, _CHARGES.c.id).label("charges"),
    )
)
_read_books = msgspec.json.Decoder(list[BookTotal]).decode
_read_visits = msgspec.json.Decoder(list[VisitFacts]).decode
_read_charges = msgspec.json.Decoder(list[ChargeFacts]).decode


class BillNotComputable(Refused):
    slug = "bill-not-computable"


async def bill(
    session: AsyncSession, episode_id: UUID, *, now: Instant, settings: BillingSettings = _DEFAULTS
) -> BillView:
    """Return the bill of an episode: as settled, else as it stands now. Raises NoAccount, BillNotComputable."""
    return await bill_of_account(session, await account_of(session, episode_id), now=now, settings=settings)


async def bill_of_account(
    session: AsyncSession,
    account: Account | HeldAccount,
    *,
    now: Instant,
    settings: BillingSettings = _DEFAULTS,
) -> BillView:
    """Return the bill of an account at hand. Raises BillNotComputable."""
    row = await _FACTS.first(session, account=account.id, episode=account.episode_id)
    assert row is not None, "sums of nothing are a row too"
    money = balances_of({book.book: book.total for book in _read_books(row["books"])})
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
            _read_visits(row["visits"]),
            opened_at=account.opened_at,
            now=account.ended_at or now,
            settings=settings,
        )
        return make_bill(facts, _read_charges(row["charges"]), care, money)
    except (BadCosts, NoFigure, RouteUnknown) as error:
        raise BillNotComputable(
            f"Chưa tính được phần BHYT của đợt này ({error}). Hãy kiểm tra thẻ và mã đối tượng ở tiếp đón."
        ) from error


def freeze(bill: BillView, *, now: Instant) -> BillView:
    """Return the bill as settled at a moment."""
    return replace(bill, state=AccountState.SETTLED, settled_at=now, remaining=0)
