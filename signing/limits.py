"""How often one address may use the public verify pages."""

from collections import OrderedDict, deque
from datetime import datetime, timedelta

from kernel.problems import Problem

WINDOW = timedelta(minutes=1)
_ADDRESSES_KEPT = 10_000


class TooManyTries(Problem):
    status, slug = 429, "too-many-tries"


class Limiter:
    """Counts tries per address in this process, in bounded memory."""

    def __init__(self) -> None:
        self._tries: OrderedDict[str, deque[datetime]] = OrderedDict()

    def take(self, address: str, *, per_minute: int, now: datetime) -> None:
        """Count one try. Raises TooManyTries."""
        tries = self._tries.setdefault(address, deque(maxlen=max(1, per_minute)))
        self._tries.move_to_end(address)
        if len(self._tries) > _ADDRESSES_KEPT:
            self._tries.popitem(last=False)
        if len(tries) == tries.maxlen and now - tries[0] < WINDOW:
            raise TooManyTries(f"Mỗi phút chỉ kiểm tra được {per_minute} lần. Chờ một phút rồi thử lại.")
        tries.append(now)
