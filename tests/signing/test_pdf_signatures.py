"""Append-only PAdES signatures: other programs accept them, and nothing that was touched is accepted."""

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from hospital.demo.outside.pki import TimestampAuthority
from hospital.demo.pki import DemoPki, Holder
from kernel.problems import Problem
from signing.append import FieldTaken, open_revision
from signing.foreign import EarlierSignatureBroken, sign_foreign
from signing.gate import (
    CertificateExpired,
    CertificateNotYetValid,
    CertificateNotYours,
    CertificateUntrusted,
    CertificateUsage,
    DocumentTampered,
    Owner,
    SignatureBroken,
    check_bytes,
    check_certificate,
    check_signatures,
    check_stamp,
)
from signing.keys import SoftwareSigner
from signing.layout import NotAppendable, read_layout
from signing.schemes import Scheme, WeakKey, scheme_for
from signing.trust import TrustList
from signing.verification.pdf import BrokenPdf, EncryptedPdf, FileTooLarge, NotPdf, verify_pdf
from signing.verification.report import Level
from tests.signing.acts import NOW, cut, nss_database, openssl_says, overlay, run, sign, write_roots
from tests.signing.files import a_file

PERSON = Owner("Nguyễn Thị Hương", "001180000001")


@pytest.fixture(scope="module")
def signed(doctor: SoftwareSigner, seal: SoftwareSigner, authority: TimestampAuthority) -> bytes:
    """Two signatures with timestamps: the doctor's, then the hospital's."""
    pdf, layout = sign(a_file(("bac_si", "co_so")), doctor, ["bac_si"], authority=authority)
    return sign(pdf, seal, ["co_so"], authority=authority, layout=layout)[0]


def test_the_report_names_signer_issuer_time_and_level(signed: bytes, trust: TrustList) -> None:
    report = verify_pdf(signed, trust, NOW)
    first, second = report.signatures
    assert report.valid
    assert report.summary.startswith("Hợp lệ: cả 2")
    assert (first.signer, first.title, first.uid) == ("Nguyễn Thị Hương", "Bác sĩ", "CCCD:001180000001")
    assert first.issuer == "Lành Demo Issuing CA (CHẠY THỬ)"
    assert (first.stamped_at, first.level, first.scheme) == (NOW, Level.B_T, Scheme.RSA_PSS_SHA256)
    assert first.changes == "Chỉ thêm chữ ký của người ký sau"
    assert (second.last, second.changes) == (True, "Không thay đổi")
    assert any("CHẠY THỬ" in warning for warning in report.warnings)


def test_pdfsig_says_valid_and_trusted(signed: bytes, pki: DemoPki, tmp_path: Path) -> None:
    root, issuing = write_roots(pki, tmp_path)
    database = nss_database(tmp_path, root, issuing)
    file = tmp_path / "a.pdf"
    file.write_bytes(signed)
    said = run("pdfsig", "-nssdir", database, "-nocert", file)
    assert said.count("Signature is Valid.") == 2
    assert said.count("ETSI.CAdES.detached") == 2


def test_openssl_accepts_cms_and_timestamp(signed: bytes, pki: DemoPki, tmp_path: Path) -> None:
    root, issuing = write_roots(pki, tmp_path)
    for cms, covered in cut(signed):
        said = openssl_says(cms, covered, tmp_path, root=root, issuing=issuing)
        assert "CAdES Verification successful" in said, said
        from signing.cms import read_signed_data

        parsed = read_signed_data(cms)
        assert parsed.token
        token, value = tmp_path / "t.tst", tmp_path / "t.bin"
        token.write_bytes(parsed.token)
        value.write_bytes(parsed.signature)
        said = run(
            *("openssl", "ts", "-verify", "-token_in", "-in", token, "-data", value),
            *("-CAfile", root, "-untrusted", issuing),
        )
        assert "Verification: OK" in said, said


