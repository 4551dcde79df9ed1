"""XML signatures: the invoice profile and the plain one, accepted by xmlsec1, refused when touched."""

from pathlib import Path

import pytest

from hospital.demo.pki import DemoPki
from signing.keys import SoftwareSigner
from signing.trust import TrustList
from signing.verification.xml import verify_xml
from signing.xml import (
    BadXml,
    ClaimProfile,
    canonical,
    parse,
    sign_xml_claim,
    sign_xml_enveloped,
    sign_xml_invoice,
)
from tests.signing.acts import NOW, run, write_roots

INVOICE = (
    '<?xml version="1.0" encoding="UTF-8"?><HDon><DLHDon Id="_HD1"><TTChung><THDon>Hóa đơn &amp; kê</THDon>'
    "</TTChung><TgTTTBSo>735000</TgTTTBSo></DLHDon><DSCKS><NBan/></DSCKS></HDon>"
).encode()


@pytest.fixture(scope="module")
def signed(seal: SoftwareSigner) -> bytes:
    return sign_xml_invoice(INVOICE, seal, data_id="_HD1", signature_id="NBan-1", at=NOW)


def test_the_invoice_profile_is_accepted_by_xmlsec1(signed: bytes, pki: DemoPki, tmp_path: Path) -> None:
    root, issuing = write_roots(pki, tmp_path)
    file = tmp_path / "a.xml"
    file.write_bytes(signed)
    said = run(
        *("xmlsec1", "--verify", "--id-attr:Id", "DLHDon"),
        *("--id-attr:Id", "http://www.w3.org/2000/09/xmldsig#:Object"),
        *("--trusted-pem", root, "--untrusted-pem", issuing, file),
    )
    assert "SignedInfo References (ok/all): 2/2" in said
    assert said.endswith("exit 0")


def test_only_the_empty_place_is_filled(signed: bytes) -> None:
    before, after = INVOICE.split(b"<NBan/>")
    assert signed.startswith(before)
    assert signed.endswith(after)


def test_the_report_names_the_organisation(signed: bytes, trust: TrustList) -> None:
    report = verify_xml(signed, trust, NOW)
    assert report.valid
    assert report.signatures[0].uid == "MST:0199999999"
    assert report.signatures[0].changes == "Ký trên: DLHDon"
    assert report.signatures[0].claimed_at == NOW


@pytest.mark.parametrize(("old", "new"), [(b"735000", b"735001"), (b"<SigningTime>20", b"<SigningTime>21")])
def test_a_changed_number_or_time_is_not_valid(
    signed: bytes, trust: TrustList, old: bytes, new: bytes
) -> None:
    report = verify_xml(signed.replace(old, new), trust, NOW)
    assert not report.valid
    assert "Nội dung đã bị thay đổi" in report.signatures[0].reasons[0]


