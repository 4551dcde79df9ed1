"""The demo's own certification authority: root, issuing CA, OCSP responder, TSA, one key file per member of staff.

Made once under the data folder and kept. Real roots come by configuration; nothing here is trusted outside the demo.
"""

import datetime as dt
import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import anyio.to_thread
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from msgspec import Struct, json

from hospital.demo.known import DEMO_PIN
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.db import Sessions
from kernel.facility import Facility
from kernel.ids import new_id
from kernel.staff.api import SYSTEM, StaffView, list_staff
from signing.api import RegisterCertificate, TrustList, register_certificate

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
DAY = dt.timedelta(days=1)
ROOT_DAYS, CA_DAYS, STAFF_DAYS = 7300, 3650, 1095
ORGANISATION = "organisation"


class Holder(Struct, frozen=True):
    """Somebody who gets a certificate: the file name, and what the subject says."""

    name: str
    common_name: str
    uid: str
    """As Vietnamese CAs write it: "CCCD:001…" for a person, "MST:…" for an organisation."""
    title: str = ""
    organisation: str = ""
    unit: str = ""


class DemoPki:
    """Certificates and keys of the demo, read from its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root, self.root_key = _read(folder, "root")
        self.issuing, self.issuing_key = _read(folder, "issuing")
        self.ocsp_root, self.ocsp_root_key = _read(folder, "ocsp-root")
        self.ocsp_issuing, self.ocsp_issuing_key = _read(folder, "ocsp-issuing")
        self.tsa, self.tsa_key = _read(folder, "tsa")
        self.base_url = (folder / "base-url").read_text().strip()

    def key_file(self, name: str) -> Path:
        """Return the PKCS#12 file of a holder."""
        return self.folder / "keys" / f"{name}.p12"

    @property
    def trust_pem(self) -> bytes:
        """Return root and issuing CA, for `hospital verify --trust`."""
        return b"".join(c.public_bytes(Encoding.PEM) for c in (self.root, self.issuing))

    def revoked(self) -> dict[int, dt.datetime]:
        """Return the serial numbers that were revoked, and when."""
        path = self.folder / "revoked.json"
        if not path.exists():
            return {}
        listed = json.decode(path.read_bytes(), type=dict[str, dt.datetime])
        return {int(serial): at for serial, at in listed.items()}

    def revoke(self, certificate: x509.Certificate, *, at: dt.datetime) -> None:
        """Put a certificate on the list that OCSP and CRL answer from."""
        listed = {str(serial): when for serial, when in self.revoked().items()}
        listed[str(certificate.serial_number)] = at.replace(microsecond=0)
        _write(self.folder / "revoked.json", json.encode(listed))

    def issue(
        self,
        holder: Holder,
        key: Key | None = None,
        *,
        now: dt.datetime,
        starts: dt.timedelta = -DAY,
        days: int = STAFF_DAYS,
        usage: bool = True,
    ) -> tuple[x509.Certificate, Key]:
        """Issue a signing certificate; `usage=False` leaves out the right to sign."""
        key = key or rsa.generate_private_key(65537, 2048)
        certificate = _certificate(
            _subject(holder),
            key,
            (self.issuing, self.issuing_key),
            now + starts,
            days,
            usage=_usage(sign=usage, seal=usage, encipher=not usage),
            addresses=(f"{self.base_url}/outside/pki", "issuing"),
        )
        return certificate, key

    def issue_authority(self, name: str, *, now: dt.datetime, days: int) -> tuple[x509.Certificate, Key]:
        """Issue a later timestamp authority, straight under the root."""
        key = rsa.generate_private_key(65537, 2048)
        certificate = _certificate(
            _authority(name),
            key,
            (self.root, self.root_key),
            now - DAY,
            days,
            usage=_usage(sign=True, seal=True),
            extended=ExtendedKeyUsageOID.TIME_STAMPING,
            addresses=(f"{self.base_url}/outside/pki", "root"),
        )
        return certificate, key

    def certificate(self, name: str) -> x509.Certificate:
        """Return a holder's certificate, kept beside the key file in the clear."""
        return x509.load_pem_x509_certificate((self.folder / "keys" / f"{name}.pem").read_bytes())

    def write_key_file(self, name: str, certificate: x509.Certificate, key: Key, *, pin: str) -> Path:
        """Write a PKCS#12 with the chain, protected by the PIN."""
        data = pkcs12.serialize_key_and_certificates(
            name.encode(), key, certificate, [self.issuing, self.root], BestAvailableEncryption(pin.encode())
        )
        path = self.key_file(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path.with_suffix(".pem"), certificate.public_bytes(Encoding.PEM))
        _write(path, data)
        return path


