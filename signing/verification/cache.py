"""Verdicts kept by file hash, roots and revocation answers: the same question gets the same answer in microseconds."""

import hashlib
from collections import OrderedDict
from datetime import datetime, timedelta

from signing.verification.report import Report

KEPT = 1_000
FRESH = timedelta(minutes=10)
"""Integrity never changes; expiry and revocation may, so a verdict is asked for again after this time."""


class Verdicts:
    """A bounded store of reports."""

    def __init__(self, kept: int = KEPT) -> None:
        self._reports: OrderedDict[bytes, Report] = OrderedDict()
        self._kept = kept

    def get(self, data: bytes, roots: bytes, *, now: datetime) -> Report | None:
        """Return a fresh verdict on these very bytes, or None."""
        key = _key(data, roots)
        found = self._reports.get(key)
        if found is None or not timedelta(0) <= now - found.checked_at < FRESH:
            return None
        self._reports.move_to_end(key)
        return found

    def put(self, data: bytes, roots: bytes, report: Report) -> None:
        self._reports[_key(data, roots)] = report
        if len(self._reports) > self._kept:
            self._reports.popitem(last=False)


def _key(data: bytes, roots: bytes) -> bytes:
    return hashlib.sha256(data).digest() + roots
