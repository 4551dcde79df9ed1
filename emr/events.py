"""Facts that emr publishes. Handlers of higher packages subscribe to these."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class VisitOpened(Struct, frozen=True):
    """A visit (lượt khám) was opened at reception, the kiosk or the portal."""

    visit_id: UUID
    episode_id: UUID
    patient_id: UUID
    payer: str
    room: str
    opened_at: datetime


class OrderPlaced(Struct, frozen=True):
    """A service was ordered (chỉ định); the exam order of a visit too."""

    order_id: UUID
    visit_id: UUID
    episode_id: UUID
    patient_id: UUID
    service_code: str
    service_name: str
    quantity: int
    payer: str
    priority: str
    setting: str
    in_scope: bool
    """Within the fund's scope (trong phạm vi quỹ BHYT)."""
    on_demand: bool
    """Theo yêu cầu."""
    placed_at: datetime


class OrderVoided(Struct, frozen=True):
    """An order was cancelled before it was carried out."""

    order_id: UUID
    episode_id: UUID
    at: datetime


class VisitEnded(Struct, frozen=True):
    """An exam ended. `episode_closed`: nothing else is open in the episode, so its bill may be frozen."""

    visit_id: UUID
    episode_id: UUID
    patient_id: UUID
    ended_at: datetime
    inpatient: bool
    """The person was admitted: the episode goes on as a stay."""
    episode_closed: bool = True
    outcome: str = "HOME"


class StayOpened(Struct, frozen=True):
    """A person was admitted (nhập viện)."""

    stay_id: UUID
    episode_id: UUID
    patient_id: UUID
    department: str
    admitted_at: datetime


class StayEnded(Struct, frozen=True):
    """A person was discharged (ra viện)."""

    stay_id: UUID
    episode_id: UUID
    patient_id: UUID
    discharged_at: datetime
    outcome: str
    episode_closed: bool = True
