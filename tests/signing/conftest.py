"""A certification authority for the tests, people with keys, and an application that knows them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from litestar import Litestar

from hospital.demo.outside.pki import TimestampAuthority
from hospital.demo.pki import DemoPki, ensure_pki
from hospital.settings import Settings
from kernel.services import Services
from kernel.staff.api import Actor, Role
from signing.keys import SoftwareSigner, open_pkcs12
from signing.trust import TrustList
from tests.conftest import SignedIn
from tests.signing.acts import NOW
from tests.signing.holders import DOCTOR, HOSPITAL, NAME, PIN
from tests.signing.hospital import authority_client, give_certificate, signing_settings, with_authority
from tests.signing.tokens import SoftHsm


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    folder: Path = tmp_path_factory.mktemp("data") / "pki"
    return ensure_pki(folder, [DOCTOR, HOSPITAL], base_url="http://pki.test", pin=PIN, now=datetime.now(UTC))


@pytest.fixture(scope="session")
def doctor(pki: DemoPki) -> SoftwareSigner:
    return open_pkcs12(pki.key_file("bacsi").read_bytes(), PIN)


@pytest.fixture(scope="session")
def seal(pki: DemoPki) -> SoftwareSigner:
    return open_pkcs12(pki.key_file(HOSPITAL.name).read_bytes(), PIN)


@pytest.fixture(scope="session")
def elliptic(pki: DemoPki) -> SoftwareSigner:
    """A hospital with a P-256 key."""
    certificate, key = pki.issue(HOSPITAL, ec.generate_private_key(ec.SECP256R1()), now=NOW)
    return SoftwareSigner(key, certificate, (pki.issuing,))


@pytest.fixture(scope="session")
def trust(pki: DemoPki) -> TrustList:
    return TrustList([pki.root], [pki.issuing], demo=True)


@pytest.fixture(scope="session")
def authority(pki: DemoPki) -> TimestampAuthority:
    return TimestampAuthority(pki)


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> SoftHsm:
    """A real SoftHSM2 of this process."""
    return SoftHsm(tmp_path_factory.mktemp("softhsm"))


@pytest.fixture
def settings(settings: Settings, pki: DemoPki) -> Settings:
    return signing_settings(settings, pki)


@pytest.fixture
async def outside(pki: DemoPki) -> AsyncIterator[httpx.AsyncClient]:
    """A client for which the authority answers in this process."""
    async with authority_client(pki) as client:
        yield client


@pytest.fixture
def services(app: Litestar, outside: httpx.AsyncClient) -> Services:
    """The application's own services, with the authority behind its address."""
    services: Services = with_authority(app.state.services, outside)
    app.state.services = services
    return services


@pytest.fixture
async def doctor_in(signed_in: SignedIn, services: Services, settings: Settings, pki: DemoPki) -> Actor:
    """A doctor with a key file, signed in."""
    actor = await signed_in(Role.DOCTOR, name=NAME)
    await give_certificate(services.sessions, settings, pki, actor)
    return actor
