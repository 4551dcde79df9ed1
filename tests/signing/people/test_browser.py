"""A patient signs on a tablet with a real pointer: two papers in one sitting, from the doctor's form to the verify page."""

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hospital.demo.known import DEMO_PASSWORD
from hospital.demo.running import Hospital
from hospital.journey import clinic
from hospital.journey.clients import Client, staff
from hospital.journey.people import Person
from tests.hospital.test_accessibility import faults
from tools.tour import SIZES, browser, throw_away_hospital

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PERSON = Person(
    "Mai Thị Ký Thử", "001190990077", "1990-04-02", "FEMALE", "0509000077", "BHYT", "DN4010000000077"
)
CONSENT = {
    "chan_doan": {"code": "F41.1", "name": "Rối loạn lo âu lan tỏa"},
    "phuong_phap": "Sinh thiết hạch cổ dưới gây tê tại chỗ",
    "vo_cam": "Gây tê tại chỗ",
    "nguy_co": "Chảy máu, nhiễm trùng vết mổ, tê bì quanh vết mổ; tai biến nặng rất hiếm gặp.",
    "lua_chon": "1",
}
PICTURES = os.environ.get("LANH_PICTURES", "")
"""A folder to keep pictures of each screen in."""


@dataclass
class Ward:
    hospital: Hospital
    chromium: Browser
    doctor: Client
    papers: list[str]
    """Verify codes of the papers that wait for the patient."""


@pytest.fixture(scope="module")
def hospital() -> Iterator[Hospital]:
    with throw_away_hospital() as running:
        yield running


@pytest.fixture(scope="module")
def ward(hospital: Hospital) -> Iterator[Ward]:
    """A patient with two papers to sign, made through REST before Playwright keeps an event loop in this thread."""
    reception = staff(hospital.base_url, "tiepdon", DEMO_PASSWORD)
    doctor = staff(hospital.base_url, "bacsi", DEMO_PASSWORD)
    patient = clinic.register(reception, PERSON)
    visit = clinic.open_visit(reception, PERSON, patient["id"], room="PK1", service="KB01")
    doctor.post(f"/api/visits/{visit['id']}/start")
    made = [
        clinic.write_sheet(doctor, visit["id"], "01-BV2", CONSENT),
        clinic.write_sheet(
            doctor, visit["id"], "40-BV2", {"thong_tin": "Nội quy khoa, quyền của người bệnh"}
        ),
    ]
    papers = [doctor.get(f"/api/signing/documents/{sheet['document_id']}")["code"] for sheet in made]
    with browser() as running:
        yield Ward(hospital, running, doctor, papers)
    reception.close()
    doctor.close()


def keep(page: Page, name: str) -> None:
    if PICTURES:
        page.wait_for_timeout(300)
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


def desk(ward: Ward) -> Page:
    width, height = SIZES["staff"]
    page = ward.chromium.new_context(
        viewport={"width": width, "height": height}, base_url=ward.hospital.base_url, locale="vi-VN"
    ).new_page()
    page.goto("/login")
    page.fill("#username", "bacsi")
    page.fill("#password", DEMO_PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def a_tablet(ward: Ward, width: int = 1280, height: int = 800) -> Page:
    return ward.chromium.new_context(
        viewport={"width": width, "height": height},
        base_url=ward.hospital.base_url,
        locale="vi-VN",
        has_touch=True,
    ).new_page()


def draw_name(page: Page) -> None:
    """Move a pointer over the canvas as a hand does."""
    box = page.locator("canvas").bounding_box()
    assert box
    left, middle = box["x"] + 120, box["y"] + box["height"] / 2
    page.mouse.move(left, middle)
    page.mouse.down()
    for step in range(1, 60):
        page.mouse.move(left + step * 7, middle + 45 * math.sin(step / 3) - step / 2)
        page.wait_for_timeout(8)
    page.mouse.up()
    page.mouse.move(left + 30, middle - 50)
    page.mouse.down()
    page.mouse.move(left + 200, middle - 62, steps=8)
    page.mouse.up()


def test_a_patient_reads_two_papers_and_signs_them_once_by_hand(ward: Ward) -> None:
    staff_page, tablet = desk(ward), a_tablet(ward)
    said: list[str] = []
    tablet.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    tablet.on("pageerror", lambda error: said.append(str(error)))
    staff_page.goto("/consents")
    staff_page.locator(".list a", has_text="MAI THỊ KÝ THỬ").or_(
        staff_page.locator(".list a", has_text="Mai Thị Ký Thử")
    ).first.click()
    keep(staff_page, "staff-open")
    assert faults(staff_page) == []
    staff_page.click("text=Mở lần ký")
    code = staff_page.locator(".pair-code").inner_text()
    keep(staff_page, "staff-code")
    assert faults(staff_page) == []

    tablet.goto("/tablet")
    keep(tablet, "tablet-enter")
    assert faults(tablet) == []
    tablet.fill("#code", code.lower())
    tablet.click("text=Tiếp tục")
    keep(tablet, "tablet-start")
    tablet.click("text=Bắt đầu")
    for number in (1, 2):
        expect(tablet.locator(".where")).to_have_text(f"Văn bản {number}/2")
        button = tablet.locator("[data-read-end]")
        expect(button).to_be_disabled()
        if number == 1:
            keep(tablet, "tablet-read")
            assert faults(tablet) == []
        tablet.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        expect(button).to_be_enabled(timeout=10_000)
        button.click()
    expect(tablet.locator("h1")).to_have_text("Chọn cách ký")
    keep(tablet, "tablet-choose")
    assert faults(tablet) == []
    tablet.click("text=Ký tay trên màn hình")
    sign = tablet.locator("[data-sign]")
    expect(sign).to_be_disabled()
    draw_name(tablet)
    expect(sign).to_be_enabled()
    tablet.click("[data-clear]")
    expect(sign).to_be_disabled()
    draw_name(tablet)
    keep(tablet, "tablet-drawn")
    assert faults(tablet) == []
    sign.click()
    expect(tablet.locator("h1")).to_have_text("Đã ký xong", timeout=20_000)
    keep(tablet, "tablet-done")
    expect(staff_page.locator("#sitting")).to_contain_text("Đã ký và niêm phong", timeout=15_000)
    keep(staff_page, "staff-sealed")
    for paper in ward.papers:
        tablet.goto(f"/v/{paper}")
        expect(tablet.locator("main")).to_contain_text("Ký tay trên màn hình")
        expect(tablet.locator("main")).to_contain_text("Hợp lệ")
    keep(tablet, "verify")
    pdf = tablet.context.request.get(f"/v/{ward.papers[0]}/original.pdf").body()
    if PICTURES:
        (Path(PICTURES) / "signed.pdf").write_bytes(pdf)
    assert re.search(rb"/AF\s*\[", pdf)
    assert said == []
    for page in (staff_page, tablet):
        page.context.close()


def test_a_second_tablet_and_a_held_upright_one(ward: Ward) -> None:
    """The link is spent; upright the screens still fit without a sideways scroll."""
    upright = a_tablet(ward, 800, 1280)
    for path in ("/tablet", "/tablet/0000-0000-0000-0000"):
        upright.goto(path)
        assert upright.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert faults(upright) == []
    small = upright.locator(".btn").first.bounding_box()
    assert small
    assert small["height"] >= 56
    upright.context.close()
