"""Who was just here: the sign-ins this process read within the last second, so that a page of ten parts asks once.

Nobody stays signed in through it: an entry lives a second, sign-outs and changed accounts are told to every process,
and nothing is kept while the line that tells is down.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.live import touch
from kernel.wake import Wake

TOPIC = "staff"
KEPT_SECONDS = 1.0
_MOST = 10_000

SignInRow = dict[str, Any]


class KnownStaff:
    """Rows of live sign-ins by the hash of their token."""

    def __init__(self, wake: Wake) -> None:
        self._wake = wake
        self._rows: dict[bytes, tuple[float, SignInRow]] = {}
        self._era = 0
        wake.listen(TOPIC, self._forget)

    def __len__(self) -> int:
        return len(self._rows)

    def _forget(self, _news: str | None) -> None:
        self._era += 1
        self._rows.clear()

    async def find(self, key: bytes, read: Callable[[], Awaitable[SignInRow | None]]) -> SignInRow | None:
        """Return the row, read again when it is older than a second or anybody signed out since."""
        kept = self._rows.get(key)
        if kept and self._wake.connected and time.monotonic() - kept[0] < KEPT_SECONDS:
            return kept[1]
        era, begun = self._era, time.monotonic()
        row = await read()
        if row is not None and self._wake.connected and era == self._era:  # Else it may be old already.
            if len(self._rows) >= _MOST:
                self._rows.clear()
            self._rows[key] = begun, row
        return row


def tell_accounts_changed(session: AsyncSession) -> None:
    """Make every process look again, once this transaction has committed: a sign-out, other roles, a closed account."""
    touch(session, TOPIC)
