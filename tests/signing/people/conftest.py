"""The application with the world outside a ward answering in this process, and a doctor with a key."""

from collections.abc import AsyncIterator

import pytest
from litestar import Litestar

from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.services import Services
from kernel.staff.api import Actor
from tests.signing.hospital import give_certificate, with_authority
from tests.signing.people.ward import Outside, people_settings


@pytest.fixture
def settings(settings: Settings, pki: DemoPki) -> Settings:
    return people_settings(settings, pki)


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
async def services(app: Litestar, outside: Outside, pki: DemoPki) -> AsyncIterator[Services]:
    async with outside.client(pki) as http:
        app.state.services = with_authority(app.state.services, http)
        yield app.state.services


@pytest.fixture
async def doctor_in(doctor_in: Actor, services: Services, settings: Settings, pki: DemoPki) -> Actor:
    """A doctor with a key; the hospital has its seal."""
    await give_certificate(services.sessions, settings, pki, None)
    return doctor_in
