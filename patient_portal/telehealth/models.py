"""The table of requests for a remote examination."""

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class TelehealthRequest(Base):
    """Yêu cầu khám từ xa (Luật KCB Đ80, NĐ 96/2023 Đ87): what was asked, at which price, and the answer."""

    __tablename__ = "portal_telehealth_request"
    __table_args__ = (
        CheckConstraint("state IN ('ASKED', 'ACCEPTED', 'REFUSED', 'WITHDRAWN')", name="state"),
        CheckConstraint(
            "remote_mode IN ('DIRECT_TO_PATIENT', 'VIA_RECEIVING_FACILITY', 'INTER_FACILITY_SUPPORT',"
            " 'TELECONSULT_MDT')",
            name="remote_mode",
        ),
        CheckConstraint("price > 0", name="price"),
        CheckConstraint("state <> 'REFUSED' OR length(answer) > 0", name="refused_with_reason"),
        Index(
            "uq_portal_telehealth_request_open",
            "patient_id",
            unique=True,
            postgresql_where=text("state = 'ASKED'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("emr_patient.id"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("portal_account.id"))
    remote_mode: Mapped[str] = mapped_column(Text)
    service_code: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    representative: Mapped[str] = mapped_column(Text)
    """Who asks for a minor; empty for an adult."""
    price: Mapped[int] = mapped_column(BigInteger)
    """Đồng, as it was shown and accepted (NĐ 96/2023 Đ87 k10)."""
    price_accepted_at: Mapped[Instant]
    phone: Mapped[str] = mapped_column(Text)
    device: Mapped[str] = mapped_column(Text)
    identified_how: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[Instant]
    state: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text, server_default="")
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("kernel_staff_account.id"))
    answered_name: Mapped[str | None] = mapped_column(Text)
    answered_at: Mapped[Instant | None]
