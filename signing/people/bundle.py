"""The evidence bundle (gói bằng chứng): canonical JSON that the sealed revision of a document carries.

Who, in which capacity, saw which bytes, when, where, beside whom, and how it was confirmed. Never a print, a code or a PIN.
"""

import hashlib
from uuid import UUID

import msgspec
from msgspec import Struct, field

from kernel.clock import Instant
from signing.people.ink import Sealed
from signing.people.rules import (
    ABSENCE_WORDS,
    METHOD_WORDS,
    STANDING_WORDS,
    Absence,
    Method,
    SignerKind,
    Standing,
)

SCHEMA = "lanh.signing.person/1"
FILE_NAME = "bang-chung-ky.json"
SCAN_NAME = "ban-quet"
BUNDLE_BYTES_MAXIMUM = 1_000_000


class Text(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The bytes that were shown: everything in the file before this revision."""

    id: UUID
    code: str
    kind: str
    title: str
    pages: int
    sha256: str
    size: int


class Listed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Another document of the same sitting: its hash alone, so that one paper does not tell of the others."""

    sha256: str
    pages: int
    shown_at: Instant | None


class Meeting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    id: UUID
    opened_at: Instant
    documents: tuple[Listed, ...]


class Person(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    kind: SignerKind
    name: str
    number: str = ""
    relation: str = ""
    standing: Standing | None = None
    standing_note: str = ""


class Device(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """`id`: hash of the token that only this device held."""

    id: str
    name: str
    address: str
    joined_at: Instant


class Staff(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    id: UUID
    name: str
    title: str
    department: str = ""


class Ink(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A drawn signature: the lines as they stand on the paper in clear, how they were drawn for the expert only."""

    width: int
    height: int
    lines: tuple[tuple[tuple[int, int], ...], ...]
    strokes: int
    points: int
    milliseconds: int
    sha256: str
    """Of the strokes with their timing, in clear."""
    sealed: Sealed


class Fingerprint(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What the reader said. No image, no template."""

    transaction: UUID
    result: str
    score: int
    quality: int
    reader: str
    consent: str
    consent_at: Instant


class Code(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    transaction: UUID
    phone: str
    """Masked; the whole number stays in the hospital's own table."""
    phone_verified_at: Instant
    sent_at: Instant
    entered_at: Instant


class Identity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One transaction of the national identity service, bound to this document's hash (NĐ 69/2024 Đ19 k4)."""

    transaction: str
    reply_code: str
    sha256: str
    answered_at: Instant


class Witness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A member of staff who signed the statement with the own key; `cms` is detached, DER in base64."""

    id: UUID
    name: str
    title: str
    at: Instant
    cms: str


class Unsigned(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    absence: Absence
    reason: str
    statement: str
    witnesses: tuple[Witness, ...]


class Scan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The scanned paper that bears the fingerprint, carried beside this bundle (NĐ 137/2024 Đ4)."""

    name: str
    media_type: str
    sha256: str
    size: int
    mark: str
    paper_kept: str


class Bundle(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Exactly one of the parts behind `method` is there."""

    schema: str
    document: Text
    field: str
    sitting: Meeting
    patient: str
    signer: Person
    consent: str
    """The sentence above the button or the canvas."""
    method: Method
    signed_at: Instant
    staff: Staff
    device: Device | None = None
    ink: Ink | None = None
    fingerprint: Fingerprint | None = None
    code: Code | None = None
    identity: Identity | None = None
    unsigned: Unsigned | None = None
    scan: Scan | None = None

    @property
    def parts(self) -> dict[Method, object]:
        parts: dict[Method, object | None] = {
            Method.DRAWN: self.ink,
            Method.FINGERPRINT: self.fingerprint,
            Method.OTP: self.code,
            Method.NATIONAL_ID: self.identity,
            Method.WITNESSED: self.unsigned,
            Method.PAPER: self.scan,
        }
        return {method: part for method, part in parts.items() if part is not None}


class BadBundle(ValueError):
    """Not an evidence bundle of this kind, or not in its one canonical form."""


def encode(bundle: Bundle) -> bytes:
    """Write the one canonical form: sorted keys, no spaces, UTF-8."""
    return msgspec.json.encode(msgspec.to_builtins(bundle), order="sorted")


def decode(data: bytes) -> Bundle:
    """Read a bundle that is in canonical form. Raises BadBundle."""
    if len(data) > BUNDLE_BYTES_MAXIMUM:
        raise BadBundle("size")
    try:
        bundle = msgspec.json.decode(data, type=Bundle)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadBundle("form") from error
    if encode(bundle) != data or bundle.schema != SCHEMA:
        raise BadBundle("canonical form")
    return bundle


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def statement_of(
    *,
    documents: tuple[str, ...],
    titles: tuple[str, ...],
    patient: str,
    absence: Absence,
    reason: str,
    at: Instant,
) -> str:
    """Return the words that both witnesses sign."""
    listed = "; ".join(f"{title} (SHA-256 {sha256})" for title, sha256 in zip(titles, documents, strict=True))
    return (
        f"Chúng tôi làm chứng: lúc {at.isoformat()} người bệnh {patient} hoặc người đại diện không ký các văn bản sau: "
        f"{listed}. Lý do: {ABSENCE_WORDS[absence]}. {reason.strip()}"
    )


class Told(Struct, frozen=True):
    """A person's signing as a verification tells it; `kind` and `method` are for programs."""

    kind: str
    method: str
    who: str
    name: str
    relation: str
    words: str
    signed_at: Instant
    device: str
    staff: str
    text_sha256: str
    documents: int
    lines: tuple[str, ...] = field(default_factory=tuple)


def told(bundle: Bundle) -> Told:
    """Say in Vietnamese who confirmed and how."""
    person, witnesses = bundle.signer, bundle.unsigned.witnesses if bundle.unsigned else ()
    who = person.name
    if person.kind is SignerKind.REPRESENTATIVE:
        who = f"{person.name} ({person.relation} của người bệnh {bundle.patient})"
    lines = []
    if person.standing:
        note = f": {person.standing_note}" if person.standing_note else ""
        lines.append(f"Lý do ký thay: {STANDING_WORDS[person.standing]}{note}")
    if bundle.unsigned:
        lines.append(f"Lý do không ký: {ABSENCE_WORDS[bundle.unsigned.absence]}. {bundle.unsigned.reason}")
        lines += [f"Người làm chứng: {f'{w.title} {w.name}'.strip()}" for w in witnesses]
    if bundle.ink:
        seconds = f"{bundle.ink.milliseconds / 1000:.1f}".replace(".", ",")
        lines.append(f"Nét ký: {bundle.ink.strokes} nét, {bundle.ink.points} điểm, {seconds} giây")
    if bundle.fingerprint:
        lines.append(f"Đầu đọc {bundle.fingerprint.reader}: khớp, điểm {bundle.fingerprint.score}/100")
    if bundle.code:
        lines.append(f"Điện thoại {bundle.code.phone}, giao dịch {bundle.code.transaction}")
    if bundle.identity:
        lines.append(f"Giao dịch định danh {bundle.identity.transaction}")
    if bundle.scan:
        lines.append(bundle.scan.mark)
    return Told(
        kind="WITNESSES" if bundle.unsigned else person.kind.value,
        method=bundle.method.value,
        who=who,
        name=person.name,
        relation=person.relation,
        words=METHOD_WORDS[bundle.method],
        signed_at=bundle.signed_at,
        device=bundle.device.name if bundle.device else "",
        staff=f"{bundle.staff.title} {bundle.staff.name}".strip(),
        text_sha256=bundle.document.sha256,
        documents=len(bundle.sitting.documents),
        lines=tuple(lines),
    )
