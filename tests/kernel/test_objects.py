import asyncio
import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import boto3  # type: ignore[import-untyped]  # comes with moto, without types
import pytest
from moto.server import ThreadedMotoServer
from msgspec.structs import replace

from kernel.buckets import BucketStore
from kernel.objects import FolderStore, ObjectDamaged, ObjectMissing, ObjectStore
from kernel.services import object_store
from kernel.settings import KernelSettings

DATA = "Đơn thuốc".encode()
NAME = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A real S3 protocol over HTTP, in memory."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str) -> BucketStore:
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=endpoint, **keys).create_bucket(Bucket="ho-so")
    settings = KernelSettings(
        object_store="s3://ho-so/thu",
        s3_endpoint=endpoint,
        s3_access_key="k",
        s3_secret_key="s",
        s3_allow_http=True,
    )
    store = object_store(settings)
    assert isinstance(store, BucketStore)
    return store


@pytest.fixture
def folder(tmp_path: Path) -> FolderStore:
    store = object_store(replace(KernelSettings(), data_dir=tmp_path))
    assert isinstance(store, FolderStore)
    return store


async def walk(store: ObjectStore) -> None:
    assert not await store.exists(NAME)
    with pytest.raises(ObjectMissing):
        await store.get(NAME)
    assert await store.put(DATA) == NAME
    assert await store.put(DATA) == NAME
    assert await store.exists(NAME)
    assert await store.get(NAME) == DATA
    other = await store.put(b"")
    assert sorted([name async for name in store.names()]) == sorted([NAME, other])
    for bad in ("", "../../etc/passwd", NAME.upper(), NAME + "0"):
        with pytest.raises(ObjectMissing):
            await store.get(bad)


async def test_a_folder_keeps_bytes_by_their_hash(folder: FolderStore) -> None:
    await walk(folder)


async def test_a_bucket_keeps_bytes_by_their_hash(bucket: BucketStore) -> None:
    await walk(bucket)


async def test_damaged_bytes_are_noticed(folder: FolderStore) -> None:
    await folder.put(DATA)
    path = folder.root / NAME[:2] / NAME[2:4] / NAME
    path.write_bytes(DATA + b"!")
    with pytest.raises(ObjectDamaged):
        await folder.get(NAME)


async def test_many_writers_of_the_same_bytes_leave_one_file(folder: FolderStore) -> None:
    assert set(await asyncio.gather(*(folder.put(DATA) for _ in range(20)))) == {NAME}
    assert [path.name for path in folder.root.rglob("*") if path.is_file()] == [NAME]


async def test_a_write_that_failed_leaves_nothing_behind(
    folder: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError):
        await folder.put(DATA)
    monkeypatch.undo()
    assert not await folder.exists(NAME)
    assert [path for path in folder.root.rglob("*") if path.is_file()] == []
    assert await folder.put(DATA) == NAME
