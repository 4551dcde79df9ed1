"""Facts that billing publishes."""

from typing import ClassVar
from uuid import UUID

from msgspec import Struct

from kernel.clock import Instant
from kernel.money import PositiveVnd


class PaymentMatched(Struct, frozen=True):
    """Money reached a payment request: its request is paid, in part or whole, and the ledger says so."""

    aggregate: ClassVar[str] = "episode_id"

    request_id: UUID
    episode_id: UUID
    patient_id: UUID
    amount: PositiveVnd
    reference: str
    at: Instant


class EpisodeSettled(Struct, frozen=True):
    """Nothing more is owed for an episode (đợt khám chữa bệnh) that ended, be it at 0 đồng."""

    aggregate: ClassVar[str] = "episode_id"

    episode_id: UUID
    patient_id: UUID
    at: Instant
