"""Bytes kept by their SHA-256 in an S3 bucket, through obstore. Imported only where a bucket is set: it is 4 MB a process."""

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta

import obstore
from obstore.store import S3Store

from kernel.objects import OBJECT_NAME, ObjectMissing, checked_bytes, object_key

_TRY_SECONDS = "10 seconds"


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
            await obstore.put_async(self._store, object_key(name), data)
        return name

    async def get(self, sha256: str) -> bytes:
        try:
            found = await obstore.get_async(self._store, object_key(sha256))
        except FileNotFoundError:
            raise ObjectMissing(sha256) from None
        return checked_bytes(sha256, bytes(await found.bytes_async()))

    async def exists(self, sha256: str) -> bool:
        try:
            await obstore.head_async(self._store, object_key(sha256))
        except FileNotFoundError:
            return False
        return True

    async def names(self) -> AsyncIterator[str]:
        async for page in obstore.list(self._store):
            for entry in page:
                name = entry["path"].rsplit("/", 1)[-1]
                if OBJECT_NAME.fullmatch(name):
                    yield name
