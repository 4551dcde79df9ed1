"""Commands and views of orders."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from emr.episodes.rules import Payer, Setting
from emr.orders.rules import OrderState, Priority, ReleasedBy
from kernel.clock import Instant

Quantity = Annotated[int, Meta(ge=1, le=1_000)]
Reason = Annotated[str, Meta(min_length=3, max_length=500)]


class OrderLine(Struct, frozen=True, forbid_unknown_fields=True):
    """One service to do. `id` is made by the client and kept across retries."""

    id: UUID
    service_code: str
    quantity: Quantity = 1
    on_demand: bool = False
    """Theo yêu cầu."""
    in_scope: bool | None = None
    """Within the fund's scope; None takes it from the service catalog."""
    priority: Priority = Priority.ROUTINE
    note: str = ""
    room: str | None = None
    """Where it is done; None takes the service's usual room."""


class PlaceOrders(Struct, frozen=True, forbid_unknown_fields=True):
    """Chỉ định: the lines a doctor orders for a visit in one act."""

    visit_id: UUID
    lines: Annotated[list[OrderLine], Meta(min_length=1, max_length=100)]


class VoidOrder(Struct, frozen=True, forbid_unknown_fields=True):
    reason: Reason


class ReportResult(Struct, frozen=True, forbid_unknown_fields=True):
    """A result as text, as a number with its unit, or both. A later report is a new version with a reason."""

    id: UUID
    text: Annotated[str, Meta(max_length=4_000)] = ""
    value: str | None = None
    """Decimal text such as "5.4": a measured number is never a float."""
    unit: str = ""
    reason: str = ""
    """Why an earlier version is corrected."""
    measured_at: Instant | None = None
    """Clinical time, when it differs from the time of entry."""


class ResultView(Struct, frozen=True):
    id: UUID
    version: int
    text: str
    value: str | None
    unit: str
    abnormal: str
    """"", "H" above, "L" below the reference range."""
    reported_at: Instant
    reported_by: str
    measured_at: Instant | None
    reason: str


class OrderView(Struct, frozen=True):
    id: UUID
    number: str
    """Printed and barcoded on the phiếu chỉ định."""
    visit_id: UUID
    episode_id: UUID
    patient_id: UUID
    service_code: str
    service_name: str
    kind: str
    quantity: int
    payer: Payer
    setting: Setting
    priority: Priority
    in_scope: bool
    on_demand: bool
    state: OrderState
    released_by: ReleasedBy | None
    room: str | None
    note: str
    ordered_by: str
    placed_at: Instant
    released_at: Instant | None
    performed_at: Instant | None
    reported_at: Instant | None
    approved_at: Instant | None
    approved_by: str | None
    result: ResultView | None = None
