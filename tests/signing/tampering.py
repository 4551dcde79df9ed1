"""What can be done to a signed file: each act returns the file that a verifier then gets to see."""

import re
import subprocess
import zlib
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import Struct

from hospital.demo.outside.pki import PkiDesk, TimestampAuthority
from hospital.demo.pki import DemoPki, Holder
from kernel.clock import utc_now
from kernel.paper.blocks import PaperDocument, Paragraph, Signatures, Slot, Title
from kernel.paper.pdf import Attachment
from kernel.paper.render import render
from signing.keys import SoftwareSigner
from signing.layout import Layout
from tests.signing.acts import NOW, cut, overlay, sign
from tests.signing.files import a_file
from tests.signing.test_status import ocsp_request

PERSON = Holder("x", "Nguyễn Thị Hương", "CCCD:001180000001")


class Hands(Struct, frozen=True):
    """What an act has at hand: keys and authorities of the test."""

    pki: DemoPki
    doctor: SoftwareSigner
    seal: SoftwareSigner
    authority: TimestampAuthority

    def two_signed(self, text: str = "Benh an A") -> tuple[bytes, Layout]:
        """Doctor, then hospital, both stamped; a third field stays empty."""
        pdf, layout = sign(a_file(("a", "b", "c"), text=text), self.doctor, ["a"], authority=self.authority)
        return sign(pdf, self.seal, ["b"], authority=self.authority, layout=layout)

    def signed_by(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bytes:
        return sign(a_file(), SoftwareSigner(key, certificate, (self.pki.issuing,)), ["bac_si"])[0]


class Seen(Struct, frozen=True):
    """A file, and the revocation answers that were to be had."""

    data: bytes
    ocsps: tuple[bytes, ...] = ()


@cache
def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def flipped_byte(hands: Hands) -> Seen:
    pdf, _ = hands.two_signed()
    return Seen(pdf.replace(b"Benh an A", b"Benh an B", 1))


def flipped_byte_in_the_signature(hands: Hands) -> Seen:
    pdf, layout = hands.two_signed()
    at = layout.revisions[0].hole_start + 3_000
    return Seen(pdf[:at] + (b"1" if pdf[at : at + 1] == b"0" else b"0") + pdf[at + 1 :])


def overlay_after_signature(hands: Hands) -> Seen:
    return Seen(overlay(hands.two_signed()[0]))


def removed_signature(hands: Hands) -> Seen:
    """The field loses its value in a later revision."""
    pdf, layout = hands.two_signed()
    start = int(re.findall(rb"startxref\s+(\d+)", pdf)[-1])
    body = re.findall(rb"\n7 0 obj\n(<<.*?/T\(a\).*?)/V \d+ 0 R>>", pdf, re.DOTALL)[-1]
    row = b"xref\n7 1\n%010d 00000 n \n" % len(pdf)
    changed = b"7 0 obj\n" + body + b">>\nendobj\n"
    tail = b"trailer\n<</Size %d/Root 1 0 R/Info 3 0 R/Prev %d>>\n" % (layout.next_object, start)
    return Seen(pdf + changed + row + tail + b"startxref\n%d\n%%%%EOF\n" % (len(pdf) + len(changed)))


def blanked_signature(hands: Hands) -> Seen:
    pdf, layout = hands.two_signed()
    place = layout.revisions[1]
    hole = b"<" + b"0" * (place.hole_end - place.hole_start - 2) + b">"
    return Seen(pdf[: place.hole_start] + hole + pdf[place.hole_end :])


def all_signatures_removed(hands: Hands) -> Seen:
    pdf, layout = hands.two_signed()
    return Seen(pdf[: layout.revisions[0].start])


def signature_moved_to_another_file(hands: Hands) -> Seen:
    pdf, layout = hands.two_signed()
    return Seen(a_file(("a", "b", "c"), text="Benh an B") + pdf[layout.revisions[0].start :])


def shrunken_byte_range(hands: Hands) -> Seen:
    """The range stops short of what was changed behind it."""
    pdf, layout = sign(a_file(("a", "b")), hands.doctor, ["a"])
    last = layout.revisions[0]
    said = b"[0 %d %d %d" % (last.hole_start, last.hole_end, last.end - last.hole_end)
    told = b"[0 %d %d %d" % (last.hole_start, last.hole_end, last.end - last.hole_end - 9)
    return Seen(pdf.replace(said, told))


def relabelled_signature(hands: Hands) -> Seen:
    """A kind of signature that verifiers pass over."""
    pdf, _ = hands.two_signed()
    return Seen(pdf.replace(b"/SubFilter/ETSI.CAdES.detached", b"/SubFilter/ETSI.XXdES.detached", 1))


def swapped_attachment(hands: Hands) -> Seen:
    """The machine-readable record inside the paper is exchanged."""
    document = PaperDocument(
        title="Phiếu khám bệnh",
        author="BS Nguyễn Thị Hương",
        created_at=utc_now(),
        blocks=(
            Title(text="PHIẾU KHÁM BỆNH"),
            Paragraph(label="Chẩn đoán", text="Viêm phổi thuỳ phải."),
            Signatures(slots=(Slot(field="bac_si", role="Bác sĩ khám"),)),
        ),
        attachments=(Attachment("benh-an.json", b'{"benh":"viem phoi"}'),),
    )
    signed, _ = sign(render(document), hands.doctor, ["bac_si"])
    number = int(re.findall(rb"(\d+) 0 obj\s*<</Type/EmbeddedFile", signed)[0])
    return Seen(overlay(signed, number=number, head=b"/Type/EmbeddedFile/Subtype/application#2Fjson"))


def timestamp_from_another_file(hands: Hands) -> Seen:
    """The token of one file's signature in the place of another's."""
    from signing.cms import read_signed_data

    one, _ = hands.two_signed()
    while True:  # Serial numbers, and so tokens, differ in length by a byte at times.
        other, layout = hands.two_signed("Benh an B")
        tokens = [read_signed_data(cut(pdf)[0][0]).token or b"" for pdf in (one, other)]
        if len(tokens[0]) == len(tokens[1]):
            break
    place = layout.revisions[0]
    hole = other[place.hole_start : place.hole_end]
    swapped = hole.replace(tokens[1].hex().encode(), tokens[0].hex().encode())
    assert swapped != hole
    return Seen(other[: place.hole_start] + swapped + other[place.hole_end :])


def revisions_swapped(hands: Hands) -> Seen:
    pdf, layout = hands.two_signed()
    first, second = layout.revisions
    return Seen(pdf[: first.start] + pdf[second.start : second.end] + pdf[first.start : first.end])


def expired_certificate(hands: Hands) -> Seen:
    ended, _ = hands.pki.issue(PERSON, _key(), now=NOW, starts=timedelta(days=-20), days=10)
    return Seen(hands.signed_by(ended, _key()))


def not_yet_valid_certificate(hands: Hands) -> Seen:
    early, _ = hands.pki.issue(PERSON, _key(), now=NOW, starts=timedelta(days=5))
    return Seen(hands.signed_by(early, _key()))


def wrong_usage_certificate(hands: Hands) -> Seen:
    other, _ = hands.pki.issue(PERSON, _key(), now=NOW, usage=False)
    return Seen(hands.signed_by(other, _key()))


def revoked_certificate(hands: Hands) -> Seen:
    certificate, _ = hands.pki.issue(PERSON, _key(), now=NOW)
    hands.pki.revoke(certificate, at=NOW - timedelta(hours=1))
    answer = PkiDesk(hands.pki.folder).ocsp("issuing", ocsp_request(certificate, hands.pki.issuing), now=NOW)
    return Seen(hands.signed_by(certificate, _key()), (answer,))


def unknown_root(hands: Hands) -> Seen:
    """A certificate with the right name that its holder made himself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, PERSON.common_name)])
    usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
    own = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(_key().public_key())
        .serial_number(77)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=9))
        .add_extension(x509.BasicConstraints(False, None), critical=True)
        .add_extension(usage, critical=True)
        .sign(_key(), hashes.SHA256())
    )
    return Seen(sign(a_file(), SoftwareSigner(_key(), own, ()), ["bac_si"])[0])


def a_file_of_120_megabytes(hands: Hands) -> Seen:
    pdf, _ = hands.two_signed()
    return Seen(pdf + b"\n" * (120_000_000 - len(pdf)))


def encrypted_file(hands: Hands) -> Seen:
    with TemporaryDirectory() as folder:
        plain, locked = Path(folder, "a.pdf"), Path(folder, "b.pdf")
        plain.write_bytes(hands.two_signed()[0])
        subprocess.run(["qpdf", "--encrypt", "u", "o", "256", "--", plain, locked], check=True)
        return Seen(locked.read_bytes())


def not_a_pdf(hands: Hands) -> Seen:
    return Seen(b"PK\x03\x04 a document of another kind, called a.pdf")


def a_pdf_that_ends_early(hands: Hands) -> Seen:
    return Seen(hands.two_signed()[0][:700])


@cache
def _unfolding() -> bytes:
    """800 kB that unfold into 800 MB."""
    packing = zlib.compressobj(9)
    return b"".join(packing.compress(bytes(8_000_000)) for _ in range(100)) + packing.flush()


def a_bomb_of_objects(hands: Hands) -> Seen:
    """The catalog is in an object stream that unfolds."""
    packed, out = _unfolding(), bytearray(b"%PDF-1.7\n")
    at = len(out)
    out += b"2 0 obj\n<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>\nstream\n" % len(packed)
    out += packed + b"\nendstream\nendobj\n"
    start = len(out)
    rows = bytes(7) + b"\2" + (2).to_bytes(4) + bytes(2) + b"\1" + at.to_bytes(4) + bytes(2)
    rows += b"\1" + start.to_bytes(4) + bytes(2)
    out += b"3 0 obj\n<</Type/XRef/Size 4/W[1 4 2]/Root 1 0 R/Length %d>>\nstream\n" % len(rows)
    return Seen(bytes(out + rows + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % start))


def a_bomb_of_cross_references(hands: Hands) -> Seen:
    """The cross-references themselves unfold."""
    packed = _unfolding()
    head = b"1 0 obj\n<</Type/XRef/Size 2/W[1 4 2]/Root 1 0 R/Filter/FlateDecode/Length %d>>\nstream\n" % len(
        packed
    )
    return Seen(b"%PDF-1.7\n" + head + packed + b"\nendstream\nendobj\nstartxref\n9\n%%EOF\n")


def a_bomb_of_brackets(hands: Hands) -> Seen:
    """Brackets within brackets, until a reader's stack ends."""
    signed = hands.two_signed()[0]
    at = len(signed)
    body = b"4 0 obj\n" + b"[" * 200_000 + b"]" * 200_000 + b"\nendobj\n"
    tail = b"xref\n4 1\n%010d 00000 n \ntrailer\n<</Size 40/Root 1 0 R/Prev %d>>\n" % (
        at,
        int(re.findall(rb"startxref\s+(\d+)", signed)[-1]),
    )
    return Seen(signed + body + tail + b"startxref\n%d\n%%%%EOF\n" % (at + len(body)))


def a_ring_of_revisions(hands: Hands) -> Seen:
    signed = hands.two_signed()[0]
    start = int(re.findall(rb"startxref\s+(\d+)", signed)[-1])
    at = len(signed)
    tail = b"xref\n0 0\ntrailer\n<</Size 40/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (at, at)
    return Seen(signed + tail if start else b"")


def a_file_of_many_signatures(hands: Hands) -> Seen:
    """A hundred and one times the work of one."""
    slots = [f"s{number}" for number in range(101)]
    return Seen(sign(a_file(slots), SoftwareSigner(_key(), _plain(hands.pki), ()), slots)[0])


@cache
def _plain(pki: DemoPki) -> x509.Certificate:
    return pki.issue(PERSON, _key(), now=NOW)[0]


Act = Callable[[Hands], Seen]
