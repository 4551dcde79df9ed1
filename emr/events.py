"""Facts that emr publishes. Those of one episode are delivered to a package in the order they happened."""

from typing import ClassVar
from uuid import UUID

from msgspec import Struct

from kernel.clock import Instant


class VisitOpened(Struct, frozen=True):
    """A visit (lượt khám) was opened at reception, the kiosk or the portal."""

    aggregate: ClassVar[str] = "episode_id"
    visit_id: UUID
    episode_id: UUID
    patient_id: UUID
    payer: str
    room: str
    opened_at: Instant


class OrderPlaced(Struct, frozen=True):
    """A service was ordered (chỉ định); the exam order of a visit too."""

    aggregate: ClassVar[str] = "episode_id"
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
    placed_at: Instant


class CardChecked(Struct, frozen=True):
    """Reception looked up a card that was taken unseen, or found that there is none (`payer` says which)."""

    aggregate: ClassVar[str] = "episode_id"
    visit_id: UUID
    episode_id: UUID
    payer: str
    order_ids: tuple[UUID, ...]
    at: Instant


class OrderVoided(Struct, frozen=True):
    """An order was cancelled before it was carried out."""

    aggregate: ClassVar[str] = "episode_id"
    order_id: UUID
    episode_id: UUID
    at: Instant


class VisitEnded(Struct, frozen=True):
    """An exam ended. `episode_closed`: nothing else is open in the episode, so its bill may be frozen."""

    aggregate: ClassVar[str] = "episode_id"
    visit_id: UUID
    episode_id: UUID
    patient_id: UUID
    ended_at: Instant
    inpatient: bool
    """The person was admitted: the episode goes on as a stay."""
    episode_closed: bool = True
    outcome: str = "HOME"


class StayOpened(Struct, frozen=True):
    """A person was admitted (nhập viện)."""

    aggregate: ClassVar[str] = "episode_id"
    stay_id: UUID
    episode_id: UUID
    patient_id: UUID
    department: str
    admitted_at: Instant


class StayEnded(Struct, frozen=True):
    """A person was discharged (ra viện)."""

    aggregate: ClassVar[str] = "episode_id"
    stay_id: UUID
    episode_id: UUID
    patient_id: UUID
    discharged_at: Instant
    outcome: str
    episode_closed: bool = True


class SheetSigned(Struct, frozen=True):
    """Every slot of a sheet's document is signed: it may be shown, printed, sent."""

    sheet_id: UUID
    visit_id: UUID
    patient_id: UUID
    form_code: str
    document_id: UUID
    supersedes: UUID | None
    """The version it replaces."""
    at: Instant
