"""A department whose people have keys."""

import pytest

from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.services import Services
from kernel.staff.api import Role
from tests.conftest import SignedIn
from tests.signing.hospital import give_certificate
from tests.signing.tasks.house import House


@pytest.fixture
async def house(signed_in: SignedIn, services: Services, settings: Settings, pki: DemoPki) -> House:
    people = [
        await signed_in(Role.DOCTOR, name="Nguyễn Thị Hương", department="K02"),
        await signed_in(Role.DOCTOR, Role.HEAD, name="Đặng Quốc Việt", department="K02"),
        await signed_in(Role.DOCTOR, name="Phạm Thu Hương", department="K02"),
        await signed_in(Role.DIRECTOR, Role.DOCTOR, name="Lý Thanh Sơn", department="P02"),
    ]
    for number, person in enumerate(people):
        await give_certificate(services.sessions, settings, pki, person, number=f"00118000000{number}")
    return House(services, people)
