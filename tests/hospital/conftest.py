"""One running demo hospital and one browser for each module of tests that look at pages.

Not for the whole run: while it is open, Playwright keeps an event loop in this thread, and coroutine tests can't start one.
"""

from collections.abc import Iterator

import pytest

from tools.tour import Tour, browser, throw_away_hospital


@pytest.fixture(scope="module")
def tour() -> Iterator[Tour]:
    with throw_away_hospital() as hospital, browser() as chromium:
        yield Tour(chromium, hospital)
