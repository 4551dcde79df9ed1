"""A hospital whose doctors sign at a remote service."""

from collections.abc import AsyncIterator

import pytest

from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from tests.conftest import RealDatabase
from tests.signing.remote.hospital import (
    RemoteHospital,
    nothing_remembered,
    remote_hospital,
    remote_settings,
)


@pytest.fixture
def settings(settings: Settings, pki: DemoPki) -> Settings:
    return remote_settings(settings, pki)


@pytest.fixture(autouse=True)
def fresh() -> None:
    nothing_remembered()


@pytest.fixture
async def house(real_db: RealDatabase, pki: DemoPki) -> AsyncIterator[RemoteHospital]:
    async with remote_hospital(real_db, pki) as house:
        yield house
