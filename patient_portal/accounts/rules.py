"""Codes, tokens and session life, without a database."""

import hashlib
import hmac
import os
import re
import secrets
from datetime import timedelta

from kernel.clock import Instant

_SCRYPT_COST = 2**12
"""About 10 ms a guess: a stolen table of five-minute codes is worth nothing."""


def new_code() -> str:
    """Return six digits."""
    return f"{secrets.randbelow(10**6):06d}"


def clean_code(text: str) -> str | None:
    """Return the six digits a person typed, spaces allowed; None if it is no code."""
    digits = "".join(text.split())
    return digits if re.fullmatch(r"[0-9]{6}", digits) else None


def _stretch(code: str, salt: bytes) -> bytes:
    return hashlib.scrypt(code.encode(), salt=salt, n=_SCRYPT_COST, r=8, p=1, dklen=32)


def hash_code(code: str) -> bytes:
    salt = os.urandom(16)
    return salt + _stretch(code, salt)


def code_matches(stored: bytes | None, code: str) -> bool:
    """Compare in the same time whether a code was ever sent or not."""
    salt, wanted = (stored[:16], stored[16:]) if stored else (bytes(16), bytes(32))
    return hmac.compare_digest(_stretch(code, salt), wanted) and stored is not None


def new_token() -> str:
    return secrets.token_urlsafe(32)


def token_hash(token: str, purpose: str) -> bytes:
    """Hash a random token; the purpose keeps a device token from being taken for a session."""
    return hmac.digest(f"lanh portal {purpose}".encode(), token.encode(), hashlib.sha256)


def login_is_live(
    *, started_at: Instant, last_seen_at: Instant, now: Instant, hours: int, idle_minutes: int
) -> bool:
    return now - started_at < timedelta(hours=hours) and now - last_seen_at < timedelta(minutes=idle_minutes)


def device_label(user_agent: str) -> str:
    """Name a browser in words its owner knows again: "Chrome trên Android"."""
    names = (
        ("Edg", "Edge"),
        ("OPR", "Opera"),
        ("Chrome", "Chrome"),
        ("Firefox", "Firefox"),
        ("Safari", "Safari"),
    )
    systems = (
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS", "máy Mac"),
        ("Linux", "Linux"),
    )
    browser = next((name for mark, name in names if mark in user_agent), "Trình duyệt")
    system = next((name for mark, name in systems if mark in user_agent), "máy khác")
    return f"{browser} trên {system}"
