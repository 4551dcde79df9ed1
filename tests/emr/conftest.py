"""A small hospital for the tests of emr."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.emr.builders import DOCTOR, a_hospital
from tests.emr.sheet_acts import an_account, some_drugs


@pytest.fixture
async def hospital(session: AsyncSession) -> AsyncSession:
    """The test's session, with places and services in it."""
    await a_hospital(session)
    return session


@pytest.fixture
async def records(hospital: AsyncSession) -> AsyncSession:
    """The small hospital with the doctor's account and drugs: sheets can be completed in it."""
    await an_account(hospital, DOCTOR)
    await some_drugs(hospital)
    return hospital
