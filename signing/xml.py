"""XML-DSig: the e-invoice profile of format 2.1.0, the claim profile of health insurance and a plain enveloped one, any signer.

The invoice profile (QĐ 1450/QĐ-TCT's successors): enveloped, inclusive C14N 1.0, SHA-256, two references (the data element
and an Object with the signing time), KeyInfo/X509Data with subject and certificate. No prefixes anywhere, so a canonical
form needs no more than the few rules below; lxml's C14N of a sub-element writes a false xmlns="" and is not used for it.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from kernel.clock import local
from kernel.problems import Refused
from signing.schemes import Scheme

DSIG = "http://www.w3.org/2000/09/xmldsig#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = DSIG + "enveloped-signature"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
METHOD = {
    Scheme.RSA_PKCS1_SHA256: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    Scheme.ECDSA_SHA256: "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    Scheme.RSA_PSS_SHA256: "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
}
SIZE_MAXIMUM = 20_000_000


class ClaimProfile(StrEnum):
    """What the signature of a claim covers; the portal's schema decides, so it is a setting."""

    ENVELOPED_ROOT = "enveloped-root"  # The whole document, Reference URI="".
    SCOPED_IDS = "scoped-ids"  # The parts of the document that carry an Id.


class XmlSigner(Protocol):
    """A key that signs the canonical SignedInfo."""

    certificate: x509.Certificate

    @property
    def xml_scheme(self) -> Scheme:
        """The scheme its signature values are made with."""
        ...

    def sign_xml(self, data: bytes) -> bytes:
        """Return the signature value over these bytes, in the form XML-DSig wants."""
        ...


class BadXml(Refused):
    """The document can't be signed or checked as it is."""

    slug = "bad-xml"


def sign_xml_invoice(
    xml: bytes,
    signer: XmlSigner,
    *,
    data_id: str,
    signature_id: str,
    at: datetime,
    place: str = "NBan",
) -> bytes:
    """Sign the element with Id `data_id` and put the Signature into the empty <place/> of DSCKS.

    Everything else stays as it is, byte by byte. Raises BadXml.
    """
    holder = re.compile(rb"<%s\s*/>|<%s>\s*</%s>" % ((place.encode(),) * 3))
    spots = [found for found in holder.finditer(xml) if b"<DSCKS" in xml[: found.start()]]
    if len(spots) != 1:
        raise BadXml(f"Hóa đơn cần đúng một chỗ trống DSCKS/{place} để ký.")
    root = parse(xml)
    data = [element for element in root.iter() if element.get("Id") == data_id]
    if len(data) != 1:
        raise BadXml("Không tìm thấy (hoặc có nhiều hơn một) phần dữ liệu cần ký.")
    object_id = f"Obj-{signature_id}"
    stamp = (
        f'<Object xmlns="{DSIG}" Id={quoteattr(object_id)}><SignatureProperties xmlns=""><SignatureProperty '
        f"Target={quoteattr('#' + signature_id)}><SigningTime>{local(at):%Y-%m-%dT%H:%M:%S}</SigningTime>"
        "</SignatureProperty></SignatureProperties></Object>"
    )
    references = (
        _reference("#" + data_id, canonical(data[0]), enveloped=True),
        _reference("#" + object_id, stamp.encode(), enveloped=False),
    )
    inside = stamp.replace(f' xmlns="{DSIG}"', "", 1)
    signature = _signature(signer, references, signature_id, after=inside)
    found = spots[0]
    wrapped = f"<{place}>".encode() + signature + f"</{place}>".encode()
    return xml[: found.start()] + wrapped + xml[found.end() :]


def sign_xml_enveloped(xml: bytes, signer: XmlSigner, *, signature_id: str = "Signature") -> bytes:
    """Sign a whole document; the Signature becomes the last child of its root. Raises BadXml."""
    canonical_form = _canonical_tree(_tree(xml))
    # Exclusive C14N for SignedInfo: it must not depend on the prefixes that the root declares.
    references = (_reference("", canonical_form, enveloped=True),)
    signature = _signature(signer, references, signature_id, c14n=EXCLUSIVE)
    end = canonical_form.rindex(b"</")
    return (
        b'<?xml version="1.0" encoding="UTF-8"?>\n' + canonical_form[:end] + signature + canonical_form[end:]
    )


def sign_xml_claim(
    xml: bytes,
    signer: XmlSigner,
    *,
    profile: ClaimProfile = ClaimProfile.ENVELOPED_ROOT,
    place: str = "CHUKYDONVI",
    signature_id: str = "Signature",
) -> bytes:
    """Sign a claim or check-in document of health insurance; the Signature fills the empty <CHUKYDONVI/> at its end.

    Everything else stays as it is, byte by byte. Raises BadXml.
    """
    holder = re.compile(rb"<%s\s*/>|<%s>\s*</%s>" % ((place.encode(),) * 3))
    spots = list(holder.finditer(xml))
    empty = f"<{place}></{place}>".encode()
    if len(spots) != 1:
        raise BadXml(f"Hồ sơ cần đúng một chỗ trống {place} để ký.")
    before, after = xml[: spots[0].start()], xml[spots[0].end() :]
    root = _tree(before + empty + after)
    if len(root) == 0 or root[-1].tag != place:
        raise BadXml(f"Chỗ ký {place} phải là phần cuối của hồ sơ.")
    if profile is ClaimProfile.ENVELOPED_ROOT:
        parts = [("", root)]
    else:
        parts = [("#" + name, part) for part in root[:-1] if (name := part.get("Id"))]
    if not parts:
        raise BadXml("Không phần nào của hồ sơ mang mã Id để ký.")
    references = tuple(
        _reference(uri, _canonical_tree(part), enveloped=uri == "", c14n=C14N) for uri, part in parts
    )
    signature = _signature(signer, references, signature_id, inherited=root.nsmap)
    return before + f"<{place}>".encode() + signature + f"</{place}>".encode() + after


