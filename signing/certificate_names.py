"""What a certificate says of its holder and its issuer, as plain text."""

import unicodedata

from cryptography import x509
from cryptography.x509.oid import NameOID
from msgspec import Struct


class Names(Struct, frozen=True):
    name: str
    title: str
    uid: str
    organisation: str
    issuer: str

    @property
    def personal_number(self) -> str:
        """The 12-digit personal number of "CCCD:001…"; empty for an organisation."""
        return self.uid.removeprefix("CCCD:") if self.uid.startswith("CCCD:") else ""

    @property
    def tax_code(self) -> str:
        """The tax code of "MST:…"; empty for a person."""
        return self.uid.removeprefix("MST:") if self.uid.startswith("MST:") else ""


def names_of(certificate: x509.Certificate) -> Names:
    """Read subject and issuer."""
    return Names(
        name=_first(certificate.subject, NameOID.COMMON_NAME),
        title=_first(certificate.subject, NameOID.TITLE),
        uid=_first(certificate.subject, NameOID.USER_ID) or _number(certificate.subject),
        organisation=_first(certificate.subject, NameOID.ORGANIZATION_NAME),
        issuer=_first(certificate.issuer, NameOID.COMMON_NAME)
        or _first(certificate.issuer, NameOID.ORGANIZATION_NAME),
    )


def _number(name: x509.Name) -> str:
    """Some authorities write the same "CCCD:…" or "MST:…" as serialNumber."""
    found = _first(name, NameOID.SERIAL_NUMBER)
    return found if found.startswith(("CCCD:", "MST:")) else ""


def _first(name: x509.Name, kind: x509.ObjectIdentifier) -> str:
    found = name.get_attributes_for_oid(kind)
    return unicodedata.normalize("NFC", str(found[0].value)) if found else ""
