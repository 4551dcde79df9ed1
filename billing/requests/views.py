"""Commands and views of payment requests."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from billing.requests.rules import RequestKind, RequestState
from kernel.clock import Instant
from kernel.money import PositiveVnd, Vnd

CounterCode = Annotated[str, Meta(pattern=r"^[A-Z0-9]{1,8}$")]


class CreateRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Ask for money. `id` is made by the client and kept across retries: it is the idempotency key.

    `charge_ids` None asks for all that is left; `deposit` asks for a tạm ứng of that amount instead.
    """

    id: UUID
    episode_id: UUID
    counter: CounterCode
    charge_ids: tuple[UUID, ...] | None = None
    deposit: PositiveVnd | None = None


class RequestView(Struct, frozen=True):
    """A payment request (yêu cầu thanh toán)."""

    id: UUID
    kind: RequestKind
    episode_id: UUID
    patient_id: UUID
    reference: str
    amount: PositiveVnd
    received: Vnd
    """Money that reached it so far, excess apart."""
    excess: Vnd
    payload: str
    """VietQR payload; decoded back before anybody saw it."""
    title: str
    """Khoản thu, as the second screen says it."""
    masked_name: str
    counter: str
    state: RequestState
    created_at: Instant
    expires_at: Instant
    closed_at: Instant | None
    late: bool = False
    """Paid after it expired or was cancelled: the cashier is told."""

    @property
    def missing(self) -> int:
        """What an underpaid request still lacks, đồng."""
        return max(0, self.amount - self.received)
