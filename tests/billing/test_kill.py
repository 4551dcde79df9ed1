"""A kill -9 of the server between notice and match loses nothing."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from billing.notices.models import BankTransaction, Notice
from billing.receipts.models import Receipt
from billing.requests.rules import RequestState
from billing.requests.service import get_request
from hospital.processes import free_port, wait_until_it_answers
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.outbox.api import drain
from tests.billing.builders import SECRET, SETTINGS, a_request, an_episode, sepay_body, signed
from tests.conftest import RealDatabase

ROOT = Path(__file__).parent.parent.parent
SERVE = "import sys; from hospital.commands.serve import serve_app; serve_app(sys.argv[1], '127.0.0.1', int(sys.argv[2]))"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, billing=SETTINGS)


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "transactions"), [("before_match", 1), ("before_read", 0)])
async def test_a_killed_server_loses_no_money(
    real_db: RealDatabase, tmp_path: Path, stage: str, transactions: int
) -> None:
    async with real_db.sessions.begin() as session:
        request = await a_request(session, await an_episode(session))
    raw = sepay_body(150_000, request.reference)
    answer = await post_and_be_killed(real_db, tmp_path, stage, raw)
    async with real_db.sessions.begin() as session:
        assert (await get_request(session, request.id)).state is RequestState.PENDING
        assert await session.scalar(select(func.count()).select_from(Notice)) == 1
        assert await session.scalar(select(func.count()).select_from(BankTransaction)) == transactions
    await drain(real_db.app.state.services, now=utc_now() + timedelta(seconds=10), raises=False)
    if answer is None:  # The gateway sends again what was not answered.
        await real_db.client.post("/webhooks/sepay", content=raw, headers=signed(raw))
        await drain(real_db.app.state.services, now=utc_now() + timedelta(seconds=10), raises=False)
    async with real_db.sessions.begin() as session:
        paid = await get_request(session, request.id)
        assert await session.scalar(select(func.count()).select_from(Receipt)) == 1
    assert (paid.state, paid.received, paid.excess) == (RequestState.PAID, 150_000, 0)


async def post_and_be_killed(db: RealDatabase, folder: Path, stage: str, raw: bytes) -> httpx.Response | None:
    """Serve from another process, post the notice, and see the process die of it."""
    port, log = free_port(), folder / "server.log"
    environment = {
        **os.environ,
        "DATABASE_URL": db.url,
        "HOSPITAL_DATA_DIR": str(folder),
        "HOSPITAL_INLINE_WORKER": "false",
        "HOSPITAL_CPU_WORKERS": "0",
        "HOSPITAL_BILLING_SEPAY_SECRET": SECRET,
    }
    command = [sys.executable, "-c", SERVE, f"tests.billing.dying_server:{stage}", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            wait_until_it_answers(f"http://127.0.0.1:{port}/healthz", process, log)
            async with httpx.AsyncClient(timeout=20) as gateway:
                try:
                    address = f"http://127.0.0.1:{port}/webhooks/sepay"
                    return await gateway.post(address, content=raw, headers=signed(raw))
                except httpx.TransportError:
                    return None
        finally:
            process.terminate()
            process.wait(20)
