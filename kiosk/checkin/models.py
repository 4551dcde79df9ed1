"""The table of check-ins: what a machine of the lobby did, and its idempotency key."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Arrival(Base):
    """A person in front of a machine, from the scan to the ticket (lượt tự đăng ký).

    It holds who was identified between two screens, so that no page carries a name or a number in its address.
    """

    __tablename__ = "kiosk_arrival"
    __table_args__ = (
        CheckConstraint("(visit_id IS NULL) = (done_at IS NULL)", name="done"),
        CheckConstraint(
            "identified_by IN ('QR_CCCD', 'BHYT_CARD', 'BOOKING', 'TYPED')", name="identified_by"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("kiosk_device.id"))
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("emr_patient.id"))
    identified_by: Mapped[str] = mapped_column(Text)
    card_number: Mapped[str | None] = mapped_column(Text)
    """BHYT number read from the card, if that was scanned."""
    booking_id: Mapped[UUID | None]
    scanned_at: Mapped[Instant]
    visit_id: Mapped[UUID | None]
    done_at: Mapped[Instant | None]
