"""A hospital in real processes on a real database, whose server is killed with -9 and started again."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from hospital.demo.known import DEMO_PASSWORD
from hospital.demo.running import Hospital, running_hospital
from hospital.journey.clients import Client, staff
from hospital.journey.steps import wait_for
from hospital.postgres import throw_away
from hospital.processes import child, wait_until_it_answers
from kernel.db import Sessions, make_engine, make_sessions
from kernel.objects import FolderStore
from signing.trust import TrustList

Found = TypeVar("Found")
LEASES = (
    "UPDATE kernel_job SET lease_until = now() - interval '1 second' WHERE state = 'leased'",
    "UPDATE signing_remote SET claimed_until = now() WHERE claimed_until IS NOT NULL",
    "UPDATE signing_document SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL",
)
"""What a dead process holds ends by the clock alone."""


class Mortal:
    """The hospital, and what the test sees of its database past it."""

    def __init__(self, hospital: Hospital, engine: AsyncEngine, owner: AsyncEngine, stack: ExitStack) -> None:
        self.hospital, self._stack, self._owner = hospital, stack, owner
        self.sessions: Sessions = make_sessions(engine)
        self.objects = FolderStore(hospital.data_dir / "objects")
        self.trust = TrustList.from_pem((hospital.data_dir / "pki" / "trust.pem").read_bytes(), demo=True)
        self._runner, self._web, self._lives = stack.enter_context(asyncio.Runner()), hospital.web, 1
        self._aside = stack.enter_context(ThreadPoolExecutor(1))

    def run(self, work: Awaitable[Found]) -> Found:
        """Run a coroutine to its end."""

        async def whole() -> Found:
            return await work

        return self._runner.run(whole())

    def read(self, look: Callable[[AsyncSession], Awaitable[Found]]) -> Found:
        """Read something from the database."""

        async def reading() -> Found:
            async with self.sessions() as session:
                return await look(session)

        return self.run(reading())

    def wait(
        self, look: Callable[[AsyncSession], Awaitable[bool]], what: str, *, seconds: float = 40
    ) -> None:
        """Wait until something holds in the database."""
        wait_for(lambda: self.read(look) or None, what=what, seconds=seconds)

    def aside(self, act: Callable[[], Found]) -> Future[Found]:
        """Do something that the kill will interrupt."""
        return self._aside.submit(act)

    def staff(self, username: str) -> Client:
        """Somebody signed in anew."""
        client = staff(self.hospital.base_url, username, DEMO_PASSWORD)
        self._stack.callback(client.close)
        return client

    def mood(self, which: str, **mood: Any) -> None:
        """Make a part of the outside world behave or misbehave."""
        place = f"{self.hospital.outside_url}/outside/{which}/mood"
        httpx.post(place, json=mood, timeout=30).raise_for_status()

    def kill(self) -> None:
        """SIGKILL the server with all its processes; nothing of it gets to say a last word."""
        os.killpg(self._web.pid, signal.SIGKILL)
        assert self._web.wait(10) == -signal.SIGKILL

    def restart(self) -> None:
        """Start the server again at its address, later than what the dead one held."""
        self.run(self._leases_run_out())
        self._lives += 1
        base, log = self.hospital.base_url, self.hospital.data_dir / "logs" / f"web{self._lives}.log"
        serving = child(
            "serve", "--port", str(httpx.URL(base).port), environment=self.hospital.environment, log=log
        )
        self._web = self._stack.enter_context(serving)
        wait_until_it_answers(f"{base}/readyz", self._web, log)

    async def _leases_run_out(self) -> None:
        async with self._owner.begin() as connection:
            for statement in LEASES:
                await connection.execute(text(statement))


@contextmanager
def mortal_hospital(folder: Path) -> Iterator[Mortal]:
    """Run a hospital that may be killed."""
    with ExitStack() as stack:
        cluster = stack.enter_context(throw_away())
        url, owner_url = cluster.app_url(), cluster.url()
        hospital = stack.enter_context(running_hospital(folder, database_url=url, owner_url=owner_url))
        engine, owner = make_engine(url, pool_size=2), make_engine(owner_url, pool_size=1)
        mortal = Mortal(hospital, engine, owner, stack)
        try:
            yield mortal
        finally:
            mortal.run(engine.dispose())
            mortal.run(owner.dispose())
