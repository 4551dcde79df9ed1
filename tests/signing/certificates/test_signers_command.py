"""`hospital signers` names who is not ready, and ends well only when everybody is."""

from pathlib import Path

import anyio.to_thread
import pytest
from click.testing import CliRunner

from hospital.commands.signers import signers
from hospital.demo.pki import DemoPki
from kernel.clock import utc_now
from kernel.staff.api import Role
from signing.rehearsal.service import rehearse
from signing.tasks import service
from tests.conftest import RealDatabase
from tests.signing.holders import PIN
from tests.signing.hospital import authority_client, give_certificate, with_authority


async def test_the_list_of_who_is_not_ready(
    real_db: RealDatabase, pki: DemoPki, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", real_db.url)
    monkeypatch.setenv("HOSPITAL_DATA_DIR", str(tmp_path))

    async def run(*arguments: str) -> tuple[int, str]:
        answer = await anyio.to_thread.run_sync(lambda: CliRunner().invoke(signers, arguments))
        return answer.exit_code, answer.output

    doctor = await real_db.sign_in(Role.DOCTOR, name="Nguyễn Thị Hương", department="K02")
    await give_certificate(real_db.sessions, real_db.settings, pki, doctor)
    await give_certificate(real_db.sessions, real_db.settings, pki, None)
    code, said = await run()
    assert code == 1
    assert "CHƯA  Nguyễn Thị Hương · K02: Chưa thử lần nào" in said
    assert "0 trên 2 người ký đã sẵn sàng." in said
    service._seals.clear()
    async with authority_client(pki) as http:
        services = with_authority(real_db.services, http)
        assert (await rehearse(services, doctor, PIN, now=utc_now())).ready
        assert (await rehearse(services, doctor, "", now=utc_now(), organisation=True)).ready
    code, said = await run("--all")
    assert code == 0
    assert "tốt   Nguyễn Thị Hương · K02" in said
    assert "2 trên 2 người ký đã sẵn sàng." in said
    service._seals.clear()
