"""A small hospital for the tests of emr."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.emr.builders import a_hospital


@pytest.fixture
async def hospital(session: AsyncSession) -> AsyncSession:
    """The test's session, with places and services in it."""
    await a_hospital(session)
    return session
