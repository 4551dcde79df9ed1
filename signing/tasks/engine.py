"""One signature on one file: gate, revision, key, timestamp, check. No database and no transaction in here."""

import hashlib
from datetime import datetime

from cryptography import x509
from msgspec import Struct

from signing.appearance import Appearance, Typeface
from signing.append import FieldTaken, Pending, open_revision
from signing.certificate_names import names_of
from signing.cms import TOKEN_OVERHEAD
from signing.foreign import sign_foreign
from signing.gate import (
    DocumentTampered,
    SignatureBroken,
    SoundHeads,
    check_bytes,
    check_revision,
    check_signatures,
)
from signing.keys import Signer
from signing.layout import Layout, NotAppendable, read_layout
from signing.timestamps import Timestamp, TimestampClient
from signing.trust import TrustList
from signing.verification.pdf import verify_pdf
from signing.verification.report import clock

_sound = SoundHeads()


class Look(Struct, frozen=True):
    """What stands in the signature block beside name and time."""

    face: Typeface
    title: str = ""
    place: str = ""
    reason: str = ""


class Signed(Struct, frozen=True):
    """The file with one more signature, checked."""

    pdf: bytes
    sha256: str
    layout: Layout | None
    stamp: Timestamp | None


async def sign_file(
    pdf: bytes,
    head: str,
    layout: Layout | None,
    field: str,
    signer: Signer,
    *,
    trust: TrustList,
    stamps: TimestampClient | None,
    token_room: int,
    look: Look,
    now: datetime,
) -> Signed:
    """Sign a field of a file whose SHA-256 must be `head`.

    Raises DocumentTampered, SignatureBroken, FieldTaken; for foreign files EarlierSignatureBroken, CannotSign.
    """
    if layout is None:
        if hashlib.sha256(pdf).hexdigest() != head:
            raise DocumentTampered("Tài liệu đã bị thay đổi so với bản đã lưu nên không thể ký.")
        try:
            layout = read_layout(pdf)
        except NotAppendable:
            return await _sign_foreign(pdf, field, signer, trust=trust, stamps=stamps, now=now)
    if field not in layout.fields:
        raise FieldTaken("Ô ký không có trong tệp hoặc đã ký.")
    prefix = check_bytes(pdf, head, layout)
    if head not in _sound:
        check_signatures(pdf, layout)
    appearance = Appearance(_lines(signer.certificate, look, now), look.face)
    room = signer.template.size + (token_room + TOKEN_OVERHEAD if stamps else 0)
    pending = open_revision(
        layout, prefix, field, room=room, at=now, appearance=appearance, reason=look.reason
    )
    cms, stamp = await _cms(pending, signer, stamps, token_room, now)
    revision = pending.fill(cms)
    _check(pending, revision, signer.certificate, stamp)
    prefix.update(revision)
    sha256 = prefix.hexdigest()
    _sound.add(sha256)
    return Signed(pdf + revision, sha256, pending.layout, stamp)


async def _cms(
    pending: Pending, signer: Signer, stamps: TimestampClient | None, token_room: int, now: datetime
) -> tuple[bytes, Timestamp | None]:
    attributes = signer.template.attributes(pending.digest)
    value = await signer.sign(attributes)
    stamp = await stamps.stamp(value, now=now) if stamps else None
    if stamp is not None and len(stamp.token) > token_room:
        stamp = None  # The place was made before the token was known; without it the signature stands at B-B.
    return signer.template.assemble(attributes, value, stamp.token if stamp else None), stamp


def _check(pending: Pending, revision: bytes, certificate: x509.Certificate, stamp: Timestamp | None) -> None:
    """Check what was just made, before anybody is told that it succeeded."""
    made = pending.layout.revisions[-1]
    signed = check_revision(revision, made, pending.prefix, certificate=certificate)
    if signed.token != (stamp.token if stamp else None):
        raise SignatureBroken(
            "Dấu thời gian không khớp chữ ký."
        )  # The token itself was checked when it came.


async def _sign_foreign(
    pdf: bytes,
    field: str,
    signer: Signer,
    *,
    trust: TrustList,
    stamps: TimestampClient | None,
    now: datetime,
) -> Signed:
    signed = await sign_foreign(pdf, field, signer, now=now, stamps=stamps, trust=trust)
    report = verify_pdf(signed, trust, now)
    if not report.valid:
        raise SignatureBroken("Chữ ký vừa đặt không qua được kiểm tra, văn bản vẫn chờ ký.")
    last = next(s for s in report.signatures if s.field == field)
    stamp = Timestamp(b"", last.stamped_at, last.stamped_by) if last.stamped_at else None
    return Signed(signed, report.sha256, None, stamp)


def _lines(certificate: x509.Certificate, look: Look, now: datetime) -> tuple[str, ...]:
    names = names_of(certificate)
    who = f"{look.title} {names.name}".strip()
    lines = [f"Ký số bởi: {who}", look.reason, f"Lúc: {clock(now)}"]
    return tuple(line for line in lines if line)
