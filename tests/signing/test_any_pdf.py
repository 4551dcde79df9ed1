"""Files of other programs: tables, streams, trees, forms of every build are signed by our own short revision."""

import hashlib
import io
import re
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, String
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers

from hospital.demo.outside.pki import TimestampAuthority
from hospital.demo.pki import DemoPki
from kernel.problems import Problem
from signing.append import FieldTaken
from signing.foreign import CannotSign, EarlierSignatureBroken, open_foreign, sign_foreign
from signing.keys import SoftwareSigner
from signing.pdf_file import PdfFile
from signing.pdf_syntax import OddPdf, Ref, read_value, text_of, write_value
from signing.revise import open_revision
from signing.trust import TrustList
from signing.verification.pdf import verify_pdf
from tests.signing.acts import NOW, cut, openssl_says, overlay, run
from tests.signing.files import a_file, assemble
from tests.signing.holders import PIN

pytestmark = pytest.mark.anyio


def saved(pdf: Pdf, **options: object) -> bytes:
    out = io.BytesIO()
    pdf.save(out, **options)  # type: ignore[arg-type]  # a table of options
    return out.getvalue()


def opened(*slots: str) -> Pdf:
    return pikepdf.open(io.BytesIO(a_file(slots or ("khac",))))


def table_file() -> bytes:
    return a_file(("khac",))


def stream_file() -> bytes:
    return saved(opened(), object_stream_mode=pikepdf.ObjectStreamMode.generate)


def plain_stream_file() -> bytes:
    """A cross-reference stream without a predictor, as pyHanko writes it, over another one."""
    writer = IncrementalPdfFileWriter(io.BytesIO(stream_file()))
    writer.root["/Lang"] = generic.pdf_string("vi")
    writer.update_root()  # type: ignore[no-untyped-call]  # pyHanko is untyped here
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]  # as above
    return out.getvalue()


def linearized_file() -> bytes:
    return saved(opened(), linearize=True, object_stream_mode=pikepdf.ObjectStreamMode.disable)


def linearized_stream_file() -> bytes:
    return saved(opened(), linearize=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def hybrid_file() -> bytes:
    """A table that hides the form in a cross-reference stream, as word processors write it."""
    data = a_file(("khac",))
    start = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
    widget = int(re.findall(rb"(\d{10}) 00000 n", data)[6])
    at = len(data)
    rows = b"\1" + widget.to_bytes(6) + bytes(2)
    hidden = b"99 0 obj\n<</Type/XRef/Size 100/W[1 6 2]/Index[7 1]/Root 1 0 R/Length %d>>\nstream\n" % len(
        rows
    )
    hidden += rows + b"\nendstream\nendobj\n"
    row = b"%010d 00000 n \n" % widget
    data = data.replace(row, b"0000000000 00000 f \n")
    table = b"xref\n0 0\ntrailer\n<</Size 100/Root 1 0 R/Info 3 0 R/Prev %d/XRefStm %d>>\n" % (start, at)
    return data + hidden + table + b"startxref\n%d\n%%%%EOF\n" % (at + len(hidden))


def indirect_file() -> bytes:
    """Form, its fields and the page's annotations each an object of its own; the page two levels down."""
    pdf = opened()
    root, page = pdf.Root, pdf.pages[0].obj
    form = pdf.make_indirect(root.AcroForm)
    form.Fields = pdf.make_indirect(form.Fields)
    root.AcroForm = form
    page.Annots = pdf.make_indirect(page.Annots)
    inner = pdf.make_indirect(Dictionary(Type=Name.Pages, Kids=Array([page]), Count=1, Parent=root.Pages))
    page.Parent = inner
    root.Pages.Kids = Array([inner])
    return saved(pdf)


def formless_file() -> bytes:
    pdf = opened()
    del pdf.Root.AcroForm
    del pdf.pages[0].obj["/Annots"]
    return saved(pdf)


def generations_file() -> bytes:
    """The page was freed and its number used again."""
    data = a_file(("khac",))
    objects = dict(re.findall(rb"(\d+) 0 obj\n(.*?)\nendobj", data, re.DOTALL))
    free = b"4 1\n0000000000 00001 f \n"
    data = _revised(data, free, {(2, 0): objects[b"2"].replace(b"4 0 R", b"6 0 R")})
    again = {number: objects[b"%d" % number].replace(b"4 0 R", b"4 1 R") for number in (2, 4, 7)}
    return _revised(data, b"", {(number, int(number == 4)): body for number, body in again.items()})


def _revised(data: bytes, rows: bytes, objects: dict[tuple[int, int], bytes]) -> bytes:
    start, trailer = int(re.findall(rb"startxref\s+(\d+)", data)[-1]), b"/Size 9/Root 1 0 R/Info 3 0 R"
    for (number, generation), body in objects.items():
        rows += b"%d 1\n%010d %05d n \n" % (number, len(data), generation)
        data += b"%d %d obj\n" % (number, generation) + body + b"\nendobj\n"
    tail = b"xref\n" + rows + b"trailer\n<<" + trailer + b"/Prev %d>>\n" % start
    return data + tail + b"startxref\n%d\n%%%%EOF\n" % len(data)


BUILDS: list[Callable[[], bytes]] = [
    table_file,
    stream_file,
    plain_stream_file,
    linearized_file,
    linearized_stream_file,
    indirect_file,
    formless_file,
    generations_file,
]


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.__name__)
async def test_every_build_is_signed_twice_and_every_eye_accepts_it(
    build: Callable[[], bytes],
    doctor: SoftwareSigner,
    seal: SoftwareSigner,
    trust: TrustList,
    pki: DemoPki,
    tmp_path: Path,
) -> None:
    plain = build()
    open_revision(plain, "Moi", room=3_000, at=NOW)  # Not by the way round over pyHanko.
    once = await sign_foreign(plain, "Moi", doctor, now=NOW, trust=trust)
    second = "Moi2" if build is formless_file else "khac"
    open_revision(once, second, room=3_000, at=NOW)
    twice = await sign_foreign(once, second, seal, now=NOW, trust=trust)
    assert once.startswith(plain)
    assert twice.startswith(once)
    report = verify_pdf(twice, trust, NOW)
    assert report.valid, report.signatures
    assert [s.field for s in report.signatures] == ["Moi", second]
    assert report.signatures[0].changes == "Chỉ thêm chữ ký của người ký sau"
    file = tmp_path / "a.pdf"
    file.write_bytes(twice)
    assert "No syntax or stream encoding errors" in run("qpdf", "--check", file)
    assert run("pdfsig", "-nocert", file).count("Signature is Valid.") == 2
    root = tmp_path / "root.pem"
    root.write_bytes(pki.trust_pem)
    for cms, covered in cut(twice):
        assert_openssl_accepts(cms, covered, root, tmp_path)


