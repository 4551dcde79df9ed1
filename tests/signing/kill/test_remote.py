"""A server killed in the middle of a remote sitting: what the phone approved is signed once, or was never signed."""

import time
from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from hospital.demo.outside.credentials import CSC_CALLBACK_SECRET
from hospital.demo.seed_remote import KIND
from hospital.journey import remote
from hospital.journey.clients import Client
from hospital.journey.steps import wait_for
from kernel.staff.models import StaffAccount
from signing.documents.models import Document
from signing.remote.models import RemoteItem, RemoteSitting
from signing.remote.rest import callback_signature
from tests.signing.kill.mortal import Mortal
from tests.signing.kill.whole import check_each, prepare, signed_count

pytestmark = pytest.mark.slow


class Asked:
    """A sitting of bacsi2 over some papers, waiting for the phone."""

    def __init__(self, mortal: Mortal, count: int) -> None:
        self._mortal = mortal
        doctor = mortal.read(
            lambda s: s.scalar(select(StaffAccount.id).where(StaffAccount.username == "bacsi2"))
        )
        assert doctor is not None
        made = prepare(mortal.sessions, mortal.objects, count, author=doctor, kind=KIND)
        self.ids: list[UUID] = mortal.run(made)
        self.again()

    def again(self) -> None:
        """Ask for the same papers (once more)."""
        self.sitting = UUID(remote.ask(self._doctor(), [str(key) for key in self.ids])["id"])
        self.handle: str = remote.on_the_phone(self._mortal.hospital.outside_url)["handle"]

    def _doctor(self) -> Client:
        return self._mortal.staff("bacsi2")

    def press(self) -> None:
        """Approve on the phone; the service tells the hospital, if it lives."""
        remote.press(self._mortal.hospital.outside_url, self.handle)

    def is_used(self) -> bool:
        """Tell whether the service gave its leave, which it gives once."""
        shown = httpx.get(f"{self._mortal.hospital.outside_url}/outside/csc/pending", timeout=10).json()
        return any(one["handle"] == self.handle and one["status"] == "used" for one in shown)

    def call_back(self) -> dict[str, str]:
        """Tell the hospital (again) that the request was answered, as the service does."""
        body, stamp = b'{"handle":"%s"}' % self.handle.encode(), str(int(time.time()))
        signature = callback_signature(CSC_CALLBACK_SECRET, stamp, body)
        headers = {"x-csc-timestamp": stamp, "x-csc-signature": signature}
        place = f"{self._mortal.hospital.base_url}/webhooks/signing/csc"
        answer = httpx.post(place, content=body, headers=headers, timeout=30)
        told: dict[str, str] = answer.raise_for_status().json()
        return told

    async def signed(self, session: AsyncSession) -> int:
        return await signed_count(session, self.ids)

    async def values(self, session: AsyncSession) -> int:
        """How many signature values lie here that are not yet in a file."""
        where = (RemoteItem.sitting_id == self.sitting, RemoteItem.state == "WAITING")
        found = select(func.count()).select_from(RemoteItem).where(*where, RemoteItem.value.is_not(None))
        return await session.scalar(found) or 0

    async def state(self, session: AsyncSession) -> str | None:
        return await session.scalar(select(RemoteSitting.state).where(RemoteSitting.id == self.sitting))

    async def has_ended(self, session: AsyncSession) -> bool:
        return await self.state(session) not in ("PREPARED", "WAITING")

    def ends_signed(self) -> None:
        """Every paper comes out signed, whole and once; whoever calls again changes nothing."""
        self._mortal.wait(self.has_ended, "the end of the sitting")
        assert self._mortal.read(self.state) == "SIGNED"
        assert [self.call_back() for _ in range(3)] == [{"state": "SIGNED"}] * 3
        assert self.still_waiting() == []
        assert self._mortal.read(self.signed) == len(self.ids)

    def still_waiting(self) -> list[UUID]:
        """Hold every paper against its evidence; returns those that are not signed."""
        mortal = self._mortal
        return mortal.run(check_each(mortal.sessions, mortal.objects, self.ids, mortal.trust))


@pytest.mark.parametrize("approved", ["while the server is dead", "after the restart"])
def test_a_server_killed_while_the_phone_is_waited_for_signs_once_afterwards(
    mortal: Mortal, approved: str
) -> None:
    asked = Asked(mortal, 3)
    mortal.kill()
    assert asked.still_waiting() == asked.ids
    if approved == "while the server is dead":
        asked.press()  # Nobody hears the callback: the restarted server has to ask.
        mortal.restart()
    else:
        mortal.restart()
        asked.press()
    asked.ends_signed()


def test_a_leave_that_died_with_the_server_signs_nothing_and_can_be_asked_for_anew(mortal: Mortal) -> None:
    asked = Asked(mortal, 2)
    mortal.mood("csc", mode="slow-signature")
    pressing = mortal.aside(asked.press)
    wait_for(lambda: asked.is_used() or None, what="the service's leave")
    mortal.kill()  # The leave, which is a secret and kept nowhere, is gone; the service gives it once.
    pressing.result(60)
    mortal.mood("csc", mode="ok")
    mortal.restart()
    mortal.wait(asked.has_ended, "the end of the sitting")
    assert mortal.read(asked.state) == "FAILED"
    assert asked.still_waiting() == asked.ids
    held = select(Document.id).where(Document.id.in_(asked.ids), Document.lease.is_not(None))
    assert mortal.read(lambda session: session.scalar(held)) is None
    asked.again()
    asked.press()
    asked.ends_signed()


Moment = Callable[[Asked, AsyncSession], Awaitable[bool]]


async def values_came(asked: Asked, session: AsyncSession) -> bool:
    return await asked.values(session) == len(asked.ids)


async def some_are_signed(asked: Asked, session: AsyncSession) -> bool:
    return 0 < await asked.signed(session) < len(asked.ids)


@pytest.mark.parametrize(("moment", "count"), [(values_came, 4), (some_are_signed, 45)])
def test_a_server_killed_between_the_answer_and_the_files_finishes_each_file_once(
    mortal: Mortal, moment: Moment, count: int
) -> None:
    asked = Asked(mortal, count)
    mortal.mood("pki", mode="ok", delay_ms=500)
    pressing = mortal.aside(asked.press)
    mortal.wait(lambda session: moment(asked, session), "the moment to kill")
    mortal.kill()
    pressing.result(60)
    mortal.mood("pki", mode="ok")
    assert mortal.read(asked.values) > 0
    assert mortal.read(asked.state) == "WAITING"
    mortal.restart()
    asked.ends_signed()
