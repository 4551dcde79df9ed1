"""Judge the evidence bundle that a signature carries: is it this document's, whole, and does it prove what it says?"""

import base64
import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from cryptography import x509
from msgspec import Struct
from pyhanko.pdf_utils import generic

from signing.certificate_names import names_of
from signing.cms import read_signed_data
from signing.der import BadDer
from signing.people import bundle as b
from signing.people.rules import Method, SignerKind

_FILES_MAXIMUM = 8
Trusted = Callable[[x509.Certificate, datetime, Sequence[bytes]], bool]
"""Whether a certificate led to a root we believe at a moment, with these certificates beside it."""


class Found(Struct, frozen=True):
    """What a signature's picture carries, and what is wrong with it."""

    told: b.Told | None
    faults: tuple[str, ...]


def carried_files(field: Any) -> dict[str, bytes]:
    """Return the associated files of a signature's picture by name; what is broken or too many is left out."""
    found: dict[str, bytes] = {}
    try:
        listed = field["/AP"]["/N"]["/AF"]
    except (KeyError, TypeError):
        return found
    for item in list(listed)[:_FILES_MAXIMUM]:
        try:
            specification = item.get_object()
            name, stream = specification["/UF"], specification["/EF"]["/F"]
            if isinstance(stream, generic.StreamObject):
                found[str(name)] = stream.data
        except (KeyError, TypeError, AttributeError, ValueError):
            continue
    return found


def judge_bundle(
    data: bytes,
    files: dict[str, bytes],
    *,
    field: str,
    hole: int,
    certificate: x509.Certificate,
    trusted: Trusted,
) -> Found | None:
    """Judge the bundle of one signature; None when it carries none. `hole`: where the signature's own bytes begin."""
    raw = files.get(b.FILE_NAME)
    if raw is None:
        return None
    try:
        bundle = b.decode(raw)
    except b.BadBundle:
        return Found(None, ("Gói bằng chứng hỏng hoặc không đúng dạng.",))
    faults = [
        *_text_faults(data, bundle, hole),
        *_person_faults(bundle),
        *_method_faults(bundle, files, trusted),
    ]
    if bundle.field != field:
        faults.append("Gói bằng chứng thuộc một ô ký khác.")
    if not names_of(certificate).tax_code:
        faults.append("Gói bằng chứng không do cơ sở niêm phong.")
    return Found(b.told(bundle), tuple(faults))


def _text_faults(data: bytes, bundle: b.Bundle, hole: int) -> list[str]:
    text = bundle.document
    shown = data[: text.size]
    if not 0 < text.size < hole or hashlib.sha256(shown).hexdigest() != text.sha256:
        return ["Gói bằng chứng thuộc một văn bản khác."]
    if not shown.rstrip().endswith(b"%%EOF") or b"%%EOF" in data[text.size : hole]:
        return ["Có phần lạ giữa văn bản đã xem và chữ ký."]
    if text.sha256 not in {item.sha256 for item in bundle.sitting.documents}:
        return ["Văn bản không có trong danh sách của lần ký."]
    return []


def _person_faults(bundle: b.Bundle) -> list[str]:
    faults = []
    if tuple(bundle.parts) != (bundle.method,):
        faults.append("Gói bằng chứng không có đúng phần của cách ký.")
    representative = bundle.signer.kind is SignerKind.REPRESENTATIVE
    if representative != bool(bundle.signer.relation):
        faults.append("Thiếu quan hệ của người đại diện.")
    at_tablet = bundle.method not in (Method.WITNESSED, Method.PAPER)
    unseen = [
        item for item in bundle.sitting.documents if item.shown_at is None or item.shown_at > bundle.signed_at
    ]
    if at_tablet and (bundle.device is None or unseen):
        faults.append("Không có bằng chứng người ký đã xem văn bản.")
    if bundle.identity is not None and bundle.identity.sha256 != bundle.document.sha256:
        faults.append("Giao dịch định danh thuộc một văn bản khác.")
    if bundle.fingerprint is not None and bundle.fingerprint.result != "match":
        faults.append("Vân tay không khớp.")
    return faults


def _method_faults(bundle: b.Bundle, files: dict[str, bytes], trusted: Trusted) -> list[str]:
    if bundle.scan is not None:
        scan = files.get(bundle.scan.name, b"")
        if b.digest(scan) != bundle.scan.sha256:
            return ["Bản quét kèm theo không khớp gói bằng chứng."]
    if bundle.unsigned is not None:
        return _witness_faults(bundle, bundle.unsigned, trusted)
    return []


def _witness_faults(bundle: b.Bundle, unsigned: b.Unsigned, trusted: Trusted) -> list[str]:
    if len({one.id for one in unsigned.witnesses}) < 2:
        return ["Không đủ hai người làm chứng khác nhau."]
    if bundle.document.sha256 not in unsigned.statement:
        return ["Lời làm chứng không nói về văn bản này."]
    statement = hashlib.sha256(unsigned.statement.encode()).digest()
    holders = set()
    for one in unsigned.witnesses:
        try:
            signed = read_signed_data(base64.b64decode(one.cms, validate=True))
        except (BadDer, ValueError):
            return [f"Chữ ký của người làm chứng {one.name} hỏng."]
        certificate = signed.certificate()
        if certificate is None or not signed.signed_by(certificate, statement):
            return [f"Chữ ký của người làm chứng {one.name} không khớp lời làm chứng."]
        if not trusted(certificate, one.at, signed.certificates):
            return [f"Chứng thư của người làm chứng {one.name} không được tin cậy."]
        if names_of(certificate).name.casefold() != one.name.casefold():
            return [f"Chứng thư của người làm chứng {one.name} mang tên khác."]
        holders.add(signed.certificate_hash)
    return [] if len(holders) >= 2 else ["Hai lời làm chứng do cùng một người ký."]
