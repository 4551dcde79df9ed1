"""The code that stands on a paper and leads to its verify page.

It is made before the paper is rendered, printed on it, and handed to signing with the document.
"""

import re
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U.
LENGTH = 12  # 60 bits: not to be guessed.


def new_code() -> str:
    """Return a new verify code, without dashes, as it is stored and stands in the address."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def shown_code(code: str) -> str:
    """Return the code as it is printed: in groups of four."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def read_code(text: str) -> str:
    """Return the stored form of a code a person typed: any case, dashes and look-alikes allowed."""
    typed = re.sub(r"[\s-]", "", text).upper()
    return typed.translate(str.maketrans("ILO", "110"))


def verify_url(base_url: str, code: str) -> str:
    return f"{base_url.rstrip('/')}/v/{code}"
