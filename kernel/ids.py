"""Identifiers that sort by the moment they were made."""

import os
import time
from uuid import UUID


def new_id() -> UUID:
    """Return a UUIDv7 (RFC 9562): sorts by creation time."""
    ms, rand = time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10), "big")
    return UUID(int=ms << 80 | 7 << 76 | (rand >> 68) << 64 | 2 << 62 | rand & (1 << 62) - 1)
