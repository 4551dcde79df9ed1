"""A certification authority for the tests and people with keys."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hospital.demo.outside.pki import TimestampAuthority
from hospital.demo.pki import DemoPki, Holder, ensure_pki
from signing.keys import SoftwareSigner, open_pkcs12
from signing.trust import TrustList
from tests.signing.tokens import SoftHsm

PIN = "246810"
DOCTOR = Holder(
    "bacsi", "Nguyễn Thị Hương", "CCCD:001180000001", title="Bác sĩ", organisation="Bệnh viện Đa khoa Ví Dụ"
)
HOSPITAL = Holder(
    "benh-vien",  # A file of its own: tests of whole hospitals write "organisation" with PINs of their choice.
    "Bệnh viện Đa khoa Ví Dụ",
    "MST:0199999999",
    organisation="Bệnh viện Đa khoa Ví Dụ",
)


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
def trust(pki: DemoPki) -> TrustList:
    return TrustList([pki.root], [pki.issuing], demo=True)


@pytest.fixture(scope="session")
def authority(pki: DemoPki) -> TimestampAuthority:
    return TimestampAuthority(pki)


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> SoftHsm:
    """A real SoftHSM2 of this process."""
    return SoftHsm(tmp_path_factory.mktemp("softhsm"))
