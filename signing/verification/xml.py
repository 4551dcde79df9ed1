"""The judge of XML signatures: xmlsec's verdict on the cryptography, ours on what is signed and by whom."""

import base64
import binascii
import hashlib
from datetime import datetime

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from kernel.clock import VN
from signing.certificate_names import names_of
from signing.gate import may_sign
from signing.schemes import Scheme, WeakKey, scheme_for
from signing.status import Standing
from signing.trust import TrustList
from signing.verification.report import Report, SignatureReport, summarise
from signing.xml import DSIG, METHOD, SIZE_MAXIMUM, BadXml

_NS = {"d": DSIG}
_SCHEME = {method: scheme for scheme, method in METHOD.items()}
_TRANSFORMS = {DSIG + "enveloped-signature", "http://www.w3.org/2001/10/xml-exc-c14n#"} | {
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    "http://www.w3.org/2006/12/xml-c14n11",
}
_SIGNATURES_MAXIMUM = 20


def verify_xml(data: bytes, trust: TrustList, now: datetime) -> Report:
    """Judge every signature of an XML document. Raises BadXml."""
    root = _parse(data)
    found = root.findall(".//d:Signature", _NS)
    if root.tag == f"{{{DSIG}}}Signature":
        found = [root, *found]
    if len(found) > _SIGNATURES_MAXIMUM:
        raise BadXml("Tệp XML có quá nhiều chữ ký.")
    ids = _ids(root)
    signatures = tuple(_judge(root, signature, ids, trust, now) for signature in found)
    return Report(
        kind="xml",
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        valid=bool(signatures) and all(s.valid for s in signatures),
        summary=summarise(signatures),
        signatures=signatures,
        warnings=("Chữ ký thuộc hệ thống CHẠY THỬ, không có giá trị pháp lý.",)
        if trust.demo and found
        else (),
        demo=trust.demo,
        checked_at=now,
    )


def _parse(data: bytes) -> etree._Element:
    if len(data) > SIZE_MAXIMUM:
        raise BadXml(f"Tệp XML lớn hơn {SIZE_MAXIMUM // 1_000_000} MB.")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise BadXml("Tệp XML khai báo DOCTYPE, không được nhận.")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise BadXml("Tệp XML sai cú pháp.") from error


def _ids(root: etree._Element) -> dict[str, etree._Element]:
    """Map Id to element. Raises BadXml for one Id on two elements: that is how signed parts are swapped."""
    found: dict[str, etree._Element] = {}
    for element in root.iter(etree.Element):
        name = element.get("Id")
        if name is None:
            continue
        if name in found:
            raise BadXml(f"Mã Id {name[:40]} xuất hiện hai lần trong tệp XML.")
        found[name] = element
    return found


def _judge(
    root: etree._Element,
    signature: etree._Element,
    ids: dict[str, etree._Element],
    trust: TrustList,
    now: datetime,
) -> SignatureReport:
    certificate = _certificate(signature)
    reasons = _cryptography(signature, ids, certificate)
    intact = not reasons
    covered, odd = _covered(root, signature, ids)
    reasons += odd
    claimed = _claimed_at(signature)
    scheme = _scheme(signature)
    warnings = ["Thời điểm ký do máy ký khai, chưa có dấu thời gian tin cậy."]
    if scheme is Scheme.RSA_PKCS1_SHA256:
        warnings.append("Chữ ký RSA PKCS#1 v1.5, theo định dạng của cơ quan thuế.")
    if certificate is not None:
        reasons += _holder(certificate, trust, claimed or now)
    names = names_of(certificate) if certificate else None
    return SignatureReport(
        field=signature.get("Id") or "",
        valid=not reasons,
        reasons=tuple(reasons),
        warnings=tuple(warnings),
        signer=names.name if names else "",
        title=names.title if names else "",
        uid=names.uid if names else "",
        organisation=names.organisation if names else "",
        issuer=names.issuer if names else "",
        serial=f"{certificate.serial_number:X}" if certificate else "",
        valid_from=certificate.not_valid_before_utc if certificate else None,
        valid_to=certificate.not_valid_after_utc if certificate else None,
        claimed_at=claimed,
        stamped_at=None,
        stamped_by="",
        intact=intact,
        standing=Standing.UNREACHABLE,
        scheme=scheme,
        level=None,
        last=True,
        changes=f"Ký trên: {covered}",
    )


def _cryptography(
    signature: etree._Element, ids: dict[str, etree._Element], certificate: x509.Certificate | None
) -> list[str]:
    if certificate is None:
        return ["Chữ ký không kèm chứng thư số."]
    context = xmlsec.SignatureContext()
    for element in ids.values():
        context.register_id(element, "Id")
    try:
        context.key = xmlsec.Key.from_memory(
            certificate.public_bytes(Encoding.DER), xmlsec.constants.KeyDataFormatCertDer
        )
        context.verify(signature)
    except (xmlsec.Error, ValueError):
        return ["Nội dung đã bị thay đổi hoặc chữ ký không khớp nội dung."]
    return []


def _covered(
    root: etree._Element, signature: etree._Element, ids: dict[str, etree._Element]
) -> tuple[str, list[str]]:
    """Name what is signed. A signature that covers only parts of itself says nothing about the document."""
    covered, reasons = [], []
    for reference in signature.findall("d:SignedInfo/d:Reference", _NS):
        uri = reference.get("URI")
        used = {t.get("Algorithm") for t in reference.findall("d:Transforms/d:Transform", _NS)}
        if not used <= _TRANSFORMS:
            reasons.append("Chữ ký dùng phép biến đổi không được chấp nhận.")
        target = root if uri == "" else ids.get((uri or "")[1:])
        if target is None:
            reasons.append("Chữ ký trỏ tới phần không có trong tệp.")
        elif target is not signature and signature not in target.iterancestors():
            covered.append(etree.QName(target).localname)
    if not covered:
        reasons.append("Chữ ký không bao trùm nội dung tài liệu.")
    return ", ".join(covered), reasons


def _holder(certificate: x509.Certificate, trust: TrustList, at: datetime) -> list[str]:
    reasons = []
    if certificate.not_valid_after_utc < at:
        reasons.append("Chứng thư số đã hết hạn tại thời điểm ký.")
    elif certificate.not_valid_before_utc > at:
        reasons.append("Chứng thư số chưa có hiệu lực tại thời điểm ký.")
    elif trust.path(certificate, at=at) is None:
        reasons.append("Chứng thư số không do tổ chức được tin cậy cấp.")
    if not may_sign(certificate):
        reasons.append("Chứng thư số không được cấp để ký.")
    try:
        scheme_for(certificate.public_key())
    except WeakKey as error:
        reasons.append(error.detail)
    return reasons


def _certificate(signature: etree._Element) -> x509.Certificate | None:
    found = signature.find("d:KeyInfo/d:X509Data/d:X509Certificate", _NS)
    try:
        return (
            x509.load_der_x509_certificate(base64.b64decode(found.text or "")) if found is not None else None
        )
    except (ValueError, binascii.Error):
        return None


def _scheme(signature: etree._Element) -> Scheme | None:
    method = signature.find("d:SignedInfo/d:SignatureMethod", _NS)
    return _SCHEME.get(method.get("Algorithm")) if method is not None else None


def _claimed_at(signature: etree._Element) -> datetime | None:
    for element in signature.iter(etree.Element):
        if etree.QName(element).localname == "SigningTime":
            try:
                moment = datetime.fromisoformat((element.text or "").strip())
            except ValueError:
                return None
            return moment if moment.tzinfo else moment.replace(tzinfo=VN)
    return None
