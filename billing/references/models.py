"""Table of the installation's secret of references."""

from sqlalchemy import CheckConstraint, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base


class ReferenceKey(Base):
    """One row: the key that scatters serials. Made with the schema and never changed, or serials would repeat."""

    __tablename__ = "billing_reference_key"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[bytes] = mapped_column(LargeBinary)
