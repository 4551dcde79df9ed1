"""A legal form (mẫu bệnh án, phiếu, giấy) as data: one TOML file says what is asked, printed and signed.

Units of length are characters; a field's `minimum` and `maximum` are in its own `unit`.
"""

import tomllib
from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from emr.sheets.law import order_faults

FOLDER = Path(__file__).parent / "forms"

FieldType = Literal[
    "text",
    "note",
    "date",
    "moment",
    "integer",
    "decimal",
    "choice",
    "choices",
    "tick",
    "diagnosis",
    "diagnoses",
    "table",
]


class BadForm(ValueError):
    """A form file that can't be used; the text names the file and what is wrong."""


class Option(Struct, frozen=True, forbid_unknown_fields=True):
    """One answer of a choice; `code` is what the form prints and the record keeps."""

    code: str
    label: str


class Field(Struct, frozen=True, forbid_unknown_fields=True):
    """One item of a form.

    `given` names a fact of the chart that is printed and never typed; `start` one that is proposed and may be
    changed. Fields of a section with the same `line` stand side by side.
    """

    key: str
    label: str
    type: FieldType = "text"
    required: bool = False
    given: str = ""
    start: str = ""
    options: tuple[Option, ...] = ()
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    max_length: int = 0
    line: int = 0
    share: float = 1
    boxes: int = 0
    hint: str = ""
    columns: tuple["Field", ...] = ()
    align: Literal["left", "center", "right"] = "left"
    blank_lines: int = 1
    hidden: bool = False  # Kept and exported, not printed as an item of its own.
    quiet: bool = False  # Printed only when filled in.
    legal: bool = True  # Asked by the law; a facility's own field says false.
    export: str = ""  # Name in the export HoSoBenhAn (CV 365/TTYQG).


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """Items under one title; `text` is printed before them and is nobody's to change on the sheet."""

    title: str = ""
    text: str = ""
    stage: str = "A"
    fields: tuple[Field, ...] = ()


class SlotDefinition(Struct, frozen=True, forbid_unknown_fields=True):
    """Who signs, in signing order. `owner`: author, patient, organisation, or role:<role> of the department or house."""

    field: str
    role: str
    owner: str = "author"
    hint: str = "(Ký, ghi rõ họ tên)"
    dated: bool = False
    place: int = 0  # Order on paper from the left; the signing order may differ.


class Stage(Struct, frozen=True, forbid_unknown_fields=True):
    """A part that is rendered and signed on its own; `after` names the slot that must have been signed before."""

    code: str
    title: str
    slots: tuple[SlotDefinition, ...]
    after: str = ""


class Form(Struct, frozen=True, forbid_unknown_fields=True):
    """One form in one version, valid for events from `valid_from` to `valid_to`."""

    code: str
    title: str
    legal: str
    valid_from: date
    stages: tuple[Stage, ...]
    sections: tuple[Section, ...]
    valid_to: date | None = None
    short: str = ""  # Name in lists and heads.
    printed_code: str = ""  # "MS: 15/BV-01"; empty when the law gives the form none.
    below: str = ""
    group: Literal["BENH_AN", "PHIEU", "GIAY_TO", "DON_THUOC"] = "PHIEU"
    settings: tuple[Literal["OUTPATIENT", "INPATIENT", "EMERGENCY"], ...] = (
        "OUTPATIENT",
        "INPATIENT",
        "EMERGENCY",
    )
    writers: tuple[str, ...] = ("doctor",)
    paper: Literal["A4", "A5"] = "A4"
    motto: bool = False
    barcode: str = ""  # Source of the bar code in the head.
    layout: Literal["plain", "prescription"] = "plain"
    once: bool = False  # One live sheet a visit.
    needs_stay: bool = False
    own_slots: str = ""  # The facility's regulation by which others sign than the law's list says.
    off: bool = False  # Unused unless the facility's settings turn it on.
    notes: tuple[str, ...] = ()  # Printed below the signatures.

    @property
    def name(self) -> str:
        return self.short or self.title

    def stage(self, code: str) -> Stage:
        return next(stage for stage in self.stages if stage.code == code)

    def sections_of(self, stage: str) -> tuple[Section, ...]:
        return tuple(section for section in self.sections if section.stage == stage)

    def fields_of(self, stage: str) -> tuple[Field, ...]:
        return tuple(field for section in self.sections_of(stage) for field in section.fields)

    def valid_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


def read_form(path: Path) -> Form:
    """Read and check one file. Raises BadForm."""
    try:
        form = msgspec.convert(tomllib.loads(path.read_text()), Form)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadForm(f"{path.name}: {error}") from None
    if faults := list(_faults(form)):
        raise BadForm(f"{path.name}: {'; '.join(faults)}")
    return form


