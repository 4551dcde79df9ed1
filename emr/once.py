"""Once only: the client makes the id; the same id with other content is a conflict."""

from hashlib import sha256

import msgspec
from msgspec import Struct

from kernel.problems import Conflict


class IdReused(Conflict):
    slug = "id-reused"


def fingerprint(command: Struct) -> bytes:
    """Names the content of a command, to tell a retry from another command under the same id."""
    return sha256(msgspec.json.encode(command)).digest()


def require_same(stored: bytes, command: Struct) -> None:
    """Raises IdReused when an id comes back with other content."""
    if stored != fingerprint(command):
        raise IdReused("Mã này đã dùng cho một yêu cầu khác. Tải lại trang rồi làm lại.")