def assert_openssl_accepts(cms: bytes, covered: bytes, roots: Path, folder: Path) -> None:
    said = openssl_says(cms, covered, folder, root=roots)
    assert "CAdES Verification successful" in said, said


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.__name__)
async def test_what_is_drawn_over_them_afterwards_is_seen(
    build: Callable[[], bytes], doctor: SoftwareSigner, trust: TrustList
) -> None:
    once = await sign_foreign(build(), "Moi", doctor, now=NOW, trust=trust)
    start = int(re.findall(rb"startxref\s+(\d+)", once)[-1])
    stream = b"BT /F1 12 Tf 60 700 Td (Them vao) Tj ET"
    page = PdfFile(once)
    number = max(n for n in range(200) if page.place(n)) + 1
    kids = page.dictionary(page.dictionary(page.trailer[b"/Root"])[b"/Pages"])[b"/Kids"]
    while True:
        assert isinstance(kids, list)
        first = kids[0]
        assert isinstance(first, Ref)
        members = page.dictionary(first)
        if members[b"/Type"] == b"/Page":
            break
        kids = members[b"/Kids"]
    at = len(once)
    body = b"%d 0 obj\n<</Length %d>>\nstream\n%s\nendstream\nendobj\n" % (number, len(stream), stream)
    second = at + len(body)
    changed = write_value(members | {b"/Contents": b"%d 0 R" % number})
    body += b"%d %d obj\n" % first + changed + b"\nendobj\n"
    rows = b"%d 1\n%010d %05d n \n%d 1\n%010d 00000 n \n" % (first[0], second, first[1], number, at)
    root = write_value({b"/Root": page.trailer[b"/Root"]})[2:-2]
    tail = b"xref\n" + rows + b"trailer\n<</Size %d%s/Prev %d>>\n" % (number + 1, root, start)
    drawn = once + body + tail + b"startxref\n%d\n%%%%EOF\n" % (at + len(body))
    try:
        report = verify_pdf(drawn, trust, NOW)
    except Problem as refused:
        assert refused.status == 422  # noqa: PT017 - a table over a stream may be called broken
    else:
        assert not report.valid
    with pytest.raises((EarlierSignatureBroken, Problem)):
        await sign_foreign(drawn, "Nua", doctor, now=NOW, trust=trust)


async def test_names_in_a_tree_of_fields_are_found(doctor: SoftwareSigner, trust: TrustList) -> None:
    pdf = opened("khac")
    widget = pdf.Root.AcroForm.Fields[0]
    parent = pdf.make_indirect(Dictionary(T=String("Khoa khám"), Kids=Array([widget])))
    widget.Parent = parent
    pdf.Root.AcroForm.Fields = Array([parent])
    plain = saved(pdf)
    open_revision(plain, "Khoa khám.khac", room=3_000, at=NOW)
    signed = await sign_foreign(plain, "Khoa khám.khac", doctor, now=NOW)
    assert verify_pdf(signed, trust, NOW).valid
    with pytest.raises(FieldTaken):
        open_revision(signed, "Khoa khám.khac", room=3_000, at=NOW)
    with pytest.raises(CannotSign):
        await sign_foreign(signed, "Khoa khám.khac", doctor, now=NOW)


