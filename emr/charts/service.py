"""What of a chart opens by department, care team, duty or in an emergency: its orders and results."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from emr.care_teams.rules import MAY_BREAK
from emr.care_teams.service import care_of_visits
from emr.orders.views import OrderView
from emr.orders.work import orders_of_patient
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.staff.api import Actor

_MOST = 30


class ChartOrders(Struct, frozen=True):
    """The last orders of a person as far as they open; `hidden` belong to visits that do not."""

    shown: Sequence[OrderView]
    hidden: int
    may_break: bool
    """The person may open the rest in an emergency."""


async def orders_on_chart(
    session: AsyncSession, patient_id: UUID, *, actor: Actor, now: Instant
) -> ChartOrders:
    """Return the orders and results that open to this person; what stays closed, and an emergency, is written down."""
    orders = await orders_of_patient(session, patient_id, limit=_MOST)
    care = await care_of_visits(session, actor, patient_id, {order.visit_id for order in orders}, now=now)
    shown = [order for order in orders if order.visit_id in care.open]
    subject = f"emr.patient:{patient_id}"
    if care.emergency is not None:
        detail = {"part": "orders", "emergency": str(care.emergency)}
        await record(session, Entry(Action.VIEW, subject, patient_id, detail=detail), actor)
    return ChartOrders(shown, len(orders) - len(shown), actor.has(*MAY_BREAK))
