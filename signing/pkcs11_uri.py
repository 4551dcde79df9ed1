"""Where a key is on a token or HSM: a PKCS#11 URI (RFC 7512), which never holds the PIN."""

import re
from urllib.parse import quote_from_bytes, unquote_to_bytes

from msgspec import Struct

from kernel.problems import Refused

_SECRET = ("pin-value", "pin-source")
_TEXT = re.compile(r"[ -~\u00a0-\U0010ffff]{1,200}")


class BadTokenUri(Refused):
    """The address of the key cannot be read, or holds a PIN."""

    slug = "bad-token-uri"


class TokenUri(Struct, frozen=True, kw_only=True):
    """One key: which token by serial number or label, which object by id or label, which library reaches it."""

    token: str = ""
    serial: str = ""
    id: bytes = b""
    object: str = ""
    module: str = ""

    def __str__(self) -> str:
        parts = [
            ("token", self.token.encode()),
            ("serial", self.serial.encode()),
            ("id", self.id),
            ("object", self.object.encode()),
        ]
        path = ";".join(f"{name}={_quoted(name, value)}" for name, value in parts if value)
        query = f"?module-path={_quoted('module-path', self.module.encode())}" if self.module else ""
        return f"pkcs11:{path}{query}"


def read_token_uri(text: str, *, key: bool = True) -> TokenUri:
    """Read an address; `key` False: of a token alone. Raises BadTokenUri for another form, a missing part, or a PIN in it."""
    if not text.startswith("pkcs11:"):
        raise BadTokenUri("Địa chỉ khóa phải bắt đầu bằng “pkcs11:”.", field="key_name")
    path, _, query = text.removeprefix("pkcs11:").partition("?")
    found: dict[str, bytes] = {}
    for part in [*path.split(";"), *query.split("&")]:
        name, equals, value = part.partition("=")
        if not part:
            continue
        if name in _SECRET:
            raise BadTokenUri("Địa chỉ khóa không được chứa mã PIN.", field="key_name")
        if not equals or name in found:
            raise BadTokenUri("Địa chỉ khóa PKCS#11 viết không đúng.", field="key_name")
        found[name] = unquote_to_bytes(value)
    uri = TokenUri(
        token=_text(found.get("token", b"")),
        serial=_text(found.get("serial", b"")),
        id=found.get("id", b""),
        object=_text(found.get("object", b"")),
        module=_text(found.get("module-path", b"")),
    )
    if not (uri.token or uri.serial) or (key and not (uri.id or uri.object)):
        raise BadTokenUri("Địa chỉ khóa phải nói rõ token và khóa nào trên token.", field="key_name")
    return uri


def _text(value: bytes) -> str:
    if not value:
        return ""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = ""
    if not _TEXT.fullmatch(text):
        raise BadTokenUri("Địa chỉ khóa PKCS#11 viết không đúng.", field="key_name")
    return text


def _quoted(name: str, value: bytes) -> str:
    if name == "id":
        return "".join(f"%{byte:02X}" for byte in value)
    return quote_from_bytes(value, safe="/" if name == "module-path" else "")
