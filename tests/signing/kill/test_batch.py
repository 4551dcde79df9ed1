"""A server killed in the middle of a batch: every document is signed or not, never half, and the rest can be signed."""

from uuid import UUID

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from hospital.demo.known import DEMO_PIN, staff_rows
from hospital.journey.clients import Client
from signing.documents.models import Document
from tests.signing.kill.mortal import Mortal
from tests.signing.kill.whole import check_each, prepare, signed_count

pytestmark = pytest.mark.slow
COUNT, DELAY_MS = 45, 500
AUTHOR = UUID(next(row["id"] for row in staff_rows() if row["username"] == "bacsi"))


def sign(doctor: Client, ids: list[UUID]) -> list[str]:
    """Confirm a batch; returns the state of each."""
    asked = {"documents": [str(key) for key in ids], "pin": DEMO_PIN}
    return [result["state"] for result in doctor.post("/api/signing/signatures", asked)]


def test_a_killed_batch_leaves_every_document_signed_or_not(mortal: Mortal) -> None:
    ids = mortal.run(prepare(mortal.sessions, mortal.objects, COUNT, author=AUTHOR))
    doctor = mortal.staff("bacsi")
    mortal.mood("pki", mode="ok", delay_ms=DELAY_MS)
    batch = mortal.aside(lambda: sign(doctor, ids))

    async def some_are_signed(session: AsyncSession) -> bool:
        return 0 < await signed_count(session, ids) < COUNT

    mortal.wait(some_are_signed, "a signature of the batch")
    mortal.kill()
    with pytest.raises(httpx.HTTPError):
        batch.result(60)
    mortal.mood("pki", mode="ok")
    waiting = mortal.run(check_each(mortal.sessions, mortal.objects, ids, mortal.trust))
    assert 0 < len(waiting) < COUNT
    free = select(Document.id).where(Document.id.in_(waiting), Document.lease_until.is_(None))
    assert mortal.read(lambda session: session.scalar(free)) is None, "what it held falls free by the clock"
    mortal.restart()
    assert sign(mortal.staff("bacsi"), waiting) == ["signed"] * len(waiting)
    assert mortal.run(check_each(mortal.sessions, mortal.objects, ids, mortal.trust)) == []
    assert mortal.read(lambda session: signed_count(session, ids)) == COUNT
