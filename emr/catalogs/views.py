"""Views of code lists."""

from typing import Annotated

from msgspec import Meta, Struct


class Icd10(Struct, frozen=True):
    """A diagnosis code of QĐ 4469/QĐ-BYT 2020."""

    code: str
    name: str
    marker: str = ""
    """dagger or asterisk."""
    not_main: bool = False
    """Not allowed as the main diagnosis."""
    needs_detail: bool = False
    """A more specific code exists (TT 06/2026)."""
    sex: str = ""
    """F or M: only for that sex."""


class Service(Struct, frozen=True):
    """A service that can be ordered (dịch vụ kỹ thuật)."""

    code: str
    name: str
    kind: str
    """EXAM, LAB, IMAGING, FUNCTION, PROCEDURE, BED, OTHER."""
    group: str
    """MA_NHOM of the claim."""
    unit: str
    room: str | None
    in_scope: bool
    result_unit: str = ""
    low: str | None = None
    high: str | None = None


class Drug(Struct, frozen=True):
    code: str
    name: str
    inn: str
    strength: str
    form: str
    unit: str
    route: str
    control: Annotated[str, Meta(description="'' common, N narcotic, H psychotropic.")] = ""


class Place(Struct, frozen=True):
    """A code with its name: province, ward, ethnic group."""

    code: str
    name: str
