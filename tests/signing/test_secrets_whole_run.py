"""After every way to sign was used: no PIN, code, provider password or picture of a finger in database, files or logs."""

import base64
import logging
import zlib
from collections import Counter
from pathlib import Path

import pytest
import structlog
from msgspec.structs import replace
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import create_async_engine

from hospital.demo.outside.people import world_routes
from hospital.demo.outside.sms import gateway_routes
from hospital.demo.pki import DemoPki, Holder
from hospital.settings import Settings
from signing.documents.models import Signature
from signing.key_kinds import KeyKind
from signing.tasks import service
from tests.conftest import RealDatabase
from tests.signing.hospital import give_certificate
from tests.signing.people.ward import Outside, people_settings
from tests.signing.remote.hospital import NUMBER, remote_hospital, remote_settings
from tests.signing.secret_search import dump, everything_logged, find, find_code, folder_bytes, shapes
from tests.signing.tokens import RSA_ID, SoftHsm
from tests.signing.whole_run import (
    CONFIGURED,
    FILE_PIN,
    IMAGE,
    SEAL_PIN,
    TYPED,
    by_hsm,
    by_key_file,
    by_patients,
    by_remote_service,
    by_token_at_the_pc,
)

pytestmark = pytest.mark.anyio
STROKE = "[96,160,54,0.5]"  # A point of a drawn signature with its moment and pressure.


@pytest.fixture
def settings(settings: Settings, pki: DemoPki) -> Settings:
    made = people_settings(remote_settings(settings, pki), pki)
    return replace(made, signing=replace(made.signing, organisation_pin=SEAL_PIN))


async def test_after_a_whole_run_no_secret_lies_anywhere(
    real_db: RealDatabase,
    pki: DemoPki,
    softhsm: SoftHsm,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    service._seals.clear()
    outside, agent_log = Outside(), tmp_path / "agent.log"
    beside = [*world_routes(outside.world), *gateway_routes(outside.gateway)]
    owner = Holder("token", "Nguyễn Thị Hương", f"CCCD:{NUMBER}", title="BS")
    _, on_token = softhsm.certify(pki, owner, softhsm.new_token("Token cả lượt"), RSA_ID)
    with everything_logged() as log:
        await give_certificate(real_db.sessions, real_db.settings, pki, None, pin=SEAL_PIN)
        async with remote_hospital(real_db, pki, explicit=True, beside=beside) as house:
            passing = await by_remote_service(house)
            await by_key_file(real_db, pki)
            await by_hsm(real_db, pki, softhsm)
            codes = await by_patients(real_db, pki, outside)
        async with remote_hospital(real_db, pki, way=KeyKind.TOKEN, certificate=on_token) as house:
            await by_token_at_the_pc(house, agent_log)
    service._seals.clear()
    async with real_db.sessions() as session:
        methods = Counter(await session.scalars(select(Signature.method)))
    assert methods == {
        "PKI_REMOTE_CSC": 4,
        "PKI_SOFTWARE": 6,
        "PKI_TOKEN_HSM": 1,
        "PKI_TOKEN_AGENT": 1,
        "DRAWN": 1,
        "FINGERPRINT": 1,
        "OTP": 1,
        "WITNESSED": 1,
    }
    printed = capfd.readouterr()
    places = {
        "the logs": [log.getvalue().encode(), printed.out.encode(), printed.err.encode()],
        "the log of the program at the PC": [agent_log.read_bytes()],
        "the database": [dump(real_db.owner_url)],
        "the files": folder_bytes(real_db.settings.kernel.data_dir) + folder_bytes(pki.folder / "keys"),
    }
    assert len(passing) >= 4
    assert len(codes) == 2
    for place, data in places.items():
        for secret in (*TYPED, *CONFIGURED, *passing, IMAGE, STROKE):
            assert find(secret, *data) == [], f"{secret} in {place}"
        for code in codes:
            assert find_code(code, *data) == [], f"{code} in {place}"
    # The search looks where it should: what must be there is found.
    assert find("Nguyễn Thị Hương", *places["the database"])
    assert b"/api/signing/signatures" in b"".join(places["the logs"])
    assert find("Bệnh viện Đa khoa Ví Dụ", *places["the files"])
    assert any(b"%PDF" in data for data in places["the files"])


@pytest.mark.parametrize("form", ["plain", "hex", "base64-0", "base64-1", "base64-2"])
def test_a_planted_secret_is_found_in_every_form(form: str) -> None:
    raw = FILE_PIN.encode()
    planted = {
        "plain": b"x" + raw,
        "hex": raw.hex().encode(),
        "base64-0": base64.b64encode(raw + b"tail"),
        "base64-1": base64.b64encode(b"a" + raw + b"tail"),
        "base64-2": base64.b64encode(b"ab" + raw + b"tail"),
    }[form]
    assert find(FILE_PIN, planted)
    assert all(len(shape) > 4 for shape in shapes(FILE_PIN))


@pytest.mark.parametrize("said", ["ma 482913.", '"code":"482913"', "code=482913 ", "482913"])
def test_a_planted_code_is_found_alone_and_not_within_a_number(said: str) -> None:
    assert find_code("482913", said.encode())
    assert find_code("482913", b"1482913", b"12.482913", b"ab482913cd") == []
    assert find_code("482913", b"x" + b"482913".hex().encode())


async def test_a_secret_planted_in_a_table_a_file_or_a_log_is_found(
    real_db: RealDatabase, tmp_path: Path
) -> None:
    owner = create_async_engine(real_db.owner_url)
    async with owner.begin() as connection:
        await connection.execute(text("CREATE TABLE planted (words text, bytes bytea)"))
        values = {"words": f"PIN={FILE_PIN}", "bytes": b"\x01" + IMAGE.encode()}
        await connection.execute(text("INSERT INTO planted VALUES (:words, :bytes)"), values)
    await owner.dispose()
    assert find(FILE_PIN, dump(real_db.owner_url))
    assert find(IMAGE, dump(real_db.owner_url))
    packed = zlib.compress(IMAGE.encode())
    (tmp_path / "a.pdf").write_bytes(b"<</Filter/FlateDecode>>\nstream\n" + packed + b"\nendstream")
    coded = zlib.compress(FILE_PIN.encode()).hex().encode() + b">"
    body = b"<</Filter[/ASCIIHexDecode/FlateDecode]>>\nstream\n" + coded + b"\nendstream"
    (tmp_path / "b.pdf").write_bytes(body)
    assert find(IMAGE, *folder_bytes(tmp_path))
    assert find(FILE_PIN, *folder_bytes(tmp_path))
    with everything_logged() as log:
        structlog.get_logger("planted").debug("typed", pin=FILE_PIN)
        logging.getLogger("planted").debug("typed %s", SEAL_PIN)
    assert find(FILE_PIN, log.getvalue().encode())
    assert find(SEAL_PIN, log.getvalue().encode())
