"""XML signed by a key that is elsewhere (remote service, token at the workstation): first what it signs, then its value.

A way is a function of signing.xml with everything given but the signer; called twice with the same, it writes the same.
"""

import hashlib
import re
from collections.abc import Callable

from cryptography import x509

from kernel.problems import Refused
from signing.schemes import Scheme, holds, to_der
from signing.xml import C14N, DSIG, ENVELOPED, EXCLUSIVE, METHOD, SHA256, XmlSigner

XmlWay = Callable[[XmlSigner], bytes]
_ANY_OF = "|".join
_SIGNED_INFO = re.compile(
    rf'<SignedInfo xmlns="{re.escape(DSIG)}"(?: xmlns:[\w.-]+="[^"<>]*")*>'
    rf'<CanonicalizationMethod Algorithm="(?:{_ANY_OF(map(re.escape, (C14N, EXCLUSIVE)))})"></CanonicalizationMethod>'
    rf'<SignatureMethod Algorithm="(?:{_ANY_OF(map(re.escape, METHOD.values()))})"></SignatureMethod>'
    r'(?:<Reference URI="[^"<>]*">'
    rf'(?:<Transforms>(?:<Transform Algorithm="(?:{_ANY_OF(map(re.escape, (ENVELOPED, C14N, EXCLUSIVE)))})">'
    r"</Transform>)+</Transforms>)?"
    rf'<DigestMethod Algorithm="{re.escape(SHA256)}"></DigestMethod>'
    r"<DigestValue>[A-Za-z0-9+/]{43}=</DigestValue></Reference>)+</SignedInfo>"
)


class XmlValueRefused(Refused):
    """The value was not made over this document by the key of this certificate."""

    slug = "xml-value-refused"


class _Away:
    """Stands where the key would: hears what is to be signed, says the value."""

    def __init__(self, certificate: x509.Certificate, scheme: Scheme, value: bytes = b"") -> None:
        self.certificate, self.xml_scheme, self._value, self.asked = certificate, scheme, value, b""

    def sign_xml(self, data: bytes) -> bytes:
        self.asked = data
        return self._value


def xml_to_sign(way: XmlWay, certificate: x509.Certificate, scheme: Scheme) -> bytes:
    """Return the canonical SignedInfo that the key signs with `scheme`; its SHA-256 goes to a remote service. Raises BadXml."""
    away = _Away(certificate, scheme)
    way(away)
    return away.asked


def xml_with_value(way: XmlWay, certificate: x509.Certificate, scheme: Scheme, value: bytes) -> bytes:
    """Return the document with the value in it, as XML-DSig writes values (`side_by_side`). Raises XmlValueRefused, BadXml."""
    digest = hashlib.sha256(xml_to_sign(way, certificate, scheme)).digest()
    plain = to_der(value) if scheme.startswith("ECDSA") else value
    if not holds(certificate.public_key(), scheme, plain, digest):
        raise XmlValueRefused("Giá trị ký không khớp với văn bản và chứng thư.")
    return way(_Away(certificate, scheme, value))


def is_signed_info(data: bytes) -> bool:
    """Tell whether these bytes are a SignedInfo as signing.xml writes it, and nothing else a key could be made to sign."""
    try:
        return _SIGNED_INFO.fullmatch(data.decode()) is not None
    except UnicodeDecodeError:
        return False