def _faults(form: Form) -> Iterable[str]:
    yield from _stage_faults(form)
    if not form.own_slots:
        stages = [tuple(slot.owner for slot in stage.slots) for stage in form.stages]
        yield from order_faults(form.code, stages)
    keys = [field.key for section in form.sections for field in section.fields]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        yield f"{key} is asked twice"
    for section in form.sections:
        for field in section.fields:
            yield from _field_faults(field)


def _stage_faults(form: Form) -> Iterable[str]:
    stages = [stage.code for stage in form.stages]
    slots = [slot.field for stage in form.stages for slot in stage.slots]
    if len(set(stages)) != len(stages) or not stages:
        yield "stages"
    if len(set(slots)) != len(slots):
        yield "a slot is named twice"
    for stage in form.stages:
        if not stage.slots:
            yield f"stage {stage.code} is signed by nobody"
        if stage.after and stage.after not in slots:
            yield f"stage {stage.code} comes after the unknown slot {stage.after}"
    for section in form.sections:
        if section.stage not in stages:
            yield f"section {section.title!r} in the unknown stage {section.stage}"


def _field_faults(field: Field) -> Iterable[str]:
    if (
        not msgspec.convert(field.key, str)
        or not field.key.replace("_", "").isalnum()
        or not field.key.islower()
    ):
        yield f"{field.key!r} is not a key"
    if field.type in ("choice", "choices") and len({option.code for option in field.options}) < 2:
        yield f"{field.key} needs options"
    if (field.type == "table") != bool(field.columns):
        yield f"{field.key}: columns belong to tables"
    if field.given and field.start:
        yield f"{field.key} is either given or started"
    for column in field.columns:
        if column.type in ("table", "note", "choices", "diagnoses"):
            yield f"{field.key}.{column.key}: a cell can't be a {column.type}"


class FormBook:
    """Every form in every version the facility knows."""

    def __init__(self, forms: Iterable[Form]) -> None:
        self._forms: dict[str, list[Form]] = {}
        for form in forms:
            self._forms.setdefault(form.code, []).append(form)
        for code, versions in self._forms.items():
            versions.sort(key=lambda form: form.valid_from)
            for old, new in pairwise(versions):
                if old.valid_to is None or old.valid_to >= new.valid_from:
                    raise BadForm(f"{code}: two versions are valid on {new.valid_from}")

    def find(self, code: str, day: date) -> Form | None:
        """Return the version of the day of the event, not of the day of printing (R-4)."""
        return next((form for form in self._forms.get(code, ()) if form.valid_on(day)), None)

    def version(self, code: str, valid_from: date) -> Form:
        """Return the version an existing sheet was made with. Raises KeyError."""
        for form in self._forms.get(code, ()):
            if form.valid_from == valid_from:
                return form
        raise KeyError(code, valid_from)

    def on(self, day: date) -> list[Form]:
        return [form for code in sorted(self._forms) if (form := self.find(code, day))]


class Addition(Struct, frozen=True, forbid_unknown_fields=True):
    """A facility's own sections for a form of the law: a file that says what it extends."""

    extends: str
    sections: tuple[Section, ...]


def extend(form: Form, sections: tuple[Section, ...]) -> Form:
    """Add a facility's own sections to a form of the law. Raises BadForm if they try anything else (R-5)."""
    known = {field.key for section in form.sections for field in section.fields}
    added = [field for section in sections for field in section.fields]
    if taken := sorted(known.intersection(field.key for field in added)):
        raise BadForm(f"{form.code}: a field of the form can't be replaced: {', '.join(taken)}")
    if any(field.legal for field in added):
        raise BadForm(f"{form.code}: a facility's own field says legal = false")
    longer = msgspec.structs.replace(form, sections=(*form.sections, *sections))
    if faults := list(_faults(longer)):
        raise BadForm(f"{form.code}: {'; '.join(faults)}")
    return longer


def read_book(own: Path | None = None) -> FormBook:
    """Read the forms that come with the program and a facility's own forms and additions. Raises BadForm."""
    forms = [read_form(path) for path in sorted(FOLDER.glob("*.toml"))]
    for path in sorted(own.glob("*.toml")) if own else ():
        try:
            content = tomllib.loads(path.read_text())
            if "extends" not in content:
                forms.append(read_form(path))
                continue
            addition = msgspec.convert(content, Addition)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            raise BadForm(f"{path.name}: {error}") from None
        if addition.extends not in {form.code for form in forms}:
            raise BadForm(f"{path.name}: there is no form {addition.extends}")
        forms = [extend(form, addition.sections) if form.code == addition.extends else form for form in forms]
    return FormBook(forms)


_books: dict[str, FormBook] = {}


def form_book() -> FormBook:
    """Return the forms of this installation, read once per process."""
    if "book" not in _books:
        _books["book"] = read_book()
    return _books["book"]


def use_own_forms(folder: str) -> None:
    """Read a facility's own forms too; called when a process starts. Raises BadForm with the file at fault."""
    _books["book"] = read_book(Path(folder) if folder else None)
