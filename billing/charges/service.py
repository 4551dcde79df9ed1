"""Charge orders, void charges, mark what is paid."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ARRAY, DateTime, Uuid, any_, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import Account
from billing.accounts.service import lock_account, open_account
from billing.charges.models import Charge
from billing.charges.rules import charge_prices
from billing.prices.service import prices_of
from kernel.clock import Instant, local_day
from kernel.ids import new_id
from kernel.statements import Statement

_RELEASE = Statement(
    update(Charge)
    .where(
        Charge.id == any_(bindparam("charges", type_=ARRAY(Uuid))),
        Charge.released_at.is_(None),
        Charge.voided_at.is_(None),
    )
    .values(
        released_at=bindparam("now", type_=DateTime(timezone=True)),
        paid_request_id=bindparam("request", type_=Uuid),
    )
    .returning(Charge.order_id)
)


class ChargeOrder(Struct, frozen=True, kw_only=True):
    """An order to charge. `payer` is the đối tượng of its visit; `group` its MA_NHOM."""

    order_id: UUID
    episode_id: UUID
    patient_id: UUID
    service_code: str
    service_name: str
    group: str
    quantity: int
    payer: str
    in_scope: bool
    on_demand: bool
    placed_at: Instant


async def charge_order(session: AsyncSession, order: ChargeOrder, *, now: Instant) -> bool:
    """Charge an order at the price of its day, once. Returns False if it was charged before.

    A settled account opens again: what comes after settlement is shown, never lost.
    """
    account = await open_account(
        session, episode_id=order.episode_id, patient_id=order.patient_id, now=order.placed_at
    )
    if await session.scalar(select(Charge.id).where(Charge.order_id == order.order_id)):
        return False
    day = local_day(order.placed_at)
    prices = charge_prices(
        await prices_of(session, order.service_code, day),
        payer=order.payer,
        in_scope=order.in_scope,
        on_demand=order.on_demand,
    )
    session.add(
        Charge(
            id=new_id(),
            account_id=account.id,
            order_id=order.order_id,
            service_code=order.service_code,
            service_name=order.service_name,
            service_group=order.group,
            quantity=order.quantity,
            unit_price=prices.unit_price,
            insured_price=prices.insured_price,
            payer=order.payer,
            kind=prices.kind,
            in_scope=order.in_scope,
            on_demand=order.on_demand,
            price_missing=prices.missing,
            service_day=day,
            placed_at=order.placed_at,
            recorded_at=now,
        )
    )
    _reopen(account)
    await session.flush()
    return True


def _reopen(account: Account) -> None:
    if account.state == "SETTLED":
        account.state, account.settled_at, account.frozen_bill = "OPEN", None, None


async def void_charge(
    session: AsyncSession, *, order_id: UUID, episode_id: UUID, now: Instant
) -> UUID | None:
    """Void the charge of a cancelled order. Returns its id, or None if there is nothing (more) to void.

    A settled account opens again: its bill may not ask for what was never done.
    """
    account = await lock_account(session, episode_id)
    query = select(Charge).where(Charge.order_id == order_id, Charge.voided_at.is_(None))
    charge = await session.scalar(query)
    if charge is None:
        return None
    charge.voided_at = now
    _reopen(account)
    await session.flush()
    return charge.id


async def reprice_missing(session: AsyncSession, account_id: UUID, *, now: Instant) -> bool:
    """Charge again, at the price of its day, what had none when it was ordered. Returns whether anything changed.

    The account is locked; the charge without a price is voided, never edited.
    """
    old = [charge for charge in await charges_of(session, account_id) if charge.price_missing]
    done = [await _charge_anew(session, charge, payer=charge.payer, now=now) for charge in old]
    return any(done)


async def recharge(
    session: AsyncSession, account_id: UUID, order_ids: Iterable[UUID], *, payer: str, now: Instant
) -> None:
    """Charge these orders as another đối tượng, as nobody has paid for them yet. The account is locked."""
    wanted = set(order_ids)
    for charge in await charges_of(session, account_id):
        if charge.order_id in wanted and charge.payer != payer and charge.paid_request_id is None:
            await _charge_anew(session, charge, payer=payer, now=now)


async def _charge_anew(session: AsyncSession, old: Charge, *, payer: str, now: Instant) -> bool:
    """Void a charge and write it again at the prices of its day; False, changing nothing, while one is missing."""
    prices = charge_prices(
        await prices_of(session, old.service_code, old.service_day),
        payer=payer,
        in_scope=old.in_scope,
        on_demand=old.on_demand,
    )
    if prices.missing and old.price_missing:
        return False
    old.voided_at = now
    await session.flush()
    values = {column.key: getattr(old, column.key) for column in Charge.__table__.columns}
    session.add(
        Charge(
            **values
            | {
                "id": new_id(),
                "payer": payer,
                "kind": prices.kind,
                "unit_price": prices.unit_price,
                "insured_price": prices.insured_price,
                "price_missing": prices.missing,
                "recorded_at": now,
                "voided_at": None,
                "released_at": None,
                "paid_request_id": None,
            }
        )
    )
    await session.flush()
    return True


async def charges_of(session: AsyncSession, account_id: UUID) -> Sequence[Charge]:
    """Return the charges of an account that hold, in the order they were placed."""
    query = (
        select(Charge)
        .where(Charge.account_id == account_id, Charge.voided_at.is_(None))
        .order_by(Charge.placed_at, Charge.id)
    )
    return (await session.scalars(query)).all()


async def mark_released(
    session: AsyncSession, charge_ids: Iterable[UUID], *, request_id: UUID | None, now: Instant
) -> list[UUID]:
    """Mark charges as paid for and return the orders that may now be carried out."""
    found = await _RELEASE.rows(session, charges=list(charge_ids), request=request_id, now=now)
    return [row["order_id"] for row in found]
