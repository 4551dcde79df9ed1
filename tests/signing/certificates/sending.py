"""Acts that the tests of the registry share: somebody's certificate, sent in as a file."""

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from sqlalchemy import update

from hospital.demo.pki import DemoPki
from kernel.clock import utc_now
from kernel.services import Services
from kernel.staff.api import Actor
from kernel.staff.models import StaffAccount
from signing.api import KeyKind
from signing.certificates.registry import Whose, upload_certificate
from tests.signing.holders import NAME, NUMBER, PIN, holder


async def numbered(services: Services, actor: Actor, number: str = NUMBER) -> Actor:
    """Give a person the personal number that a certificate must name."""
    async with services.sessions.begin() as session:
        await session.execute(
            update(StaffAccount).where(StaffAccount.id == actor.id).values(citizen_id=number)
        )
    return actor


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(c.public_bytes(Encoding.PEM) for c in certificates)


def key_file(pki: DemoPki, pin: str = PIN, *, name: str = NAME, days: int = 400) -> bytes:
    """A new certificate and its key as the file that an authority sends."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate, _ = pki.issue(holder(name), key, now=utc_now(), days=days)
    encryption = BestAvailableEncryption(pin.encode())
    return pkcs12.serialize_key_and_certificates(b"x", key, certificate, [pki.issuing], encryption)


async def upload(services: Services, person: Actor, data: bytes) -> Any:
    return await upload_certificate(
        services, Whose(person.id), data, key_kind=KeyKind.TOKEN, actor=person, now=utc_now()
    )