def test_qpdf_finds_no_fault(signed: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    file.write_bytes(signed)
    assert "No syntax or stream encoding errors" in run("qpdf", "--check", file)


def test_twenty_signatures_are_all_valid_and_cost_the_same_bytes(
    doctor: SoftwareSigner, trust: TrustList
) -> None:
    slots = [f"s{number}" for number in range(20)]
    pdf, layout = sign(a_file(slots), doctor, slots)
    report = verify_pdf(pdf, trust, NOW)
    assert len(report.signatures) == 20
    assert report.valid
    sizes = [revision.end - revision.start for revision in layout.revisions]
    assert max(sizes) - min(sizes) < 100
    assert max(sizes) <= 8_000
    for revision in layout.revisions:
        assert (
            f"[0 {revision.hole_start} {revision.hole_end} {revision.end - revision.hole_end}".encode() in pdf
        )
    assert len(check_signatures(pdf, layout)) == 20


def test_a_signature_that_is_there_is_not_made_again(doctor: SoftwareSigner) -> None:
    pdf, layout = sign(a_file(), doctor, ["bac_si"])
    with pytest.raises(FieldTaken):
        open_revision(layout, hashlib.sha256(pdf), "bac_si", room=100, at=NOW)


@pytest.mark.parametrize("at", [30, 400, -3000, -300])
def test_one_changed_byte_is_not_valid(signed: bytes, trust: TrustList, at: int) -> None:
    changed = bytearray(signed)
    changed[at] ^= 1
    try:
        report = verify_pdf(bytes(changed), trust, NOW)
    except Problem as refused:
        assert refused.status in (413, 422)  # noqa: PT017 - either refusal or verdict is right
    else:
        assert not report.valid


def test_drawing_over_a_signed_page_is_not_valid(doctor: SoftwareSigner, trust: TrustList) -> None:
    pdf, layout = sign(a_file(("a", "b")), doctor, ["a"])
    report = verify_pdf(overlay(pdf), trust, NOW)
    assert not report.valid
    assert report.signatures[0].changes == "NỘI DUNG BỊ THAY ĐỔI SAU KHI KÝ"
    with pytest.raises(DocumentTampered):
        check_bytes(overlay(pdf), hashlib.sha256(pdf).hexdigest(), layout)


async def test_a_tampered_foreign_file_collects_no_second_signature(
    doctor: SoftwareSigner, trust: TrustList
) -> None:
    pdf, _ = sign(a_file(("a", "b")), doctor, ["a"])
    with pytest.raises(EarlierSignatureBroken) as refused:
        await sign_foreign(overlay(pdf), "b", doctor, now=NOW, trust=trust)
    assert "không thể ký tiếp" in str(refused.value)


async def test_a_foreign_file_is_signed_and_valid(
    doctor: SoftwareSigner, seal: SoftwareSigner, trust: TrustList
) -> None:
    once = await sign_foreign(a_file(("khac",)), "Moi", doctor, now=NOW, trust=trust)
    twice = await sign_foreign(once, "khac", seal, now=NOW, trust=trust)
    report = verify_pdf(twice, trust, NOW)
    assert report.valid
    assert [s.field for s in report.signatures] == ["Moi", "khac"]


def test_a_cut_off_last_signature_leaves_the_first_and_an_empty_field(
    doctor: SoftwareSigner, trust: TrustList
) -> None:
    pdf, layout = sign(a_file(("a", "b")), doctor, ["a", "b"])
    report = verify_pdf(pdf[: layout.revisions[0].end], trust, NOW)
    assert [s.field for s in report.signatures] == ["a"]
    with pytest.raises(DocumentTampered):
        check_bytes(pdf[: layout.revisions[0].end], hashlib.sha256(pdf).hexdigest(), layout)


def test_a_signature_moved_to_another_file_does_not_hold(doctor: SoftwareSigner, trust: TrustList) -> None:
    pdf, layout = sign(a_file(text="Benh an A"), doctor, ["bac_si"])
    other = a_file(text="Benh an B")
    moved = other + pdf[layout.revisions[0].start :]
    assert not verify_pdf(moved, trust, NOW).valid
    with pytest.raises(SignatureBroken):
        check_signatures(moved, layout)


def test_a_timestamp_of_another_file_is_refused(
    doctor: SoftwareSigner, authority: TimestampAuthority, trust: TrustList
) -> None:
    pdf = a_file()
    pending = open_revision(read_layout(pdf), hashlib.sha256(pdf), "bac_si", room=8_000, at=NOW)
    attributes = doctor.template.attributes(pending.digest)
    foreign = authority.over(hashlib.sha256(b"something else").digest(), now=NOW)
    cms = doctor.template.assemble(attributes, doctor.sign_now(attributes), foreign)
    whole = pdf + pending.fill(cms)
    report = verify_pdf(whole, trust, NOW)
    assert not report.valid
    assert "Dấu thời gian không hợp lệ." in report.signatures[0].reasons
    with pytest.raises(SignatureBroken):
        check_stamp(check_signatures(whole, pending.layout)[0], trust, now=NOW)


def test_unknown_root(signed: bytes) -> None:
    report = verify_pdf(signed, TrustList([]), NOW)
    assert not report.valid
    assert "Chứng thư số không do tổ chức được tin cậy cấp." in report.signatures[0].reasons


def test_a_revoked_certificate_is_not_valid(pki: DemoPki, trust: TrustList) -> None:
    from hospital.demo.outside.pki import PkiDesk
    from tests.signing.test_status import ocsp_request

    holder = Holder("thu_hoi", "Nguyễn Thị Hương", "CCCD:001180000001")
    certificate, key = pki.issue(holder, now=NOW)
    signer = SoftwareSigner(key, certificate, (pki.issuing,))
    pdf, _ = sign(a_file(), signer, ["bac_si"])
    pki.revoke(certificate, at=NOW - timedelta(hours=1))
    answer = PkiDesk(pki.folder).ocsp("issuing", ocsp_request(certificate, pki.issuing), now=NOW)
    report = verify_pdf(pdf, trust, NOW, ocsps=[answer])
    assert not report.valid
    assert "Chứng thư số đã bị thu hồi." in report.signatures[0].reasons


def test_an_expired_certificate_is_still_valid_with_a_timestamp_of_its_time(
    doctor: SoftwareSigner, authority: TimestampAuthority, trust: TrustList
) -> None:
    stamped, _ = sign(a_file(), doctor, ["bac_si"], authority=authority)
    plain, _ = sign(a_file(), doctor, ["bac_si"])
    later = NOW + timedelta(days=1200)
    assert verify_pdf(stamped, trust, later).valid
    report = verify_pdf(plain, trust, later)
    assert not report.valid
    assert "Chứng thư số đã hết hạn tại thời điểm ký." in report.signatures[0].reasons


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"PK\x03\x04 not a pdf", NotPdf),
        (b"%PDF-1.7\nnothing", BrokenPdf),
        (b"", NotPdf),
    ],
)
def test_files_that_are_no_pdf_are_refused(data: bytes, problem: type[Problem], trust: TrustList) -> None:
    with pytest.raises(problem):
        verify_pdf(data, trust, NOW)


