"""Builders of billing's tests: an episode with charges, a request, a signed notice."""

import json
import time
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.charges.service import ChargeOrder, charge_order
from billing.notices.rules import sepay_signature
from billing.notices.service import Delivery
from billing.prices.rules import PriceKind
from billing.prices.service import NewPrice, add_prices
from billing.requests.service import create_request
from billing.requests.views import CreateRequest, RequestView
from billing.settings import BillingSettings
from emr.api import RegisterPatient, Sex, register_patient
from kernel.clock import utc_now
from kernel.facility import Facility
from kernel.ids import new_id
from kernel.staff.api import Actor, Role

SECRET = "whsec_test"
SETTINGS = BillingSettings(sepay_secret=SECRET)
FACILITY = Facility()
CASHIER = Actor(
    id=UUID(int=7),
    name="Lê Thu Ngân",
    title="",
    roles=frozenset({Role.CASHIER}),
    department="P01",
    ip="127.0.0.1",
)
ACCOUNTANT = Actor(
    id=UUID(int=8), name="Trần Kế Toán", title="", roles=frozenset({Role.ACCOUNTANT}), department="P01", ip=""
)
PRICES = {"KB01": (50_600, 150_000, 300_000, 500_000), "XN01": (40_000, 90_000, 120_000, 200_000)}


async def a_patient(session: AsyncSession, name: str = "Nguyễn Thị Thu Hà") -> UUID:
    """Register an invented person."""
    command = RegisterPatient(id=new_id(), name=name, birth_date=date(1988, 3, 14), sex=Sex.FEMALE)
    return (await register_patient(session, command, actor=CASHIER, now=utc_now())).id


async def some_prices(session: AsyncSession) -> None:
    """Price KB01 and XN01 in all four kinds, from 2026-01-01 on."""
    await add_prices(
        session,
        [
            NewPrice(code, kind, amount, date(2026, 1, 1))
            for code, amounts in PRICES.items()
            for kind, amount in zip(PriceKind, amounts, strict=True)
        ],
    )


async def a_charge(
    session: AsyncSession, episode_id: UUID, *, now: datetime | None = None, **changed: Any
) -> ChargeOrder:
    """Charge an order of a self-paying person (KB01, 150 000 đồng) unless told otherwise."""
    order = ChargeOrder(
        **{
            "order_id": new_id(),
            "episode_id": episode_id,
            "patient_id": UUID(int=1),  # Only the first charge of an episode says whose it is.
            "service_code": "KB01",
            "service_name": "Khám bệnh",
            "group": "13",
            "quantity": 1,
            "payer": "SELF_PAY",
            "in_scope": True,
            "on_demand": False,
            "placed_at": now or utc_now(),
            **changed,
        }
    )
    await charge_order(session, order, now=now or utc_now())
    return order


async def an_episode(session: AsyncSession, **changed: Any) -> UUID:
    """Open an account with one self-pay exam on it."""
    await some_prices(session)
    episode_id = new_id()
    await a_charge(session, episode_id, **{"patient_id": await a_patient(session), **changed})
    return episode_id


async def a_request(session: AsyncSession, episode_id: UUID, **changed: Any) -> RequestView:
    """Ask for all that is left at counter Q1."""
    now = changed.pop("now", None) or utc_now()
    command = CreateRequest(**{"id": new_id(), "episode_id": episode_id, "counter": "Q1", **changed})
    return await create_request(
        session, command, actor=CASHIER, facility=FACILITY, settings=SETTINGS, now=now
    )


def sepay_body(amount: int, content: str, **changed: Any) -> bytes:
    """A SePay notice of money that came in."""
    number = new_id().int % 10**12
    body = {
        "id": number,
        "gateway": "Vietcombank",
        "transactionDate": "2026-11-21 14:02:37",
        "accountNumber": FACILITY.bank_account,
        "code": None,
        "content": content,
        "transferType": "in",
        "transferAmount": amount,
        "accumulated": 0,
        "subAccount": None,
        "referenceCode": f"MBVCB.{number}",
        "description": "",
        **changed,
    }
    return json.dumps(body).encode()


def signed(raw: bytes, *, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    """The headers SePay sends with a body."""
    stamp = str(int(at if at is not None else time.time()))
    return {"x-sepay-timestamp": stamp, "x-sepay-signature": sepay_signature(secret, stamp, raw)}


def a_delivery(amount: int, content: str, **changed: Any) -> Delivery:
    raw = sepay_body(amount, content, **changed)
    return Delivery("sepay", raw, signed(raw), "127.0.0.1")