def ensure_pki(
    folder: Path,
    holders: Iterable[Holder],
    *,
    base_url: str,
    pin: str,
    now: dt.datetime,
) -> DemoPki:
    """Make what is missing and return it: a second start makes nothing, a new colleague gets a key."""
    if not (folder / "base-url").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _make_authorities(folder, base_url.rstrip("/"), now)
    pki = DemoPki(folder)
    if not (folder / "trust.pem").exists():
        _write(folder / "trust.pem", pki.trust_pem)
    if not (folder / "ink.pem").exists():
        _make_ink_key(folder)
    for holder in holders:
        if not pki.key_file(holder.name).exists():
            certificate, key = pki.issue(holder, now=now)
            pki.write_key_file(holder.name, certificate, key, pin=pin)
    return pki


async def seed(sessions: Sessions, settings: Settings) -> None:
    """Give every member of staff and the hospital a key and register its certificate."""
    kernel, now = settings.kernel, utc_now()
    async with sessions() as session:
        staff = await list_staff(session)
    holders = [staff_holder(person, kernel.facility) for person in staff]
    holders.append(organisation_holder(kernel.facility))
    base_url = next(iter(settings.signing.tsa_urls), "http://127.0.0.1:8001").partition("/outside/")[0]
    pki = await anyio.to_thread.run_sync(
        lambda: ensure_pki(kernel.data_dir / "pki", holders, base_url=base_url, pin=DEMO_PIN, now=now)
    )
    trust = TrustList([pki.root], [pki.issuing], demo=True)
    owners = {person.username: person.id for person in staff} | {ORGANISATION: None}
    async with sessions.begin() as session:
        for holder in holders:
            command = RegisterCertificate(
                id=new_id(),
                certificate=pki.certificate(holder.name).public_bytes(Encoding.DER),
                chain=[pki.issuing.public_bytes(Encoding.DER)],
                key_name=holder.name,
                staff_id=owners[holder.name],
            )
            await register_certificate(
                session, command, trust=trust, facility=kernel.facility, actor=SYSTEM, now=now
            )


def staff_holder(person: StaffView, facility: Facility) -> Holder:
    """Say what the certificate of a member of staff names."""
    return Holder(
        person.username,
        person.name,
        f"CCCD:{person.citizen_id}" if person.citizen_id else "",
        title=person.title,
        organisation=facility.name,
    )


def organisation_holder(facility: Facility) -> Holder:
    """Say what the hospital's certificate names."""
    return Holder(ORGANISATION, facility.name, f"MST:{facility.tax_code}", organisation=facility.name)


def _make_authorities(folder: Path, base_url: str, now: dt.datetime) -> None:
    start = now.replace(microsecond=0) - DAY
    pki_url = f"{base_url}/outside/pki"
    root_key = rsa.generate_private_key(65537, 2048)
    root_name = _authority("Lành Demo Root CA (CHẠY THỬ)")
    root = _certificate(root_name, root_key, None, start, ROOT_DAYS, usage=_usage(ca=True), path_length=1)
    issuing_key = rsa.generate_private_key(65537, 2048)
    issuing = _certificate(
        _authority("Lành Demo Issuing CA (CHẠY THỬ)"),
        issuing_key,
        (root, root_key),
        start,
        CA_DAYS,
        usage=_usage(ca=True),
        path_length=0,
        addresses=(pki_url, "root"),
    )
    _save(folder, "root", root, root_key)
    _save(folder, "issuing", issuing, issuing_key)
    for name, parent in (("ocsp-root", (root, root_key)), ("ocsp-issuing", (issuing, issuing_key))):
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(
            _authority(f"Lành Demo OCSP {name.removeprefix('ocsp-')}"),
            key,
            parent,
            start,
            CA_DAYS,
            usage=_usage(sign=True),
            extended=ExtendedKeyUsageOID.OCSP_SIGNING,
        )
        _save(folder, name, made, key)
    tsa_key = rsa.generate_private_key(65537, 2048)
    tsa = _certificate(
        _authority("Lành Demo TSA (CHẠY THỬ)"),
        tsa_key,
        (issuing, issuing_key),
        start,
        CA_DAYS,
        usage=_usage(sign=True, seal=True),
        extended=ExtendedKeyUsageOID.TIME_STAMPING,
        addresses=(pki_url, "issuing"),
    )
    _save(folder, "tsa", tsa, tsa_key)
    _write(folder / "base-url", base_url.encode())


