"""Handlers of a test vanish with it; commits are real."""

from collections.abc import Iterator

import pytest

from kernel.outbox.api import isolated_registry
from kernel.services import Services
from tests.conftest import RealDatabase


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    with isolated_registry():
        yield


@pytest.fixture
def services(real_db: RealDatabase) -> Services:
    return real_db.services
