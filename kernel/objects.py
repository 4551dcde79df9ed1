"""Bytes kept by their SHA-256: signed files, XML sent or received, scans. Never rewritten, never deleted.

Locally a folder, each file written beside its place, flushed to the disk and renamed; by setting an S3 bucket
(kernel.buckets). What is read is hashed again, so a damaged disk is noticed before a damaged document is shown.
"""

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol
from uuid import uuid4

OBJECT_NAME = re.compile(r"[0-9a-f]{64}")


class ObjectMissing(Exception):
    """The store has no such object. The text is its hash."""


class ObjectDamaged(Exception):
    """What the store returns does not have the hash it is named by."""


class ObjectStore(Protocol):
    """Where bytes are kept by their hash."""

    async def put(self, data: bytes) -> str:
        """Keep the bytes durably and return their SHA-256 in hex; keeping them twice changes nothing."""

    async def get(self, sha256: str) -> bytes:
        """Return the bytes. Raises ObjectMissing, ObjectDamaged."""

    async def exists(self, sha256: str) -> bool:
        """Tell whether the bytes are kept."""

    def names(self) -> AsyncIterator[str]:
        """Yield the hash of every object, for backup and check."""


def object_key(sha256: str) -> str:
    if not OBJECT_NAME.fullmatch(sha256):
        raise ObjectMissing(sha256)
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def checked_bytes(sha256: str, data: bytes) -> bytes:
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ObjectDamaged(sha256)
    return data


class FolderStore:
    """Objects in a local folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    async def put(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        await asyncio.to_thread(self._write, self.root / object_key(name), data)
        return name

    async def get(self, sha256: str) -> bytes:
        path = self.root / object_key(sha256)
        try:
            return checked_bytes(sha256, await asyncio.to_thread(path.read_bytes))
        except FileNotFoundError:
            raise ObjectMissing(sha256) from None

    async def exists(self, sha256: str) -> bool:
        return await asyncio.to_thread((self.root / object_key(sha256)).is_file)

    async def names(self) -> AsyncIterator[str]:
        for path in await asyncio.to_thread(lambda: sorted(self.root.glob("??/??/*"))):
            if OBJECT_NAME.fullmatch(path.name):
                yield path.name

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        if path.is_file():
            return
        new = not path.parent.is_dir()
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.parent / f".{uuid4().hex}"
        try:
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        _flush_folder(path.parent)
        if new:
            _flush_folder(path.parent.parent)
            _flush_folder(path.parent.parent.parent)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