def test_a_large_file_is_refused(trust: TrustList) -> None:
    with pytest.raises(FileTooLarge):
        verify_pdf(a_file(padding=2_000), trust, NOW, size_maximum=1_000)


def test_an_encrypted_file_is_refused(trust: TrustList, tmp_path: Path) -> None:
    plain, locked = tmp_path / "a.pdf", tmp_path / "b.pdf"
    plain.write_bytes(a_file())
    run("qpdf", "--encrypt", "u", "o", "256", "--", plain, locked)
    with pytest.raises(EncryptedPdf):
        verify_pdf(locked.read_bytes(), trust, NOW)


def test_a_file_without_signatures_is_not_valid(trust: TrustList) -> None:
    report = verify_pdf(a_file(), trust, NOW)
    assert (report.valid, report.summary) == (False, "Tệp không có chữ ký số.")


@pytest.mark.parametrize("change", [b"/Prev 3", b"/Encrypt 9 0 R"])
def test_layouts_that_are_not_ours_are_left_to_pyhanko(change: bytes) -> None:
    with pytest.raises(NotAppendable):
        read_layout(a_file().replace(b"/Info 3 0 R", b"/Info 3 0 R" + change))


def test_a_certificate_of_somebody_else_does_not_sign(pki: DemoPki, trust: TrustList) -> None:
    certificate, _ = pki.issue(Holder("x", "Nguyễn Thị Hương", "CCCD:001180000099"), now=NOW)
    with pytest.raises(CertificateNotYours):
        check_certificate(certificate, PERSON, trust, now=NOW)
    same_number, _ = pki.issue(Holder("x", "Nguyễn Thị Hường", "CCCD:001180000001"), now=NOW)
    with pytest.raises(CertificateNotYours):
        check_certificate(same_number, PERSON, trust, now=NOW)


def test_certificates_out_of_force_or_of_wrong_use_do_not_sign(pki: DemoPki, trust: TrustList) -> None:
    holder = Holder("x", PERSON.name, "CCCD:001180000001")
    expired, _ = pki.issue(holder, now=NOW, starts=timedelta(days=-20), days=10)
    early, _ = pki.issue(holder, now=NOW, starts=timedelta(days=5))
    other, _ = pki.issue(holder, now=NOW, usage=False)
    with pytest.raises(CertificateExpired, match="Chứng thư số đã hết hạn ngày"):
        check_certificate(expired, PERSON, trust, now=NOW)
    with pytest.raises(CertificateNotYetValid):
        check_certificate(early, PERSON, trust, now=NOW)
    with pytest.raises(CertificateUsage):
        check_certificate(other, PERSON, trust, now=NOW)
    right, _ = pki.issue(holder, now=NOW)
    with pytest.raises(CertificateUntrusted):
        check_certificate(right, PERSON, TrustList([]), now=NOW)
    assert len(check_certificate(right, PERSON, trust, now=NOW)) == 3


def test_weak_keys_are_refused() -> None:
    with pytest.raises(WeakKey, match="ít nhất 2048"):
        scheme_for(rsa.generate_private_key(65537, 1024).public_key())
    with pytest.raises(WeakKey):
        scheme_for(ec.generate_private_key(ec.SECP192R1()).public_key())


def test_p256_signs_too_and_pkcs1_is_reported(pki: DemoPki, trust: TrustList) -> None:
    holder = Holder("x", PERSON.name, "CCCD:001180000001")
    certificate, key = pki.issue(holder, ec.generate_private_key(ec.SECP256R1()), now=NOW)
    report = verify_pdf(
        sign(a_file(), SoftwareSigner(key, certificate, (pki.issuing,)), ["bac_si"])[0], trust, NOW
    )
    assert (report.valid, report.signatures[0].scheme) == (True, Scheme.ECDSA_SHA256)
    certificate, key = pki.issue(holder, now=NOW)
    old = SoftwareSigner(key, certificate, (pki.issuing,), allow_pkcs1=True)
    report = verify_pdf(sign(a_file(), old, ["bac_si"])[0], trust, NOW)
    assert (report.valid, report.signatures[0].scheme) == (True, Scheme.RSA_PKCS1_SHA256)
    assert any("PKCS#1" in warning for warning in report.signatures[0].warnings)
