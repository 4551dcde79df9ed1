"""A server killed in the middle of a batch: every document is signed or not, never half, and the rest can be signed."""

import asyncio
import os
import signal
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from hospital.demo.known import DEMO_PASSWORD, DEMO_PIN, staff_rows
from hospital.demo.running import Hospital, running_hospital
from hospital.postgres import throw_away
from hospital.processes import child, wait_until_it_answers
from kernel.db import Sessions, make_engine, make_sessions
from kernel.objects import FolderStore
from signing.api import (
    TrustList,
)
from signing.documents.models import Document
from tests.signing.kill.whole import check_each, prepare, signed_count

pytestmark = pytest.mark.anyio
COUNT, DELAY_MS, LEASE_SECONDS = 45, 500, 6
AUTHOR = UUID(next(row["id"] for row in staff_rows() if row["username"] == "bacsi"))


def sign(hospital: Hospital, ids: list[UUID]) -> list[str]:
    """Confirm a batch over HTTP; returns the state of each."""
    with httpx.Client(base_url=hospital.base_url, timeout=60) as client:
        client.headers["x-csrf-token"] = client.get("/login").cookies["lanh_csrf"]
        body = {"username": "bacsi", "password": DEMO_PASSWORD}
        client.post("/api/login", json=body).raise_for_status()
        client.headers["x-csrf-token"] = client.cookies["lanh_csrf"]
        asked = {"documents": [str(key) for key in ids], "pin": DEMO_PIN}
        answer = client.post("/api/signing/signatures", json=asked).raise_for_status()
        return [result["state"] for result in answer.json()]


async def test_a_killed_batch_leaves_every_document_signed_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOSPITAL_SIGNING_LEASE_SECONDS", str(LEASE_SECONDS))
    with throw_away() as cluster:
        start = asyncio.to_thread(lambda: house.__enter__())
        house = running_hospital(tmp_path, database_url=cluster.app_url(), owner_url=cluster.url())
        hospital = await start
        engine = make_engine(cluster.app_url(), pool_size=2)
        try:
            await kill_and_go_on(hospital, make_sessions(engine), FolderStore(tmp_path / "objects"))
        finally:
            await engine.dispose()
            await asyncio.to_thread(house.__exit__, None, None, None)


async def kill_and_go_on(hospital: Hospital, sessions: Sessions, objects: FolderStore) -> None:
    ids = await prepare(sessions, objects, COUNT, author=AUTHOR)
    trust = TrustList.from_pem((hospital.data_dir / "pki" / "trust.pem").read_bytes(), demo=True)
    async with httpx.AsyncClient(base_url=hospital.outside_url) as outside:
        mood = {"mode": "ok", "delay_ms": DELAY_MS}
        (await outside.post("/outside/pki/mood", json=mood)).raise_for_status()
        batch = asyncio.create_task(asyncio.to_thread(sign, hospital, ids))
        while not 0 < await signed_count(sessions) < COUNT:
            assert not batch.done(), "the batch ended before it could be killed"
            await asyncio.sleep(0.005)
        os.killpg(hospital.web.pid, signal.SIGKILL)
        with pytest.raises(httpx.HTTPError):
            await batch
        hospital.web.wait(10)
        waiting = await check_each(sessions, objects, ids, trust)
        assert 0 < len(waiting) < COUNT
        (await outside.post("/outside/pki/mood", json={"mode": "ok"})).raise_for_status()
    async with sessions() as session:
        held = await session.scalars(select(Document.lease_until).where(Document.id.in_(waiting)))
        assert all(
            until is not None for until in held
        )  # What the dead server held falls free by the clock alone.
    port = httpx.URL(hospital.base_url).port
    log = hospital.data_dir / "logs" / "web2.log"
    with child("serve", "--port", str(port), environment=hospital.environment, log=log) as web:
        await asyncio.to_thread(wait_until_it_answers, f"{hospital.base_url}/readyz", web, log)
        for _ in range(4 * LEASE_SECONDS):
            states = await asyncio.to_thread(sign, hospital, waiting)
            waiting = [key for key, state in zip(waiting, states, strict=True) if state != "signed"]
            if not waiting:
                break
            await asyncio.sleep(0.5)
        assert await check_each(sessions, objects, ids, trust) == []
    assert await signed_count(sessions) == COUNT
