"""Bytes kept by their SHA-256: signed files, XML sent or received, scans. Never rewritten, never deleted.

Locally a folder, each file written beside its place, flushed to the disk and renamed; by setting an S3 bucket
through obstore. What is read is hashed again, so a damaged disk is noticed before a damaged document is shown.
"""

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import obstore
from obstore.store import S3Store

_TRY_SECONDS = "10 seconds"
_NAME = re.compile(r"[0-9a-f]{64}")


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


def _key(sha256: str) -> str:
    if not _NAME.fullmatch(sha256):
        raise ObjectMissing(sha256)
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def _checked(sha256: str, data: bytes) -> bytes:
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ObjectDamaged(sha256)
    return data


class FolderStore:
    """Objects in a local folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    async def put(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        await asyncio.to_thread(self._write, self.root / _key(name), data)
        return name

    async def get(self, sha256: str) -> bytes:
        path = self.root / _key(sha256)
        try:
            return _checked(sha256, await asyncio.to_thread(path.read_bytes))
        except FileNotFoundError:
            raise ObjectMissing(sha256) from None

    async def exists(self, sha256: str) -> bool:
        return await asyncio.to_thread((self.root / _key(sha256)).is_file)

    async def names(self) -> AsyncIterator[str]:
        for path in await asyncio.to_thread(lambda: sorted(self.root.glob("??/??/*"))):
            if _NAME.fullmatch(path.name):
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


class BucketStore:
    """Objects in an S3 bucket, below a prefix."""

    def __init__(
        self, address: str, *, region: str, access_key: str, secret_key: str, endpoint: str, allow_http: bool
    ) -> None:
        bucket, _, prefix = address.removeprefix("s3://").partition("/")
        self._store = S3Store(
            bucket,
            prefix=prefix or None,
            region=region,
            access_key_id=access_key,
            secret_access_key=secret_key,
            endpoint=endpoint or None,
            virtual_hosted_style_request=not endpoint,
            client_options={"allow_http": allow_http, "timeout": _TRY_SECONDS},
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=30)},
        )

    async def put(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        if not await self.exists(
            name
        ):  # Not every S3 server knows a conditional put; the same bytes do no harm.
            await obstore.put_async(self._store, _key(name), data)
        return name

    async def get(self, sha256: str) -> bytes:
        try:
            found = await obstore.get_async(self._store, _key(sha256))
        except FileNotFoundError:
            raise ObjectMissing(sha256) from None
        return _checked(sha256, bytes(await found.bytes_async()))

    async def exists(self, sha256: str) -> bool:
        try:
            await obstore.head_async(self._store, _key(sha256))
        except FileNotFoundError:
            return False
        return True

    async def names(self) -> AsyncIterator[str]:
        async for page in obstore.list(self._store):
            for entry in page:
                name = entry["path"].rsplit("/", 1)[-1]
                if _NAME.fullmatch(name):
                    yield name
