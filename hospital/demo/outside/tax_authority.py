"""The fake tax authority: gives an invoice its code and signs it as the Tax Department does. Trusted by no one else."""

import base64
import datetime as dt
import hashlib
import re
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

_DSIG = "http://www.w3.org/2000/09/xmldsig#"
_C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_DATA = re.compile(r'<DLHDon Id="([^"]+)">.*</DLHDon>', re.DOTALL)


class TaxAuthority:
    """A key, its certificate, and the code it gives."""

    def __init__(self, key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> None:
        self._key, self.certificate = key, certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def code(self, uuid: str) -> str:
        """Return the 34 characters of MCCQT."""
        return "00" + hashlib.sha256(uuid.encode()).hexdigest()[:32].upper()

    def stamp(self, xml: str, uuid: str, now: dt.datetime) -> str:
        """Return the invoice with its code and our signature beside the seller's.

        The data element was written in its canonical form, so its text is what is digested.
        """
        found = _DATA.search(xml)
        assert found, "checked before"
        number = found[1].lstrip("_")
        code = f'<MCCQT Id="MCCQT-{number}">{self.code(uuid)}</MCCQT>'
        signature = self._signature(
            f"CQT-{number}", {found[1]: found[0], f"MCCQT-{number}": code}, enveloped=found[1], now=now
        )
        xml = xml.replace("<DSCKS>", f"{code}<DSCKS>", 1)
        return xml.replace("</DSCKS>", f"<CQT>{signature}</CQT></DSCKS>", 1)

    def _signature(self, name: str, parts: dict[str, str], *, enveloped: str, now: dt.datetime) -> str:
        inner = (
            f'<SignatureProperties xmlns=""><SignatureProperty Target="#{name}"><SigningTime>{now:%Y-%m-%dT%H:%M:%S}'
            "</SigningTime></SignatureProperty></SignatureProperties></Object>"
        )
        signed = parts | {f"Obj-{name}": f'<Object xmlns="{_DSIG}" Id="Obj-{name}">{inner}'}
        references = "".join(
            _reference(uri, text, enveloped=uri == enveloped) for uri, text in signed.items()
        )
        info = (
            f'<CanonicalizationMethod Algorithm="{_C14N}"></CanonicalizationMethod>'
            f'<SignatureMethod Algorithm="{_RSA_SHA256}"></SignatureMethod>{references}</SignedInfo>'
        )
        canonical = f'<SignedInfo xmlns="{_DSIG}">{info}'.encode()
        value = base64.b64encode(self._key.sign(canonical, padding.PKCS1v15(), hashes.SHA256())).decode()
        certificate = base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode()
        subject = self.certificate.subject.rfc4514_string()
        return (
            f'<Signature xmlns="{_DSIG}" Id="{name}"><SignedInfo>{info}<SignatureValue>{value}</SignatureValue>'
            f"<KeyInfo><X509Data><X509SubjectName>{subject}</X509SubjectName>"
            f"<X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo>"
            f'<Object Id="Obj-{name}">{inner}</Signature>'
        )


def ensure_authority(folder: Path, now: dt.datetime) -> TaxAuthority:
    """Make the key and certificate once and keep them; `authority.pem` is what the hospital is told to trust."""
    path = folder / "authority.key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        key = rsa.generate_private_key(65537, 2048)
        path.touch(mode=0o600)
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (folder / "authority.pem").write_bytes(_certificate(key, now).public_bytes(Encoding.PEM))
    key_read = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key_read, rsa.RSAPrivateKey), "written above"
    return TaxAuthority(key_read, x509.load_pem_x509_certificate((folder / "authority.pem").read_bytes()))


def _certificate(key: rsa.RSAPrivateKey, now: dt.datetime) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.COMMON_NAME, "CO QUAN THUE (CHAY THU)"),
        ]
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(USAGE, critical=True)
        .sign(key, hashes.SHA256())
    )


# A self-signed certificate that only signs: the office of the demo is believed by this one file.
USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=True,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def _reference(uri: str, text: str, *, enveloped: bool) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    transforms = (
        f'<Transforms><Transform Algorithm="{_DSIG}enveloped-signature"></Transform></Transforms>'
        if enveloped
        else ""
    )
    return (
        f'<Reference URI="#{uri}">{transforms}<DigestMethod Algorithm="{_SHA256}"></DigestMethod>'
        f"<DigestValue>{digest}</DigestValue></Reference>"
    )
