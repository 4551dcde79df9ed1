"""A person whose number a certificate may name, and a disk that is never too full to rehearse."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec.structs import replace

from hospital.settings import Settings
from kernel.services import Services
from kernel.staff.api import Actor, Role
from tests.conftest import SignedIn
from tests.signing.certificates.sending import numbered
from tests.signing.holders import NAME


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, signing=replace(settings.signing, rehearsal_free_bytes=1))


@pytest.fixture
async def person(signed_in: SignedIn, services: Services) -> Actor:
    return await numbered(services, await signed_in(Role.DOCTOR, name=NAME))


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())
