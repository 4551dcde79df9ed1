"""What comes back from the tax authority is believed only when it is ours, whole, and signed by the authority."""

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding

from billing.invoices.document import document_id, invoice_xml
from billing.invoices.returned import BadReturn, check_returned
from billing.invoices.rules import Mode
from hospital.demo.outside.tax_authority import TaxAuthority, ensure_authority
from signing.schemes import Scheme
from signing.xml import sign_xml_invoice
from tests.billing.test_invoice_document import a_numbered

NOW = datetime(2026, 11, 21, 2, 15, 30, tzinfo=UTC)


class Key:
    """A seller's key."""

    xml_scheme = Scheme.RSA_PKCS1_SHA256

    def __init__(self, authority: TaxAuthority) -> None:
        self.certificate = authority.certificate
        self._sign = authority._key.sign

    def sign_xml(self, data: bytes) -> bytes:
        return self._sign(data, padding.PKCS1v15(), hashes.SHA256())


@pytest.fixture(scope="module")
def seller(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return Key(ensure_authority(tmp_path_factory.mktemp("seller"), NOW))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TaxAuthority:
    return ensure_authority(tmp_path_factory.mktemp("authority"), NOW)


@pytest.fixture(scope="module")
def sent(seller: Key) -> bytes:
    invoice = a_numbered()
    xml = invoice_xml(invoice, guid="0" * 32)
    return sign_xml_invoice(xml, seller, data_id=document_id(invoice), signature_id="NBan-15", at=NOW)


@pytest.fixture(scope="module")
def coded(sent: bytes, authority: TaxAuthority) -> bytes:
    return authority.stamp(sent.decode(), "0190", NOW).encode()


def check(xml: bytes, sent: bytes, authority: TaxAuthority) -> str:
    return check_returned(xml, sent=sent, mode=Mode.CQT_CODE, authority=[authority.pem]).tax_code


def test_a_coded_invoice_is_believed(coded: bytes, sent: bytes, authority: TaxAuthority) -> None:
    assert check(coded, sent, authority) == authority.code("0190")


Change = Callable[[bytes], bytes]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda xml: xml.replace(b"<TgTTTBSo>735000<", b"<TgTTTBSo>7350000<"), "khác nội dung"),
        (lambda xml: xml.replace(b'-15">00', b'-15">01', 1), "cơ quan thuế"),
        (lambda xml: xml.replace(b"<SigningTime>2026-11-21T09", b"<SigningTime>2026-11-21T08"), "người bán"),
        (lambda xml: xml.replace(b"<CQT>", b"<CQT2>").replace(b"</CQT>", b"</CQT2>"), "Signature"),
        (lambda xml: b"<html>Gateway</html>", "hoá đơn"),
        (lambda xml: b"garbage", "XML"),
        (lambda xml: b"", "XML"),
        (lambda xml: b"<!DOCTYPE x>" + xml, "hoá đơn"),
        (lambda xml: xml.replace(b"<DSCKS>", b"<MCCQT>x</MCCQT><DSCKS>"), "MCCQT"),
    ],
)
def test_anything_else_is_not(
    coded: bytes, sent: bytes, authority: TaxAuthority, change: Change, word: str
) -> None:
    changed = change(coded)
    assert changed != coded
    with pytest.raises(BadReturn, match=word):
        check(changed, sent, authority)


def test_a_code_is_wanted_when_the_series_says_so(sent: bytes, authority: TaxAuthority) -> None:
    with pytest.raises(BadReturn, match="mã của cơ quan thuế"):
        check(sent, sent, authority)
    assert check_returned(sent, sent=sent, mode=Mode.NO_CODE, authority=[]).tax_code == ""


def test_another_authority_is_not_believed(coded: bytes, sent: bytes, tmp_path: Path) -> None:
    with pytest.raises(BadReturn, match="cơ quan thuế"):
        check(coded, sent, ensure_authority(tmp_path, NOW))


def test_xmlsec1_agrees_with_both_signatures(
    coded: bytes, seller: Key, authority: TaxAuthority, tmp_path: Path
) -> None:
    assert shutil.which("xmlsec1"), "Debian's xmlsec1 is among the test tools"
    for place, trusted in (("NBan", seller.certificate), ("CQT", authority.certificate)):
        pem = tmp_path / f"{place}.pem"
        pem.write_bytes(trusted.public_bytes(Encoding.PEM))
        good = tmp_path / f"{place}.xml"
        good.write_bytes(coded)
        assert xmlsec1(good, pem, place) == 0
        bad = tmp_path / f"{place}-bad.xml"
        bad.write_bytes(coded.replace(b"735000", b"735001"))
        assert xmlsec1(bad, pem, place) != 0


def xmlsec1(path: Path, pem: Path, place: str) -> int:
    ids = [
        f"--id-attr:Id {name}" for name in ("DLHDon", "MCCQT", "http://www.w3.org/2000/09/xmldsig#:Object")
    ]
    arguments = " ".join(ids).split()
    xpath = f"/HDon/DSCKS/{place}/*[local-name()='Signature']"
    command = ["xmlsec1", "--verify", *arguments, "--node-xpath", xpath, "--trusted-pem", str(pem), str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode
