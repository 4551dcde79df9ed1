"""Signing with a key that is elsewhere, in a real browser: the phone of the fake service, and a USB token in this PC."""

import asyncio
import os
import re
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from hospital.demo.pki import DemoPki, staff_holder
from hospital.demo.running import Hospital
from hospital.processes import child, free_port, wait_until_it_answers
from hospital.settings import Settings, read_settings
from kernel.clock import utc_now
from kernel.db import APPLICATION_ROLE, make_engine, make_sessions
from kernel.ids import new_id
from kernel.services import object_store
from kernel.staff.api import SYSTEM, list_staff
from signing.api import (
    KeyKind,
    NewDocument,
    NewSlot,
    RegisterCertificate,
    TrustList,
    prepare_document,
    register_certificate,
    verify_pdf,
)
from signing.documents.models import Document
from signing.policy.models import PolicyRule
from tests.signing.files import a_file
from tests.signing.tokens import MODULE, RSA_ID, TOKEN_PIN, SoftHsm
from tools.tour import Tour, browser, throw_away_hospital

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Result = TypeVar("Result")
TITLE, KIND = "Phiếu thử token", "THU-TOKEN"


@pytest.fixture(scope="module")
def agent_port() -> Iterator[int]:
    port = free_port()
    os.environ["HOSPITAL_SIGNING_AGENT_PORT"] = str(port)
    yield port
    del os.environ["HOSPITAL_SIGNING_AGENT_PORT"]


class House(Struct, frozen=True):
    """A running demo hospital and its browser."""

    tour: Tour
    hospital: Hospital

    def open(self, user: str, path: str, size: str = "staff") -> Page:
        page = self.tour.window(user, size)
        page.goto(path)
        return page


@pytest.fixture(scope="module")
def house(agent_port: int) -> Iterator[House]:
    with throw_away_hospital() as hospital, browser() as chromium:
        yield House(Tour(chromium, hospital), hospital)