def _make_ink_key(folder: Path) -> None:
    """Make the pair that the timing of drawn signatures is encrypted to; a real hospital keeps the private half in a safe."""
    key = ec.generate_private_key(ec.SECP256R1())
    _write(folder / "ink.key", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    _write(folder / "ink.pem", key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def _usage(
    *, sign: bool = False, seal: bool = False, ca: bool = False, encipher: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=seal,
        key_encipherment=encipher,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _certificate(
    subject: x509.Name,
    key: Key,
    issuer: tuple[x509.Certificate, Key] | None,
    start: dt.datetime,
    days: int,
    *,
    usage: x509.KeyUsage,
    path_length: int | None = None,
    extended: x509.ObjectIdentifier | None = None,
    addresses: tuple[str, str] | None = None,
) -> x509.Certificate:
    start = start.replace(microsecond=0)
    issuer_key = issuer[1] if issuer else key
    ca = usage.key_cert_sign
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + days * DAY)
        .add_extension(x509.BasicConstraints(ca, path_length if ca else None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    if extended is not None:
        critical = extended == ExtendedKeyUsageOID.TIME_STAMPING
        builder = builder.add_extension(x509.ExtendedKeyUsage([extended]), critical=critical)
    if extended == ExtendedKeyUsageOID.OCSP_SIGNING:
        builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    if addresses:
        builder = _with_addresses(builder, *addresses)
    return builder.sign(issuer_key, hashes.SHA256())


def _with_addresses(builder: x509.CertificateBuilder, url: str, issuer: str) -> x509.CertificateBuilder:
    def at(path: str) -> x509.UniformResourceIdentifier:
        return x509.UniformResourceIdentifier(f"{url}/{path}")

    access = x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(AuthorityInformationAccessOID.OCSP, at(f"ocsp/{issuer}")),
            x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, at(f"{issuer}.crt")),
        ]
    )
    point = x509.DistributionPoint([at(f"{issuer}.crl")], None, None, None)
    return builder.add_extension(access, critical=False).add_extension(
        x509.CRLDistributionPoints([point]), critical=False
    )


def _authority(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lành (chạy thử)"),
            x509.NameAttribute(NameOID.COMMON_NAME, unicodedata.normalize("NFC", name)),
        ]
    )


def _subject(holder: Holder) -> x509.Name:
    parts = [
        (NameOID.COUNTRY_NAME, "VN"),
        (NameOID.ORGANIZATION_NAME, holder.organisation),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, holder.unit),
        (NameOID.TITLE, holder.title),
        (NameOID.COMMON_NAME, unicodedata.normalize("NFC", holder.common_name)),
        (NameOID.USER_ID, holder.uid),
    ]
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts if value])


def _save(folder: Path, name: str, certificate: x509.Certificate, key: Key) -> None:
    _write(folder / f"{name}.pem", certificate.public_bytes(Encoding.PEM))
    _write(folder / f"{name}.key", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _read(folder: Path, name: str) -> tuple[x509.Certificate, Key]:
    certificate = x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
    key = load_pem_private_key(
        (folder / f"{name}.key").read_bytes(), None, unsafe_skip_rsa_key_validation=True
    )
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return certificate, key


def _write(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    part.replace(path)
