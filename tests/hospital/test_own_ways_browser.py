"""In a real browser: the desk signs on the phone and the visit ends by itself; a certificate is asked for by keyboard."""

import asyncio
import re
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from playwright.sync_api import Page, expect
from sqlalchemy import select

from hospital.demo.known import DEMO_PIN as PIN
from hospital.demo.running import Hospital
from hospital.settings import Settings, read_settings
from kernel.clock import utc_now
from kernel.db import APPLICATION_ROLE, make_engine, make_sessions
from kernel.staff.api import SYSTEM
from kernel.staff.models import StaffAccount
from signing.api import KeyKind
from signing.policy.service import SetRule, set_rule
from tests.hospital.desks import desk_of_next
from tools.tour import NOTE, Stop, Tour, browser, throw_away_hospital

pytestmark = [pytest.mark.browser, pytest.mark.slow]


class House(Struct, frozen=True):
    """A running demo hospital and its browser."""

    tour: Tour
    hospital: Hospital


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with throw_away_hospital() as hospital, browser() as chromium:
        yield House(Tour(chromium, hospital), hospital)


def aside(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine in a thread of its own: Playwright keeps this one's loop."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


async def notes_by_phone(settings: Settings) -> None:
    """Let bacsi2 sign notes at the remote service, everything else with the key file."""
    engine = make_engine(settings.database_url, role=APPLICATION_ROLE, pool_size=1)
    async with make_sessions(engine).begin() as session:
        doctor = await session.scalar(select(StaffAccount.id).where(StaffAccount.username == "bacsi2"))
        rule = SetRule(staff_id=doctor, document_kind="PKB", key_kinds=[KeyKind.CSC])
        await set_rule(session, rule, actor=SYSTEM, now=utc_now())
    await engine.dispose()


def written_visit(tour: Tour) -> Page:
    """The next person of room 2, called and examined, the note written."""
    page = desk_of_next(tour)
    for field, text in NOTE.items():
        page.fill(f"[id='PKB:{field}']", text)
    page.focus("#dx-pick-text")
    page.keyboard.type("F41.1")
    page.wait_for_selector("#dx-pick-list [data-value]")
    page.keyboard.press("Enter")
    page.check("input[name='PKB:huong_giai_quyet'][value='1']")
    page.keyboard.press("Control+S")
    expect(page.locator("#save-state")).to_have_text(re.compile(r"Đã (tự )?lưu"))
    return page


def test_the_desk_asks_the_phone_and_the_visit_ends_by_itself(house: House, tmp_path: Path) -> None:
    tour = house.tour
    aside(notes_by_phone(read_settings(house.hospital.environment)))
    page = written_visit(tour)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("dialog[open]")
    expect(page.locator("dialog[open]")).to_contain_text("ký từ xa (ứng dụng trên điện thoại)")
    assert page.locator("#pin").count() == 0
    page.screenshot(path=tmp_path / "dialog.png")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/sittings/**")
    expect(page.get_by_text(re.compile("Mở ứng dụng .* trên điện thoại để phê duyệt"))).to_be_visible()
    page.screenshot(path=tmp_path / "waiting.png")
    page.get_by_role("button", name="Huỷ yêu cầu").press("Enter")
    expect(page.get_by_text("Đã huỷ.")).to_be_visible()
    page.screenshot(path=tmp_path / "cancelled.png")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/sittings/**")
    phone = tour.window("", "portal")
    phone.goto(f"{house.hospital.outside_url}/outside/csc/")
    phone.get_by_role(
        "button", name="Phê duyệt"
    ).last.click()  # The first was cancelled here; the service keeps it.
    page.wait_for_url("**/workbench/rooms/PK2?finished=**", timeout=20_000)
    expect(page.locator(".toast")).to_contain_text("Đã ký và kết thúc khám")
    phone.close()
    page.close()


def test_a_certificate_is_asked_for_issued_and_taken_in(house: House, tmp_path: Path) -> None:
    tour = house.tour
    page = tour.visit(Stop("enrol", "/sign/enrolments/new", "bacsi"))
    page.get_by_label("ECDSA P-256").check()
    page.get_by_label("Mã PIN mới", exact=True).fill(PIN)
    page.get_by_label("Nhập lại mã PIN mới").fill(PIN)
    page.screenshot(path=tmp_path / "form.png")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/sign/enrolments/[0-9a-f-]{36}$"))
    page.screenshot(path=tmp_path / "request.png")
    with page.expect_download() as got:
        page.get_by_role("link", name="Tải tệp yêu cầu").press("Enter")
    got.value.save_as(tmp_path / "request.pem")
    counter = tour.window("", "portal")
    counter.goto(f"{house.hospital.outside_url}/outside/ca")
    counter.set_input_files("#file", tmp_path / "request.pem")
    counter.screenshot(path=tmp_path / "counter.png")
    with counter.expect_download() as issued:
        counter.get_by_role("button", name="Cấp chứng thư").click()
    issued.value.save_as(tmp_path / "issued.pem")
    counter.close()
    page.set_input_files("#file", tmp_path / "issued.pem")
    page.get_by_label("Mã PIN đã đặt").fill(PIN)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Chứng thư đang dùng để ký từ")).to_be_visible()
    page.screenshot(path=tmp_path / "issued.png")
    page.goto("/sign/certificates")
    page.screenshot(path=tmp_path / "mine.png")
    page.goto("/sign/rehearsal")
    page.get_by_label("Mã PIN").fill(PIN)
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("ECDSA|sẵn sàng", re.IGNORECASE)).first).to_be_visible(timeout=15_000)
    page.close()
