"""What the application has beside the database: handed to jobs and to handlers that leave the transaction."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache
from ssl import SSLContext, create_default_context
from typing import Any

import httpx
from litestar.datastructures import State
from msgspec import Struct, field
from sqlalchemy.ext.asyncio import AsyncEngine

from kernel.cpu import CpuPool
from kernel.db import Sessions
from kernel.giving_way import GivingWay
from kernel.lanes import Lanes
from kernel.objects import FolderStore, ObjectStore
from kernel.settings import KernelSettings
from kernel.wake import Wake, bind_wake

HTTP_TIMEOUT_SECONDS = 20.0


class Services(Struct, frozen=True):
    """One per process. `settings` is the whole installation's: `services.settings.billing`."""

    sessions: Sessions
    objects: ObjectStore
    settings: Any
    http: httpx.AsyncClient
    cpu: CpuPool
    wake: Wake
    giving_way: GivingWay = field(default_factory=GivingWay)


def object_store(settings: KernelSettings) -> ObjectStore:
    """Return the folder below the data folder, or the S3 bucket the settings name."""
    if not settings.object_store:
        return FolderStore(settings.data_dir / "objects")
    from kernel.buckets import BucketStore  # A library of its own, for installations that have a bucket.

    return BucketStore(
        settings.object_store,
        region=settings.s3_region,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key,
        endpoint=settings.s3_endpoint,
        allow_http=settings.s3_allow_http,
    )


@asynccontextmanager
async def open_services(
    settings: Any, sessions: Sessions, *, engine: AsyncEngine | None = None, preload: tuple[str, ...] = ()
) -> AsyncGenerator[Services, None]:
    """Open what a process needs for its life and bind `sessions` to its wake-up line.

    `engine`: where to LISTEN; None (tests in one transaction) keeps the news inside the process.
    """
    kernel: KernelSettings = settings.kernel
    wake, giving_way = Wake(), GivingWay()
    cpu = CpuPool(kernel.cpu_workers, preload=preload, giving_way=giving_way)
    bind_wake(sessions, wake)
    async with httpx.AsyncClient(timeout=HTTP_TIMEOUT_SECONDS, transport=Lanes(_tls())) as http:
        if engine is not None:
            wake.start(engine)
        cpu.start()
        try:
            yield Services(
                sessions=sessions,
                objects=object_store(kernel),
                settings=settings,
                http=http,
                cpu=cpu,
                wake=wake,
                giving_way=giving_way,
            )
        finally:
            await cpu.stop()
            await wake.stop()


@cache
def _tls() -> SSLContext:
    """Reading the machine's certificates takes 20 ms: once per process."""
    return create_default_context()


async def services_of_app(state: State) -> Services:
    """For handlers that sign, send or store."""
    services: Services = state.services
    return services
