"""Who signs the daily checkpoint: a key of this installation, or whatever a hospital puts in its place."""

import hashlib
import os
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class CheckpointSigner(Protocol):
    """Signs checkpoints and recognises its own signatures. `name` says which key it is."""

    @property
    def name(self) -> str: ...

    async def sign(self, statement: bytes) -> bytes:
        """Return a signature over the statement."""

    def verify(self, statement: bytes, signature: bytes) -> bool:
        """Tell whether the signature is this signer's."""


class FileSigner:
    """An Ed25519 key in the data folder, readable by the program's account alone; made at first use.

    Keep `audit-key.pub` and the log's checkpoint lines outside this server: who owns the server owns the key.
    """

    def __init__(self, folder: Path) -> None:
        self._key = _read_or_make(folder / "audit-key.pem")
        self._public: Ed25519PublicKey = self._key.public_key()
        raw = self._public.public_bytes_raw()
        self.name = f"ed25519:{hashlib.sha256(raw).hexdigest()[:16]}"
        public_file = folder / "audit-key.pub"
        if not public_file.exists():
            public_file.write_bytes(
                self._public.public_bytes(
                    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
                )
            )

    async def sign(self, statement: bytes) -> bytes:
        return self._key.sign(statement)

    def verify(self, statement: bytes, signature: bytes) -> bool:
        try:
            self._public.verify(signature, statement)
        except InvalidSignature:
            return False
        return True


def _read_or_make(path: Path) -> Ed25519PrivateKey:
    if not path.exists():
        made = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(made)
        try:
            os.link(draft, path)  # Fails if another process was faster: its key counts.
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    return key
