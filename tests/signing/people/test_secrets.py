"""After everything that patients and witnesses can do: no PIN, no one-time code, no picture of a finger anywhere."""

import base64
import re
import zlib
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from hospital.demo.outside.people import ReaderMood
from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.outbox.api import drain
from kernel.services import Services
from kernel.staff.api import Role
from signing.keys import WrongPin
from signing.people.absence import witness
from signing.people.confirm import ask_code, draw, enter_code, press
from signing.people.outside import ReaderSaidTooMuch
from signing.people.phones import WrongCode, ask_proof, prove_phone
from signing.people.rules import Absence, Kind
from tests.conftest import SignedIn
from tests.signing.holders import PIN
from tests.signing.hospital import give_certificate
from tests.signing.people.ward import DRAWING, Outside, a_paper, a_sitting

OTHER_PIN = "975318642"
IMAGE = b"BIOMETRIC-IMAGE-OF-A-FINGER"


async def everything_kept(services: Services) -> list[bytes]:
    """Every row of every table as text, every object, and what is packed inside the objects."""
    kept: list[bytes] = []
    async with services.sessions() as session:
        names = (
            await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        ).all()
        for name in names:
            rows = await session.scalars(text(f'SELECT t::text FROM "{name}" t'))
            kept.append("\n".join(rows.all()).encode())
    folder: Path = services.objects.root  # type: ignore[attr-defined]  # the folder store
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            kept.append(data)
            for packed in re.findall(rb"/FlateDecode.*?stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL):
                try:
                    kept.append(zlib.decompress(packed))
                except zlib.error:
                    continue
    return kept


async def test_no_secret_and_no_finger_is_kept_or_logged(
    services: Services,
    signed_in: SignedIn,
    settings: Settings,
    pki: DemoPki,
    outside: Outside,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    doctor = await signed_in(Role.DOCTOR, name="Nguyễn Thị Hương")
    await give_certificate(services.sessions, settings, pki, None)
    codes = []
    drawn = await a_sitting(services, doctor, await a_paper(services, doctor, patient_id=uuid4()))
    await drawn.see()
    await draw(services, drawn.code, drawn.token, DRAWING, now=utc_now())
    finger = await a_sitting(services, doctor, await a_paper(services, doctor, patient_id=uuid4()))
    await finger.see()
    outside.world.reader = ReaderMood.IMAGE
    with pytest.raises(ReaderSaidTooMuch):
        await press(services, finger.code, finger.token, consent=True, now=utc_now())
    outside.world.reader = ReaderMood.MATCH
    await press(services, finger.code, finger.token, consent=True, now=utc_now())
    phone = await a_sitting(services, doctor, await a_paper(services, doctor, patient_id=uuid4()))
    await phone.see()
    await ask_proof(services, phone.view.id, "0901234567", actor=doctor, now=utc_now())
    await drain(services)
    codes.append(outside.code_sent())
    await prove_phone(services, phone.view.id, codes[-1], actor=doctor, now=utc_now())
    await ask_code(services, phone.code, phone.token, now=utc_now())
    await drain(services)
    codes.append(outside.code_sent())
    with pytest.raises(WrongCode):
        await enter_code(services, phone.code, phone.token, "no code", now=utc_now())
    await enter_code(services, phone.code, phone.token, codes[-1], now=utc_now())
    absent = await a_sitting(
        services,
        doctor,
        await a_paper(services, doctor, patient_id=uuid4()),
        kind=Kind.ABSENCE,
        absence=Absence.CANNOT_SIGN,
        reason="Gãy hai tay",
    )
    for number in ("001180000002", "001180000003"):
        nurse = await signed_in(Role.NURSE, name=f"Điều Dưỡng {number[-1]}")
        await give_certificate(services.sessions, settings, pki, nurse, number=number)
        with pytest.raises(WrongPin):
            await witness(services, absent.view.id, OTHER_PIN, actor=nurse, now=utc_now())
        await witness(services, absent.view.id, PIN, actor=nurse, now=utc_now())
    await drain(services)
    said = capfd.readouterr()
    kept = [*await everything_kept(services), said.out.encode(), said.err.encode(), caplog.text.encode()]
    assert sum(map(len, kept)) > 100_000
    secrets = [OTHER_PIN.encode(), IMAGE, base64.b64encode(IMAGE)[:30]]
    for secret in secrets:
        assert not any(secret in part for part in kept), secret
    for code in [PIN, *codes]:
        alone = re.compile(rb"(?<![0-9A-Za-z.:+/\\-])" + code.encode() + rb"(?![0-9A-Za-z.:+/\\-])")
        assert not any(alone.search(part) for part in kept), code
    timed = b"[96.0,160.0,54,0.5]"  # A point with its moment and pressure.
    assert not any(timed in part or b"[96,160,54,0.5]" in part for part in kept)