async def test_a_foreign_file_is_stamped_too(
    doctor: SoftwareSigner, authority: TimestampAuthority, trust: TrustList
) -> None:
    from tests.signing.test_archive import Now

    signed = await sign_foreign(stream_file(), "Moi", doctor, now=NOW, stamps=Now(authority, trust))
    report = verify_pdf(signed, trust, NOW)
    assert (report.valid, report.signatures[0].level) == (True, "B-T")


async def test_a_field_with_a_lock_is_left_to_pyhanko_and_holds(
    doctor: SoftwareSigner, trust: TrustList
) -> None:
    pdf = opened("khac")
    lock = Dictionary(Type=Name.SigFieldLock, Action=Name.Include, Fields=Array([String("khac")]))
    pdf.Root.AcroForm.Fields[0].Lock = pdf.make_indirect(lock)
    plain = saved(pdf)
    with pytest.raises(OddPdf):
        open_revision(plain, "khac", room=3_000, at=NOW)
    signed = await sign_foreign(plain, "khac", doctor, now=NOW)
    assert verify_pdf(signed, trust, NOW).valid


async def test_a_certified_file_that_allows_nothing_more_is_refused(
    doctor: SoftwareSigner, pki: DemoPki
) -> None:
    own = signers.SimpleSigner.load_pkcs12(str(pki.key_file("bacsi")), passphrase=PIN.encode())  # type: ignore[no-untyped-call]  # untyped
    meta = signers.PdfSignatureMetadata(
        field_name="A", certify=True, docmdp_permissions=fields.MDPPerm.NO_CHANGES
    )
    writer = IncrementalPdfFileWriter(io.BytesIO(a_file(("khac",))))
    certified = bytes((await signers.PdfSigner(meta, own).async_sign_pdf(writer)).getvalue())
    with pytest.raises(CannotSign):
        await sign_foreign(certified, "khac", doctor, now=NOW)


async def test_a_file_that_shows_two_faces_is_refused(doctor: SoftwareSigner) -> None:
    """Old readers would not see what new ones see, so the judge calls such a signature broken: none is made."""
    with pytest.raises(CannotSign, match="hai bảng tham chiếu"):
        await sign_foreign(hybrid_file(), "Moi", doctor, now=NOW)


def spoil(old: bytes, new: bytes) -> bytes:
    return a_file(("khac",)).replace(old, new, 1)


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"%PDF-1.7\nnothing",
        spoil(b"/Root 1 0 R", b"/Root 1 0"),
        spoil(b"/Info 3 0 R", b"/Encrypt 9 0 R"),
        spoil(b"/AcroForm<<", b"/AcroForm<</XFA 9 0 R"),
        spoil(b"/Type/Catalog", b"/Type/Catalog/Perms<<>>"),
        spoil(b"/Kids[4 0 R]", b"/Kids[2 0 R]"),
        spoil(b"/Kids[4 0 R]", b"/Kids[]    "),
        spoil(b"/Size 9", b"/Size 7"),
        spoil(b"/Size 9", b"/Prev %d/Size 9" % a_file(("khac",)).rindex(b"xref\n0 ")),
        a_file(("khac",)) + b"tail",
        assemble([b"<<" * 200]),
        assemble([b"<</Pages 2 0 R/Pages 2 0 R>>"]),
        assemble([b"(never ends"]),
    ],
    ids=range(14),
)
def test_odd_builds_are_left_to_pyhanko(odd: bytes) -> None:
    with pytest.raises(OddPdf):
        open_revision(odd, "Moi", room=3_000, at=NOW)


@pytest.mark.parametrize(
    "text",
    [
        rb"<</A(b\)c(d)e)/B[1 2 0 R -3.5 true null]/C<0aFF>/D<</E/F>>/G(\n\101)>>",
        b"[/A/B/C<</D[<</E 1>>]>>(x) <AB>]",
        b"<</A % a remark ) >>\n 1/B 2 0 R>>",
    ],
)
def test_values_survive_a_round_trip(text: bytes) -> None:
    value, end = read_value(text, 0)
    assert end == len(text)
    assert read_value(write_value(value), 0)[0] == value


def test_names_are_read_in_every_spelling() -> None:
    assert text_of(b"<FEFF004B0068>") == "Kh"
    assert text_of(rb"(a\)\101\n(b))") == "a)A\n(b)"
    assert text_of(b"/Name") is None


async def test_what_pyhanko_writes_is_hashed_alike(doctor: SoftwareSigner) -> None:
    revision = open_revision(table_file(), "Moi", room=3_000, at=NOW)
    whole = table_file() + bytes(revision.data)
    spans = [int(n) for n in re.findall(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)", whole)[0]]
    covered = whole[: spans[1]] + whole[spans[2] : spans[2] + spans[3]]
    assert hashlib.sha256(covered).digest() == revision.digest
    assert spans[2] + spans[3] == len(whole)
    pending = await open_foreign(table_file(), "Moi", doctor.certificate, room=3_000, trust=None, now=NOW)
    with pytest.raises(ValueError, match="6002 > 6000"):
        pending.fill(bytes(3_001))


def test_an_overlay_on_an_own_file_is_seen_before_a_second_program_signs(trust: TrustList) -> None:
    assert not verify_pdf(overlay(table_file()), trust, NOW).valid
