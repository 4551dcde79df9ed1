"""What helps beside the sheet: earlier visits, last results."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import OrderView
from emr.orders.work import orders_of_patient
from emr.visits.service import patient_history
from emr.vitals.service import vitals_of_visit
from emr.workbench.orders import result_words
from emr.workbench.views import Side
from kernel.clock import format_day, local_day

FLAGS = {"H": "high", "L": "low"}
MOST_VISITS, MOST_RESULTS = 5, 8


async def side_of(session: AsyncSession, patient_id: UUID, visit_id: UUID) -> Side:
    """Gather the context of a person, without the visit that is open."""
    visits = [
        v for v in await patient_history(session, patient_id, limit=MOST_VISITS + 1) if v.id != visit_id
    ]
    told = [order for order in await orders_of_patient(session, patient_id) if order.result]
    day = max((local_day(o.result.reported_at) for o in told if o.result), default=None)
    return Side(
        visits=tuple(
            (format_day(local_day(v.opened_at)), v.reason or "Khám bệnh", v.doctor_name or "") for v in visits
        ),
        results=tuple(_result(order) for order in told[:MOST_RESULTS]),
        results_day=day,
        vitals=tuple(await vitals_of_visit(session, visit_id)),
    )


def _result(order: OrderView) -> tuple[str, str, str]:
    flag = FLAGS.get(order.result.abnormal, "") if order.result else ""
    return order.service_name, result_words(order), flag
