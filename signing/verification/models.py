"""Table of tries of the public verify pages: counted for all processes together, forgotten within the hour."""

from sqlalchemy import ARRAY, DateTime, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class PublicTry(Base):
    """The latest tries of one address (lượt kiểm tra); no address is kept, only a hash that changes every day."""

    __tablename__ = "signing_public_try"
    __table_args__ = (Index("ix_signing_public_try_last_at", "last_at"),)

    source: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    tries: Mapped[list[Instant]] = mapped_column(ARRAY(DateTime(timezone=True)))
    last_at: Mapped[Instant]
