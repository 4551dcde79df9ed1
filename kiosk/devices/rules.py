"""Pairing codes and tokens of lobby machines."""

import hashlib
import hmac
import secrets
from enum import StrEnum

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class Scope(StrEnum):
    """The one thing a machine may do."""

    CHECK_IN = "CHECK_IN"


def new_pairing_code() -> str:
    """Return ten characters that are typed once at the machine (50 bits): "7KQ2M-XW4HD"."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(10))
    return f"{letters[:5]}-{letters[5:]}"


def clean_pairing_code(typed: str) -> str:
    return "".join(letter for letter in typed.upper() if letter in ALPHABET)


def new_token() -> str:
    return secrets.token_urlsafe(32)


def secret_hash(secret: str, purpose: str) -> bytes:
    return hmac.digest(f"lanh kiosk {purpose}".encode(), secret.encode(), hashlib.sha256)
