"""Commands and views of sheets."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct, field

from emr.sheets.rules import SheetState
from kernel.clock import Instant

Reason = Annotated[str, Meta(min_length=3, max_length=500)]


class OpenSheet(Struct, frozen=True, forbid_unknown_fields=True):
    """Begin a sheet. `id` is made by the client and kept across retries."""

    id: UUID
    visit_id: UUID
    form_code: str
    stage: str = "A"
    event_at: Instant | None = None
    """Clinical time, when it is written down later (R-12)."""


class SaveDraft(Struct, frozen=True, forbid_unknown_fields=True):
    """Save what is written so far. `revision` is the one the person saw; another one is a conflict."""

    sheet_id: UUID
    revision: int
    data: dict[str, Any]


class AmendSheet(Struct, frozen=True, forbid_unknown_fields=True):
    """Begin the next version of a sheet that is locked. `id` is that of the new version."""

    id: UUID
    reason: Reason


class CompleteSheet(Struct, frozen=True, forbid_unknown_fields=True):
    """Finish a sheet. `revision`: what the person saw last; None takes what is saved."""

    revision: int | None = None


class SheetLine(Struct, frozen=True):
    """A sheet in a list."""

    id: UUID
    visit_id: UUID
    patient_id: UUID
    form_code: str
    stage: str
    title: str
    version: int
    state: SheetState
    opened_at: Instant
    opened_by: UUID
    opened_name: str
    saved_at: Instant
    completed_at: Instant | None
    completed_name: str
    document_id: UUID | None
    signed_at: Instant | None
    supersedes: UUID | None
    reason: str
    code: str
    refused_reason: str
    """Why a signer refused it; empty when nobody did."""


class SheetView(SheetLine, frozen=True):
    """A sheet with what is written in it."""

    form_valid_from: date = date.min
    revision: int = 1
    data: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    """Given values of the form, by field key."""
    event_at: Instant | None = None
    sha256: str | None = None
    pages: int = 0
    author_signed_at: Instant | None = None


class DiagnosisView(Struct, frozen=True):
    """A diagnosis with the sheet that states it."""

    role: str
    """MAIN, OTHER, FIRST."""
    code: str
    name: str
    sheet_id: UUID
    state: SheetState


class PatientDocument(Struct, frozen=True):
    """A fully signed paper of a person, for their portal."""

    document_id: UUID
    title: str
    kind: str
    signed_at: Instant
    sha256: str
    visit_id: UUID
    code: str