def aside(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in a thread of its own: Playwright keeps this one's loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def trust_of(hospital: Hospital) -> tuple[DemoPki, TrustList]:
    pki = DemoPki(hospital.data_dir / "pki")
    return pki, TrustList([pki.root], [pki.issuing], demo=True)


async def head_of(settings: Settings, title: str) -> bytes:
    """The bytes of a document as they stand."""
    engine = make_engine(settings.database_url, role=APPLICATION_ROLE, pool_size=1)
    try:
        async with make_sessions(engine)() as session:
            head = await session.scalar(select(Document.head_sha256).where(Document.title == title))
            assert head is not None
            return await object_store(settings.kernel).get(head)
    finally:
        await engine.dispose()


def test_a_doctor_approves_on_the_phone(house: House, tmp_path: Path) -> None:
    page = house.open("bacsi2", "/sign")
    page.get_by_role("link", name=re.compile("^Ký")).last.click()
    expect(page.get_by_text("ký từ xa (ứng dụng trên điện thoại)")).to_be_visible()
    page.get_by_role("button", name=re.compile("Gửi yêu cầu ký")).click()
    expect(page.get_by_text(re.compile("Mở ứng dụng .* trên điện thoại để phê duyệt"))).to_be_visible()
    expect(page.locator("[data-left]")).to_have_text(re.compile(r"0[0-3]:\d\d"))
    page.screenshot(path=tmp_path / "waiting.png")
    phone = house.open("", f"{house.hospital.outside_url}/outside/csc/", "portal")
    expect(phone.get_by_text("thử ký từ xa")).to_be_visible()
    phone.get_by_role("button", name="Phê duyệt").click()
    expect(page.get_by_text("Đã ký 1/1 văn bản.")).to_be_visible(timeout=15_000)
    page.screenshot(path=tmp_path / "signed.png")
    phone.close()
    page.close()


def test_a_request_is_cancelled_by_keyboard(house: House) -> None:
    page = house.open("bacsi2", "/sign/confirm")
    page.get_by_role("button", name=re.compile("Gửi yêu cầu ký")).press("Enter")
    cancel = page.get_by_role("button", name="Huỷ yêu cầu")
    cancel.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").get_by_text("Bạn đã huỷ yêu cầu ký.")).to_be_visible()
    page.close()


@pytest.fixture
def with_token(house: House, tmp_path: Path, agent_port: int) -> Iterator[x509.Certificate]:
    """A doctor with a token, its certificate registered, one paper waiting, the program running at the PC."""
    hsm = SoftHsm(tmp_path)
    settings = read_settings(house.hospital.environment)
    certificate = aside(_give_token(house.hospital, settings, hsm))
    arguments = ["token-agent", "--origin", house.hospital.base_url, "--port", str(agent_port)]
    environment = {**house.hospital.environment, "SOFTHSM2_CONF": os.environ["SOFTHSM2_CONF"]}
    log = tmp_path / "agent.log"
    with child(*arguments, "--module", str(MODULE), environment=environment, log=log) as process:
        wait_until_it_answers(f"http://127.0.0.1:{agent_port}/ask/", process, log)
        yield certificate
    said = log.read_text()
    assert TOKEN_PIN not in said


async def _give_token(hospital: Hospital, settings: Settings, hsm: SoftHsm) -> x509.Certificate:
    pki, trust = trust_of(hospital)
    engine = make_engine(settings.database_url, role=APPLICATION_ROLE, pool_size=2)
    sessions, now = make_sessions(engine), utc_now()
    async with sessions() as session:
        doctor = next(p for p in await list_staff(session) if p.username == "bacsi")
    holder = staff_holder(doctor, settings.kernel.facility)
    _, certificate = hsm.certify(pki, holder, hsm.new_token("Token bác sĩ"), RSA_ID)
    command = RegisterCertificate(
        id=new_id(),
        certificate=certificate.public_bytes(Encoding.DER),
        chain=[pki.issuing.public_bytes(Encoding.DER)],
        key_kind=KeyKind.TOKEN,
        key_name="",
        staff_id=doctor.id,
    )
    rule: dict[str, Any] = {"owner_kind": "STAFF", "staff_id": doctor.id, "document_kind": KIND}
    paper = NewDocument(
        id=new_id(),
        kind=KIND,
        title=TITLE,
        subject="demo.token:1",
        author_id=doctor.id,
        sha256=await object_store(settings.kernel).put(a_file()),
        slots=[NewSlot(field="bac_si", label="Bác sĩ", owner_staff_id=doctor.id)],
    )
    async with sessions.begin() as session:
        facility = settings.kernel.facility
        await register_certificate(session, command, trust=trust, facility=facility, actor=SYSTEM, now=now)
        made = {"id": new_id(), "key_kinds": ["TOKEN"], "reason": "thử", "set_at": now, "set_by": SYSTEM.id}
        session.add(PolicyRule(**rule, **made))
        await prepare_document(session, paper, now=now)
    await engine.dispose()
    return certificate


def test_a_token_signs_through_the_program_at_the_pc(
    house: House, with_token: x509.Certificate, tmp_path: Path
) -> None:
    page = house.open("bacsi", "/sign/confirm")
    held: list[Route] = []
    page.route("**/token.js", lambda route: held.append(route))
    page.get_by_role("button", name=re.compile("Gửi yêu cầu ký")).click()
    expect(page.get_by_text("Ký bằng USB token trên máy này.")).to_be_visible()
    button = page.get_by_role("button", name="Mở cửa sổ ký")
    expect(button).to_be_disabled()  # Its script is still on the way: a click would open nothing.
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    expect(button).to_be_focused()
    button.evaluate("button => { button.dataset.old = '' }")
    page.evaluate("document.body.dispatchEvent(new Event('live'))")  # The page draws itself anew.
    expect(page.locator("[data-old]")).to_have_count(0)
    with page.expect_popup() as opened:
        button.click()
    window = opened.value
    expect(window.get_by_text(TITLE)).to_be_visible()
    mark = page.locator("td code:not(.hash)").inner_text()
    expect(window.get_by_text(mark)).to_be_visible()
    window.get_by_label("Mã PIN của token").fill("0000")
    window.keyboard.press("Enter")
    expect(window.get_by_role("alert")).to_contain_text("PIN")
    window.screenshot(path=tmp_path / "window.png")
    window.get_by_label("Mã PIN của token").fill(TOKEN_PIN)
    window.keyboard.press("Enter")
    expect(page.get_by_text("Đã ký 1/1 văn bản.")).to_be_visible(timeout=15_000)
    page.screenshot(path=tmp_path / "token.png")
    page.close()
    settings = read_settings(house.hospital.environment)
    _, trust = trust_of(house.hospital)
    report = verify_pdf(aside(head_of(settings, TITLE)), trust, datetime.now(UTC))
    assert report.valid
    assert report.signatures[0].serial == f"{with_token.serial_number:X}"
    assert report.signatures[0].stamped_at is not None