def test_wrapped_data_and_entities_are_refused(signed: bytes, trust: TrustList) -> None:
    doubled = signed.replace(b"<DSCKS>", b'<X><DLHDon Id="_HD1"/></X><DSCKS>')
    with pytest.raises(BadXml, match="hai lần"):
        verify_xml(doubled, trust, NOW)
    with pytest.raises(BadXml, match="DOCTYPE"):
        verify_xml(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', trust, NOW)
    with pytest.raises(BadXml):
        verify_xml(b"not xml", trust, NOW)


def test_an_unsigned_document_and_an_unknown_root_are_not_valid(signed: bytes, trust: TrustList) -> None:
    assert verify_xml(INVOICE, trust, NOW).summary == "Tệp không có chữ ký số."
    assert not verify_xml(signed, TrustList([]), NOW).valid


def test_places_that_do_not_fit_are_refused(seal: SoftwareSigner) -> None:
    for xml, data in ((INVOICE, "_HD2"), (INVOICE.replace(b"<NBan/>", b""), "_HD1")):
        with pytest.raises(BadXml):
            sign_xml_invoice(xml, seal, data_id=data, signature_id="s", at=NOW)


def test_the_plain_profile_signs_any_document(
    doctor: SoftwareSigner, pki: DemoPki, trust: TrustList, tmp_path: Path
) -> None:
    root, issuing = write_roots(pki, tmp_path)
    xml = '<p:a xmlns:p="urn:p" xmlns="urn:x"><b c="1">Bệnh án\r\n</b></p:a>'.encode()
    signed = sign_xml_enveloped(xml, doctor)
    file = tmp_path / "a.xml"
    file.write_bytes(signed)
    assert run("xmlsec1", "--verify", "--trusted-pem", root, "--untrusted-pem", issuing, file).endswith(
        "exit 0"
    )
    assert verify_xml(signed, trust, NOW).valid
    assert not verify_xml(signed.replace(b'c="1"', b'c="2"'), trust, NOW).valid


def test_canonical_form_declares_a_namespace_only_where_it_changes() -> None:
    element = parse(b'<a xmlns="u"><b z="1" a="&lt;&quot;">x &gt; y</b><c xmlns=""/></a>')
    assert canonical(element) == b'<a xmlns="u"><b a="&lt;&quot;" z="1">x &gt; y</b><c xmlns=""></c></a>'


CLAIM = (
    b'<?xml version="1.0" encoding="utf-8"?>\r\n'
    b'<GIAMDINHHS xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    b' xmlns:xsd="http://www.w3.org/2001/XMLSchema">\r\n'
    b'  <THONGTINDONVI Id="DV"><MACSKCB>01999</MACSKCB></THONGTINDONVI>\r\n'
    b'  <THONGTINHOSO Id="HS"><NGAYLAP>20261122</NGAYLAP><SOLUONGHOSO>1</SOLUONGHOSO><DANHSACHHOSO><HOSO>'
    b"<FILEHOSO><LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE>PFRPTkdfSE9QLz4=</NOIDUNGFILE></FILEHOSO></HOSO>"
    b"</DANHSACHHOSO></THONGTINHOSO>\r\n  <CHUKYDONVI/>\r\n</GIAMDINHHS>"
)


@pytest.fixture(params=["rsa", "p256"])
def any_signer(
    request: pytest.FixtureRequest, seal: SoftwareSigner, elliptic: SoftwareSigner
) -> SoftwareSigner:
    return seal if request.param == "rsa" else elliptic


def xmlsec1(signed: bytes, pki: DemoPki, folder: Path, *ids: str) -> str:
    root, issuing = write_roots(pki, folder)
    file = folder / "a.xml"
    file.write_bytes(signed)
    named = [part for name in ids for part in ("--id-attr:Id", name)]
    return run("xmlsec1", "--verify", *named, "--trusted-pem", root, "--untrusted-pem", issuing, file)


@pytest.mark.parametrize("profile", list(ClaimProfile))
def test_the_claim_profile_fills_its_place_and_is_accepted(
    any_signer: SoftwareSigner, pki: DemoPki, trust: TrustList, tmp_path: Path, profile: ClaimProfile
) -> None:
    signed = sign_xml_claim(CLAIM, any_signer, profile=profile)
    before, after = CLAIM.split(b"<CHUKYDONVI/>")
    assert signed.startswith(before + b"<CHUKYDONVI><Signature ")
    assert signed.endswith(b"</Signature></CHUKYDONVI>" + after)
    assert (b'URI=""' in signed) is (profile is ClaimProfile.ENVELOPED_ROOT)
    said = xmlsec1(signed, pki, tmp_path, "THONGTINDONVI", "THONGTINHOSO")
    assert said.endswith("exit 0"), said
    report = verify_xml(signed, trust, NOW)
    assert report.valid, report.signatures[0].reasons
    assert report.signatures[0].uid == "MST:0199999999"
    told = "GIAMDINHHS" if profile is ClaimProfile.ENVELOPED_ROOT else "THONGTINDONVI, THONGTINHOSO"
    assert report.signatures[0].changes == f"Ký trên: {told}"
    for old, new in ((b"01999", b"01998"), (b"PFRPT", b"PFRPX"), (b"20261122", b"20261123")):
        assert not verify_xml(signed.replace(old, new), trust, NOW).valid
        assert "exit 0" not in xmlsec1(
            signed.replace(old, new), pki, tmp_path, "THONGTINDONVI", "THONGTINHOSO"
        )


def test_a_check_in_document_is_signed_alike(seal: SoftwareSigner, trust: TrustList) -> None:
    check_in = (
        "<CHI_TIEU_TRANG_THAI_KCB><DSACH_TRANG_THAI_KCB/><CHUKYDONVI></CHUKYDONVI></CHI_TIEU_TRANG_THAI_KCB>"
    )
    assert verify_xml(sign_xml_claim(check_in.encode(), seal), trust, NOW).valid


@pytest.mark.parametrize(
    ("xml", "profile"),
    [
        (CLAIM.replace(b"<CHUKYDONVI/>", b""), ClaimProfile.ENVELOPED_ROOT),
        (CLAIM.replace(b"<CHUKYDONVI/>", b"<CHUKYDONVI/><CHUKYDONVI/>"), ClaimProfile.ENVELOPED_ROOT),
        (CLAIM.replace(b"<CHUKYDONVI/>", b"<CHUKYDONVI/><THEM/>"), ClaimProfile.ENVELOPED_ROOT),
        (CLAIM.replace(b'Id="', b'Ma="'), ClaimProfile.SCOPED_IDS),
        (CLAIM.replace(b"xmlns:xsd", b"xmlns"), ClaimProfile.SCOPED_IDS),
        (CLAIM.replace(b"</HOSO>", b""), ClaimProfile.ENVELOPED_ROOT),
        (b"<!DOCTYPE a []>" + CLAIM, ClaimProfile.ENVELOPED_ROOT),
    ],
    ids=range(7),
)
def test_claims_that_do_not_fit_are_refused(seal: SoftwareSigner, xml: bytes, profile: ClaimProfile) -> None:
    with pytest.raises(BadXml):
        sign_xml_claim(xml, seal, profile=profile)


def test_the_plain_and_the_invoice_profile_take_any_key(
    any_signer: SoftwareSigner, pki: DemoPki, trust: TrustList, tmp_path: Path
) -> None:
    plain = sign_xml_enveloped("<a><b>Bệnh án</b></a>".encode(), any_signer)
    assert xmlsec1(plain, pki, tmp_path).endswith("exit 0")
    assert verify_xml(plain, trust, NOW).valid
    invoice = sign_xml_invoice(INVOICE, any_signer, data_id="_HD1", signature_id="NBan-1", at=NOW)
    ids = ("DLHDon", "http://www.w3.org/2000/09/xmldsig#:Object")
    assert xmlsec1(invoice, pki, tmp_path, *ids).endswith("exit 0")
    assert verify_xml(invoice, trust, NOW).valid
