"""The code that stands on a paper and leads to its verify page: made before the paper is rendered.

It is kept and printed as four groups of four, "K7QM-2X9D-4HTR-8WNC".
"""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U to mistake on paper.


def new_code() -> str:
    """Return a verify code of 80 random bits: not to be guessed."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(16))
    return "-".join(letters[at : at + 4] for at in range(0, 16, 4))


def verify_url(base_url: str, code: str) -> str:
    """Return the address of the verify page, as the QR code on the paper holds it."""
    return f"{base_url.rstrip('/')}/v/{code}"
