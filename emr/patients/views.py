"""Commands and views of patients."""

from datetime import date
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from emr.patients.scan import Precision, Sex
from kernel.clock import Instant

ShortText = Annotated[str, Meta(max_length=200)]


class Particulars(Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says of themselves (phần hành chính)."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    birth_date: date
    sex: Sex
    birth_precision: Precision = Precision.DAY
    citizen_id: str | None = None
    insurance_no: str | None = None
    passport_no: str | None = None
    phone: str | None = None
    address: ShortText = ""
    ward_code: str | None = None
    province_code: str | None = None
    ethnic_code: str | None = None
    nationality: Annotated[str, Meta(pattern="^[A-Z0-9]{2,3}$")] = "VN"
    occupation: ShortText = ""
    allergies: ShortText = ""


class RegisterPatient(Particulars, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Open a chart. `id` is made by the client and kept across retries: it is the idempotency key."""

    id: UUID
    old_id: str | None = None


class ChangePatient(Particulars, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Correct or complete a chart; the earlier version stays readable."""

    revision: int
    """The revision the person saw."""
    reason: Annotated[str, Meta(min_length=3, max_length=500)]


class PatientView(Struct, frozen=True):
    """A person and their chart (người bệnh)."""

    id: UUID
    code: str
    name: str
    birth_date: date
    birth_precision: Precision
    sex: Sex
    citizen_id: str | None
    insurance_no: str | None
    phone: str | None
    """E.164."""
    address: str
    allergies: str
    """"" = nothing recorded yet."""
    passport_no: str | None = None
    ward_code: str | None = None
    province_code: str | None = None
    ethnic_code: str | None = None
    nationality: str = "VN"
    occupation: str = ""
    revision: int = 1
    registered_at: Instant | None = None


class PatientHit(Struct, frozen=True):
    """One line of a search answer."""

    id: UUID
    code: str
    name: str
    birth_date: date
    birth_precision: Precision
    sex: Sex
    citizen_id: str | None
    insurance_no: str | None
    phone: str | None
    address: str


class IdentifierView(Struct, frozen=True):
    """One number of a person, now or in the past."""

    kind: str
    value: str
    active: bool
    recorded_at: Instant
    ended_at: Instant | None
    ended_reason: str