def _tree(xml: bytes) -> etree._Element:
    """Parse without entities and network. Raises BadXml."""
    _refuse_entities(xml)
    try:
        return etree.fromstring(
            xml, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        )
    except etree.XMLSyntaxError as error:
        raise BadXml("Tệp XML sai cú pháp.") from error


def _canonical_tree(element: etree._Element) -> bytes:
    """Write inclusive C14N 1.0. Raises BadXml under a default namespace, which lxml gets wrong for a part."""
    if element.getparent() is not None and None in element.nsmap:
        raise BadXml("Hồ sơ khai báo không gian tên mặc định, không thuộc mẫu này.")
    canonical_form: bytes = etree.tostring(
        element, method="c14n", exclusive=False, with_comments=False, with_tail=False
    )
    return canonical_form


def parse(xml: bytes) -> ElementTree.Element:
    """Parse without entities. Raises BadXml."""
    _refuse_entities(xml)
    try:
        return ElementTree.fromstring(xml)  # noqa: S314 - document types and entities were refused above
    except ElementTree.ParseError as error:
        raise BadXml("Tệp XML sai cú pháp.") from error


def canonical(element: ElementTree.Element) -> bytes:
    """Write inclusive C14N 1.0 of an element of a document without prefixes. Raises BadXml for prefixed attributes."""
    out: list[str] = []
    _write(element, "", out)
    return "".join(out).encode()


def _write(element: ElementTree.Element, inherited: str, out: list[str]) -> None:
    namespace, _, name = element.tag[1:].partition("}") if element.tag[0] == "{" else ("", "", element.tag)
    out.append(f"<{name}")
    if namespace != inherited:
        out.append(f' xmlns="{_attribute(namespace)}"')
    for key in sorted(element.attrib):
        if key[0] == "{":
            raise BadXml("Thuộc tính có tiền tố không thuộc mẫu này.")
        out.append(f' {key}="{_attribute(element.attrib[key])}"')
    out.append(">")
    out.append(_text(element.text))
    for child in element:
        _write(child, namespace, out)
        out.append(_text(child.tail))
    out.append(f"</{name}>")


def _text(text: str | None) -> str:
    return escape(text, {"\r": "&#xD;"}) if text else ""


def _attribute(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return escaped.replace("\t", "&#x9;").replace("\n", "&#xA;").replace("\r", "&#xD;")


def _reference(uri: str, content: bytes, *, enveloped: bool, c14n: str = "") -> str:
    used = [ENVELOPED] * enveloped + [c14n] * bool(c14n)
    steps = "".join(f'<Transform Algorithm="{algorithm}"></Transform>' for algorithm in used)
    transforms = f"<Transforms>{steps}</Transforms>" if steps else ""
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return (
        f'<Reference URI="{_attribute(uri)}">{transforms}<DigestMethod Algorithm="{SHA256}"></DigestMethod>'
        f"<DigestValue>{digest}</DigestValue></Reference>"
    )


def _signature(
    signer: XmlSigner,
    references: tuple[str, ...],
    signature_id: str,
    *,
    after: str = "",
    c14n: str = C14N,
    inherited: Mapping[str | None, str] = MappingProxyType({}),
) -> bytes:
    """Sign the references and write the Signature element; it is its own canonical form.

    `inherited`: prefixes that are in scope where it will stand; inclusive C14N writes them on SignedInfo.
    """
    prefixes = "".join(
        f' xmlns:{prefix}="{_attribute(inherited[prefix])}"' for prefix in sorted(p for p in inherited if p)
    )
    certificate = base64.b64encode(signer.certificate.public_bytes(Encoding.DER)).decode()
    method = METHOD[signer.xml_scheme]
    info = (
        f'<CanonicalizationMethod Algorithm="{c14n}"></CanonicalizationMethod>'
        f'<SignatureMethod Algorithm="{method}"></SignatureMethod>{"".join(references)}</SignedInfo>'
    )
    value = signer.sign_xml(f'<SignedInfo xmlns="{DSIG}"{prefixes}>{info}'.encode())
    return (
        f'<Signature xmlns="{DSIG}" Id="{_attribute(signature_id)}"><SignedInfo>{info}'
        f"<SignatureValue>{base64.b64encode(value).decode()}</SignatureValue><KeyInfo><X509Data>"
        f"<X509SubjectName>{escape(signer.certificate.subject.rfc4514_string())}</X509SubjectName>"
        f"<X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo>{after}</Signature>"
    ).encode()


def _refuse_entities(xml: bytes) -> None:
    """Document types carry entities (bombs, files of the server): refuse them before a parser sees them."""
    if len(xml) > SIZE_MAXIMUM:
        raise BadXml(f"Tệp XML lớn hơn {SIZE_MAXIMUM // 1_000_000} MB.")
    if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml:
        raise BadXml("Tệp XML khai báo DOCTYPE, không được nhận.")
    if not xml.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise BadXml("Tệp không phải XML.")
