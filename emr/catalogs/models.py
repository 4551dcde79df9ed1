"""Tables of code lists. Loaded from files; a code keeps its meaning for ever, lists carry validity dates."""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base

Key = Text(collation="C")


def _words(table: str) -> Index:
    """Search by words in any order: every typed word is a prefix of a word of the key."""
    return Index(f"ix_{table}_words", text("to_tsvector('simple'::regconfig, key)"), postgresql_using="gin")


class Icd10Code(Base):
    """A code of ICD-10, QĐ 4469/QĐ-BYT 2020, with the flags of TT 06/2026/TT-BYT."""

    __tablename__ = "emr_icd10"
    __table_args__ = (_words("emr_icd10"),)

    code: Mapped[str] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    code_key: Mapped[str] = mapped_column(Key, index=True)
    """Folded code without the dot."""
    marker: Mapped[str] = mapped_column(Text)
    not_main: Mapped[bool]
    needs_detail: Mapped[bool]
    sex: Mapped[str] = mapped_column(Text)


class Icd10Pair(Base):
    """A dagger and an asterisk code that belong together, and which of them is the main one."""

    __tablename__ = "emr_icd10_pair"

    dagger_code: Mapped[str] = mapped_column(Key, primary_key=True)
    asterisk_code: Mapped[str] = mapped_column(Key, primary_key=True)
    main_code: Mapped[str] = mapped_column(Key)


class ServiceItem(Base):
    """A service that can be ordered (dịch vụ kỹ thuật). Its prices are billing's."""

    __tablename__ = "emr_service"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('EXAM', 'LAB', 'IMAGING', 'FUNCTION', 'PROCEDURE', 'BED', 'OTHER')", name="kind"
        ),
        _words("emr_service"),
    )

    code: Mapped[str] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    claim_group: Mapped[str] = mapped_column(Text)
    """MA_NHOM."""
    unit: Mapped[str] = mapped_column(Text)
    room_code: Mapped[str | None] = mapped_column(ForeignKey("emr_room.code"))
    """Where it is usually done."""
    in_scope: Mapped[bool]
    result_unit: Mapped[str] = mapped_column(Text)
    low: Mapped[str | None] = mapped_column(Text)
    high: Mapped[str | None] = mapped_column(Text)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]


class DrugItem(Base):
    """A drug of the facility's list (thuốc)."""

    __tablename__ = "emr_drug"
    __table_args__ = (CheckConstraint("control IN ('', 'N', 'H')", name="control"), _words("emr_drug"))

    code: Mapped[str] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    inn: Mapped[str] = mapped_column(Text)
    strength: Mapped[str] = mapped_column(Text)
    form: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    route: Mapped[str] = mapped_column(Text)
    control: Mapped[str] = mapped_column(Text)
    """N narcotic (gây nghiện), H psychotropic (hướng thần)."""
    active: Mapped[bool]


class EthnicGroup(Base):
    """Dân tộc."""

    __tablename__ = "emr_ethnic_group"

    code: Mapped[str] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(Text)


class Province(Base):
    """Tỉnh, thành phố since 07/2025."""

    __tablename__ = "emr_province"

    code: Mapped[str] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(Text)


class Ward(Base):
    """Xã, phường, đặc khu since 07/2025."""

    __tablename__ = "emr_ward"

    code: Mapped[str] = mapped_column(Key, primary_key=True)
    province_code: Mapped[str] = mapped_column(ForeignKey("emr_province.code"), index=True)
    name: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Key)
