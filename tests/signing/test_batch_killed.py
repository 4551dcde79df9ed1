"""A server killed in the middle of a batch: every document is signed or not, never half, and the rest can be signed."""

import asyncio
import os
import signal
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import func, select

from hospital.demo.known import DEMO_PASSWORD, DEMO_PIN, staff_rows
from hospital.demo.running import Hospital, running_hospital
from hospital.postgres import throw_away
from hospital.processes import child, wait_until_it_answers
from kernel.clock import utc_now
from kernel.db import Sessions, make_engine, make_sessions
from kernel.objects import FolderStore
from signing.api import (
    DocumentState,
    NewDocument,
    NewSlot,
    SlotState,
    TrustList,
    get_document,
    prepare_document,
    verify_pdf,
)
from signing.documents.models import Document, Signature
from tests.signing.files import a_file

pytestmark = pytest.mark.anyio
COUNT, DELAY_MS, LEASE_SECONDS = 45, 500, 6
AUTHOR = UUID(next(row["id"] for row in staff_rows() if row["username"] == "bacsi"))


async def prepare(sessions: Sessions, objects: FolderStore) -> list[UUID]:
    ids = []
    for number in range(COUNT):
        document = NewDocument(
            id=uuid4(),
            kind="PKB",
            title=f"Phiếu {number}",
            subject=f"test:{uuid4()}",
            author_id=AUTHOR,
            sha256=await objects.put(a_file(["bac_si"], text=f"Phieu {number}")),
            slots=[NewSlot(field="bac_si", label="Bác sĩ", owner_staff_id=AUTHOR)],
        )
        async with sessions.begin() as session:
            await prepare_document(session, document, now=utc_now())
        ids.append(document.id)
    return ids


async def signed_count(sessions: Sessions) -> int:
    async with sessions() as session:
        return await session.scalar(select(func.count()).select_from(Signature)) or 0


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


async def check_each(
    sessions: Sessions, objects: FolderStore, ids: list[UUID], trust: TrustList
) -> list[UUID]:
    """Every document is signed whole or not at all, and its bytes say the same; returns those that still wait."""
    waiting = []
    for key in ids:
        async with sessions() as session:
            view = await get_document(session, key)
            evidence = (await session.scalars(select(Signature).where(Signature.document_id == key))).all()
        pdf = await objects.get(view.head_sha256)
        if evidence:
            assert view.state is DocumentState.ISSUED
            assert [slot.state for slot in view.slots] == [SlotState.SIGNED]
            assert [row.sha256 for row in evidence] == [view.head_sha256]
            report = verify_pdf(pdf, trust, utc_now())
            assert report.valid
            assert len(report.signatures) == 1
        else:
            assert (view.state, view.head_sha256) == (DocumentState.PENDING, view.base_sha256)
            assert b"/ByteRange" not in pdf
            waiting.append(key)
    return waiting


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
    ids = await prepare(sessions, objects)
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
