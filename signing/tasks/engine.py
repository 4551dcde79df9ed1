"""One signature on one file in two steps: prepare (gate, revision with a hole), then complete (fill, check).

Between the steps something signs the attributes: a key in this process at once, a person's phone or token minutes later.
No database and no transaction in here.
"""

import hashlib
from datetime import datetime
from functools import lru_cache
from typing import Protocol

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct

from kernel.giving_way import Turns
from signing.appearance import Appearance, Enclosed, Ink, Typeface
from signing.append import FieldTaken, Pending, open_revision
from signing.certificate_names import names_of
from signing.cms import TOKEN_OVERHEAD, CmsTemplate, load_certificate
from signing.foreign import TOKEN_ROOM, ForeignPending, open_foreign
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
from signing.schemes import Scheme
from signing.timestamps import Timestamp, TimestampClient
from signing.trust import TrustList
from signing.verification.pdf import verify_pdf
from signing.verification.report import clock

_sound = SoundHeads()


class Identity(Protocol):
    """Whose signature is prepared: the certificate is pinned from here on. Every `Signer` is one."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    scheme: Scheme
    template: CmsTemplate


class Look(Struct, frozen=True):
    """What stands in the signature block beside name and time.

    `lines` in place of the certificate's name: the hospital seals for somebody who has no certificate.
    """

    face: Typeface
    title: str = ""
    place: str = ""
    reason: str = ""
    lines: tuple[str, ...] = ()
    ink: Ink | None = None
    enclosed: tuple[Enclosed, ...] = ()


class Signed(Struct, frozen=True):
    """The file with one more signature, checked."""

    pdf: bytes
    sha256: str
    layout: Layout | None
    stamp: Timestamp | None


class Prepared(Struct, frozen=True):
    """A file that waits for one signature value over `attributes`; `pack` and `unpack` carry it over a restart."""

    field: str
    head: str
    attributes: bytes
    token_room: int
    """Bytes kept for a timestamp token; 0: none was planned."""
    identity: Identity
    pending: Pending | ForeignPending


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
    turns: Turns | None = None,
) -> Signed:
    """Both steps with a key at hand; `turns`: shared by files that are signed side by side.

    Raises what `prepare_signature` and `complete_signature` raise.
    """
    room, turns = token_room if stamps else 0, turns or Turns()
    async with turns:
        prepared = await prepare_signature(
            pdf, head, layout, field, signer, trust=trust, token_room=room, look=look, now=now
        )
        value = await signer.sign(prepared.attributes)
    stamp = await stamps.stamp(value, now=now) if stamps else None
    async with turns:
        return complete_signature(prepared, pdf, value, stamp, trust=trust, now=now)


async def prepare_signature(
    pdf: bytes,
    head: str,
    layout: Layout | None,
    field: str,
    identity: Identity,
    *,
    trust: TrustList,
    token_room: int,
    look: Look,
    now: datetime,
) -> Prepared:
    """Let a file whose SHA-256 must be `head` through the gate and write the revision that signs `field`.

    Raises DocumentTampered, SignatureBroken, FieldTaken; for foreign files EarlierSignatureBroken, CannotSign.
    """
    room = identity.template.size + (token_room + TOKEN_OVERHEAD if token_room else 0)
    pending: Pending | ForeignPending
    if layout is None:
        if hashlib.sha256(pdf).hexdigest() != head:
            raise DocumentTampered("Tài liệu đã bị thay đổi so với bản đã lưu nên không thể ký.")
        try:
            layout = read_layout(pdf)
        except NotAppendable:
            room += max(0, TOKEN_ROOM - token_room) if token_room else 0
            pending = await open_foreign(pdf, field, identity.certificate, room=room, trust=trust, now=now)
            attributes = identity.template.attributes(pending.digest)
            return Prepared(field, head, attributes, token_room and TOKEN_ROOM, identity, pending)
    if field not in layout.fields:
        raise FieldTaken("Ô ký không có trong tệp hoặc đã ký.")
    prefix = check_bytes(pdf, head, layout)
    if head not in _sound:
        check_signatures(pdf, layout)
    appearance = Appearance(_lines(identity.certificate, look, now), look.face, look.ink, look.enclosed)
    pending = open_revision(
        layout, prefix, field, room=room, at=now, appearance=appearance, reason=look.reason
    )
    attributes = identity.template.attributes(pending.digest)
    return Prepared(field, head, attributes, token_room, identity, pending)


def complete_signature(
    prepared: Prepared, pdf: bytes, value: bytes, stamp: Timestamp | None, *, trust: TrustList, now: datetime
) -> Signed:
    """Fill the hole with the signature value and check the result before anybody is told that it succeeded.

    A token larger than its place is left out: the signature stands at B-B then. Raises SignatureBroken.
    """
    if stamp is not None and len(stamp.token) > prepared.token_room:
        stamp = None
    cms = prepared.identity.template.assemble(prepared.attributes, value, stamp.token if stamp else None)
    try:
        revision = prepared.pending.fill(cms)
    except ValueError as error:
        raise SignatureBroken("Giá trị chữ ký dài hơn chỗ đã giữ, không phải của khóa này.") from error
    if isinstance(prepared.pending, ForeignPending):
        return _judged(prepared.field, pdf + revision, trust, now)
    pending = prepared.pending
    made = pending.layout.revisions[-1]
    signed = check_revision(revision, made, pending.prefix, certificate=prepared.identity.certificate)
    if signed.token != (stamp.token if stamp else None):
        # The token itself was checked when it came.
        raise SignatureBroken("Dấu thời gian không khớp chữ ký.")
    pending.prefix.update(revision)
    sha256 = pending.prefix.hexdigest()
    _sound.add(sha256)
    return Signed(pdf + revision, sha256, pending.layout, stamp)


def _judged(field: str, signed: bytes, trust: TrustList, now: datetime) -> Signed:
    report = verify_pdf(signed, trust, now)
    if not report.valid:
        raise SignatureBroken("Chữ ký vừa đặt không qua được kiểm tra, văn bản vẫn chờ ký.")
    last = next(s for s in report.signatures if s.field == field)
    stamp = Timestamp(b"", last.stamped_at, last.stamped_by) if last.stamped_at else None
    return Signed(signed, report.sha256, None, stamp)


def _lines(certificate: x509.Certificate, look: Look, now: datetime) -> tuple[str, ...]:
    if look.lines:
        return look.lines
    names = names_of(certificate)
    who = f"{look.title} {names.name}".strip()
    lines = [f"Ký số bởi: {who}", look.reason, f"Lúc: {clock(now)}"]
    return tuple(line for line in lines if line)


class RemoteIdentity:
    """Somebody whose key is not here: a certificate and everything about its CMS that is constant."""

    def __init__(
        self, certificate: x509.Certificate, chain: tuple[x509.Certificate, ...], scheme: Scheme
    ) -> None:
        self.certificate, self.chain, self.scheme = certificate, chain, scheme
        self.template = CmsTemplate(certificate, chain, scheme)


class _Packed(Struct, frozen=True):
    field: str
    head: str
    attributes: bytes
    token_room: int
    certificates: tuple[bytes, ...]
    scheme: Scheme
    revision: bytes
    layout: Layout | None
    hole: tuple[int, int]


def pack(prepared: Prepared) -> bytes:
    """Write what has to be known to complete the signature later, by another process. Holds no secret."""
    pending, identity = prepared.pending, prepared.identity
    certificates = (identity.certificate, *identity.chain)
    if isinstance(pending, ForeignPending):
        layout, hole = None, (pending.hole_start, pending.hole_end)
    else:
        layout, hole = pending.layout, (0, 0)
    return msgspec.msgpack.encode(
        _Packed(
            field=prepared.field,
            head=prepared.head,
            attributes=prepared.attributes,
            token_room=prepared.token_room,
            certificates=tuple(c.public_bytes(Encoding.DER) for c in certificates),
            scheme=identity.scheme,
            revision=bytes(pending.revision),
            layout=layout,
            hole=hole,
        )
    )


def unpack(packed: bytes, pdf: bytes) -> Prepared:
    """Read what `pack` wrote; the file must still be the one that was prepared. Raises DocumentTampered."""
    kept = msgspec.msgpack.decode(packed, type=_Packed)
    prefix = hashlib.sha256(pdf)
    if prefix.hexdigest() != kept.head:
        raise DocumentTampered("Tài liệu đã bị thay đổi từ khi chuẩn bị ký. Báo ngay cho quản trị hệ thống.")
    pending: Pending | ForeignPending
    if kept.layout is None:
        pending = ForeignPending(bytearray(kept.revision), b"", *kept.hole)
    else:
        pending = Pending(bytearray(kept.revision), b"", kept.layout, prefix)
    identity = _identity(kept.certificates, kept.scheme)
    return Prepared(kept.field, kept.head, kept.attributes, kept.token_room, identity, pending)


@lru_cache(maxsize=64)
def _identity(certificates: tuple[bytes, ...], scheme: Scheme) -> RemoteIdentity:
    own, *chain = (load_certificate(der) for der in certificates)
    return RemoteIdentity(own, tuple(chain), scheme)
