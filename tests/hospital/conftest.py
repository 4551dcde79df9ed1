"""One running demo hospital and one browser for all tests that look at pages."""

from collections.abc import Iterator

import pytest

from tools.tour import Tour, browser, throw_away_hospital


@pytest.fixture(scope="session")
def tour() -> Iterator[Tour]:
    with throw_away_hospital() as hospital, browser() as chromium:
        yield Tour(chromium, hospital)
