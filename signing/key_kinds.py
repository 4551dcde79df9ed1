"""Where a private key can be, and what the evidence calls it."""

from enum import StrEnum


class KeyKind(StrEnum):
    """Where the private key of a certificate is."""

    PKCS12 = "PKCS12"
    PKCS11 = "PKCS11"
    CSC = "CSC"
    TOKEN = "TOKEN"  # noqa: S105 - a USB token, no secret


KIND_WORDS: dict[KeyKind, str] = {
    KeyKind.PKCS12: "tệp khóa phần mềm",
    KeyKind.PKCS11: "HSM hoặc token ở máy chủ",
    KeyKind.CSC: "ký từ xa (ứng dụng trên điện thoại)",
    KeyKind.TOKEN: "USB token ở máy người ký",
}
USUAL_ORDER = (KeyKind.PKCS11, KeyKind.CSC, KeyKind.TOKEN, KeyKind.PKCS12)
"""Preferred where no rule speaks: a key in a device before a key in a file."""
AT_ONCE = frozenset({KeyKind.PKCS12, KeyKind.PKCS11})
"""Sign while the page waits; the others are asked for and answer later."""

METHODS: dict[KeyKind, str] = {
    KeyKind.PKCS12: "PKI_SOFTWARE",
    KeyKind.PKCS11: "PKI_TOKEN_HSM",
    KeyKind.CSC: "PKI_REMOTE_CSC",
    KeyKind.TOKEN: "PKI_TOKEN_AGENT",
}
"""What the evidence of a signature calls the way it was made."""
