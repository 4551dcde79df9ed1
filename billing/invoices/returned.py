"""Check what came back from the tax authority before it is believed and archived."""

import base64
import hashlib
import re
from collections.abc import Iterable

import xmlsec
from lxml import etree
from msgspec import Struct

from billing.invoices.rules import Mode

_DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
_CODE = re.compile(r"[0-9A-Za-z-]{23,34}")
_LARGEST = 2_000_000
_DATA = re.compile(rb"<DLHDon[ >].*?</DLHDon>", re.DOTALL)


class BadReturn(ValueError):
    """The invoice that came back is not ours as we signed it, or not signed by the authority."""


class Returned(Struct, frozen=True):
    """A checked invoice."""

    tax_code: str
    data_sha256: str


def check_returned(xml: bytes, *, sent: bytes, mode: Mode, authority: Iterable[bytes]) -> Returned:
    """Check the data, the seller's signature and the authority's; return the code. Raises BadReturn.

    `sent` is the file we signed. `authority` holds PEM certificates of the tax authority that are trusted.
    """
    root = _parse(xml)
    ours = _data(sent)
    if _data(xml) != ours:
        raise BadReturn("Nội dung hoá đơn trả về khác nội dung đã ký.")
    data_id = _one(root, "DLHDon").get("Id", "")
    xmlsec.tree.add_ids(root, ["Id"])
    seller = _one(root, f"DSCKS/NBan/{_DSIG}Signature")
    if _certificate(seller) != _certificate(_one(_parse(sent), f"DSCKS/NBan/{_DSIG}Signature")):
        raise BadReturn("Chữ ký người bán đã bị thay.")
    _verify(seller, expected={data_id}, trusted=[_certificate(seller)], who="người bán")
    code = root.findtext("MCCQT", "")
    if mode is Mode.CQT_CODE:
        if not _CODE.fullmatch(code):
            raise BadReturn("Hoá đơn trả về không có mã của cơ quan thuế.")
        expected = {data_id, _one(root, "MCCQT").get("Id", "")}
        signature = _one(root, f"DSCKS/CQT/{_DSIG}Signature")
        _verify(signature, expected=expected, trusted=list(authority), who="cơ quan thuế")
    return Returned(code, hashlib.sha256(ours).hexdigest())


def _parse(xml: bytes) -> etree._Element:
    if len(xml) > _LARGEST or b"<!DOCTYPE" in xml or b"<!ENTITY" in xml:
        raise BadReturn("Tệp trả về không phải hoá đơn.")
    try:
        root = etree.fromstring(
            xml, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        )
    except etree.XMLSyntaxError as error:
        raise BadReturn("Tệp trả về không phải XML.") from error
    if root.tag != "HDon":
        raise BadReturn("Tệp trả về không phải hoá đơn.")
    return root


def _data(xml: bytes) -> bytes:
    """Return the one data element as it is written; it has no namespace, so this is its canonical form."""
    found = _DATA.findall(xml)
    if len(found) != 1:
        raise BadReturn("Tệp trả về không có đúng một phần dữ liệu hoá đơn.")
    data: bytes = found[0]
    return data


def _one(root: etree._Element, path: str) -> etree._Element:
    found = root.findall(path)
    if len(found) != 1:
        raise BadReturn(f"Tệp trả về thiếu hoặc thừa {path.rsplit('}', maxsplit=1)[-1]}.")
    return found[0]


def _certificate(signature: etree._Element) -> bytes:
    """Return the certificate a signature carries, as PEM."""
    body = signature.findtext(f"{_DSIG}KeyInfo/{_DSIG}X509Data/{_DSIG}X509Certificate", "")
    lines = re.sub(r"\s", "", body)
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n".encode()


def _verify(signature: etree._Element, *, expected: set[str], trusted: list[bytes], who: str) -> None:
    """Verify one signature; it must cover exactly the expected elements and its own Object."""
    objects = {element.get("Id", "") for element in signature.findall(f"{_DSIG}Object")}
    references = {element.get("URI", "").removeprefix("#") for element in signature.iter(f"{_DSIG}Reference")}
    if references != expected | objects or not all(expected):
        raise BadReturn(f"Chữ ký của {who} không phủ đúng nội dung hoá đơn.")
    try:
        _context(_certificate(signature), trusted).verify(signature)
    except xmlsec.Error as error:
        raise BadReturn(f"Chữ ký của {who} không hợp lệ.") from error


def _context(certificate: bytes, trusted: list[bytes]) -> xmlsec.SignatureContext:
    """Believe a certificate that is trusted itself, else one that a trusted certificate issued."""
    if _der(certificate) in {_der(pem) for pem in trusted}:
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory(certificate, xmlsec.constants.KeyDataFormatCertPem)
        return context
    manager = xmlsec.KeysManager()
    for pem in trusted:
        manager.load_cert_from_memory(
            pem, xmlsec.constants.KeyDataFormatPem, xmlsec.constants.KeyDataTypeTrusted
        )
    context = xmlsec.SignatureContext(manager)  # type: ignore[call-arg]  # its stub forgets the manager
    context.set_enabled_key_data([xmlsec.constants.KeyDataX509])
    return context


def _der(pem: bytes) -> bytes:
    return base64.b64decode(b"".join(line for line in pem.splitlines() if not line.startswith(b"-----")))
