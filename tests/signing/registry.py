"""Acts that the tests of the registry share: somebody's certificate, sent in as a file."""

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hospital.demo.pki import Holder
from kernel.clock import utc_now
from kernel.services import Services
from kernel.staff.api import Actor
from signing.api import KeyKind
from signing.certificates.registry import Whose, upload_certificate

NAME, NUMBER = "Nguyễn Thị Hương", "001180000001"


def holder(name: str = NAME, uid: str = f"CCCD:{NUMBER}") -> Holder:
    return Holder("x", name, uid, organisation="Bệnh viện Đa khoa Ví Dụ")


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(c.public_bytes(Encoding.PEM) for c in certificates)


async def upload(services: Services, person: Actor, data: bytes) -> Any:
    return await upload_certificate(
        services, Whose(person.id), data, key_kind=KeyKind.TOKEN, actor=person, now=utc_now()
    )
