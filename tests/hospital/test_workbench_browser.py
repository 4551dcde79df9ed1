"""The doctor's desk in a real browser: by keyboard alone, and through conflicts and a lost line."""

import re
from collections.abc import Iterator

import pytest
from playwright._impl._api_structures import SetCookieParam
from playwright.sync_api import Page, expect

from hospital.demo.known import DEMO_PIN
from tests.hospital.desks import desk_of_next
from tools.tour import Stop, Tour

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SAVED = re.compile(r"Đã (tự )?lưu \d\d:\d\d:\d\d")


@pytest.fixture
def desk(tour: Tour) -> Iterator[Page]:
    page = desk_of_next(tour)
    yield page
    for left in page.context.pages:  # Each holds a live stream, and a browser allows six to one server.
        left.close()


def write(page: Page, text: str, *, tabs: int = 1) -> None:
    page.keyboard.type(text)
    for _ in range(tabs):
        page.keyboard.press("Tab")


def pick(page: Page, text: str) -> None:
    """Type into the focused combobox and take the first answer."""
    page.keyboard.type(text)
    page.wait_for_selector("[role=listbox]:not([hidden]) [data-value]")
    page.keyboard.press("Enter")


def test_a_visit_is_written_signed_and_ended_without_a_mouse(desk: Page) -> None:
    desk.keyboard.press("Alt+1")
    desk.keyboard.press("Control+A")
    write(desk, "Mất ngủ ba tuần")
    write(desk, "Khoẻ mạnh")
    write(desk, "Ba tuần nay khó vào giấc, hay thức giấc lúc hai giờ sáng.")
    desk.keyboard.press("Alt+2")
    write(desk, "82", tabs=8)
    write(desk, "Tỉnh, tiếp xúc tốt")
    write(desk, "Tim đều, phổi trong")
    desk.keyboard.press("Alt+3")
    pick(desk, "lo au lan toa")
    expect(desk.locator("#dx [data-item] b").first).to_have_text("F41.1")
    desk.keyboard.press("Alt+6")
    desk.keyboard.press("Space")
    desk.keyboard.press("Control+S")
    expect(desk.locator("#save-state")).to_have_text(SAVED)
    desk.keyboard.press("Control+Enter")
    desk.wait_for_selector("dialog[open] #pin")
    assert desk.evaluate("document.activeElement.id") == "pin"
    desk.keyboard.type(DEMO_PIN)
    desk.keyboard.press("Control+Enter")
    desk.wait_for_url("**/workbench/rooms/PK2?finished=**")
    expect(desk.locator(".toast")).to_contain_text("Đã ký và kết thúc khám")


def test_what_is_missing_leads_to_its_field(desk: Page) -> None:
    desk.keyboard.press("Control+Enter")
    desk.wait_for_selector("dialog[open] [data-error-summary]")
    desk.locator("dialog[open] a", has_text="Các bộ phận").click()
    assert desk.evaluate("document.activeElement.id") == "PKB:cac_bo_phan"
    assert desk.locator("dialog[open]").count() == 0


def test_a_lost_line_keeps_the_text_and_heals(desk: Page) -> None:
    desk.context.set_offline(True)
    desk.fill("[id='PKB:toan_than']", "Viết khi mất mạng")
    expect(desk.locator("#save-state")).to_contain_text("đang thử lại")
    desk.context.set_offline(False)
    expect(desk.locator("#save-state")).to_have_text(SAVED, timeout=10_000)
    desk.reload()
    expect(desk.locator("[id='PKB:toan_than']")).to_have_value("Viết khi mất mạng")


def test_a_save_made_elsewhere_is_told_and_nothing_is_overwritten(desk: Page) -> None:
    other = desk.context.new_page()
    other.goto(desk.url)
    other.fill("[id='PKB:tien_su_gia_dinh']", "Từ máy khác")
    expect(other.locator("#save-state")).to_have_text(SAVED)
    desk.fill("[id='PKB:tien_su_gia_dinh']", "Từ máy này")
    expect(desk.locator("#save-state")).to_contain_text("đã đổi ở nơi khác")
    expect(desk.locator("[data-conflict]")).to_be_visible()
    expect(desk.locator("[id='PKB:tien_su_gia_dinh']")).to_have_value("Từ máy này")
    other.reload()
    expect(other.locator("[id='PKB:tien_su_gia_dinh']")).to_have_value("Từ máy khác")


def test_a_diagnosis_dropped_by_mistake_comes_back(desk: Page) -> None:
    desk.keyboard.press("Alt+3")
    pick(desk, "G47.0")
    rows = desk.locator("#dx [data-item]")
    before = rows.count()
    rows.last.locator("[data-drop]").press("Enter")
    expect(rows).to_have_count(before - 1)
    desk.locator(".toast", has_text="Đã bỏ").get_by_text("Hoàn tác").press("Enter")
    expect(rows).to_have_count(before)
    expect(desk.locator("#save-state")).to_have_text(SAVED)


def test_an_order_placed_and_taken_back(desk: Page) -> None:
    desk.keyboard.press("Alt+4")
    pick(desk, "dien tim")
    expect(desk.locator("#orders tbody tr")).to_have_count(1)
    desk.locator("#orders [aria-label^='Huỷ']").press("Enter")
    desk.wait_for_selector("dialog[open]")
    desk.keyboard.press("Control+Enter")
    expect(desk.locator("#orders")).to_contain_text("Đã huỷ")
    assert desk.locator("dialog[open]").count() == 0


def end_session(page: Page) -> SetCookieParam:
    """Take the session away and return what gives it back."""
    value = next(one["value"] for one in page.context.cookies() if one["name"] == "lanh_session")
    page.context.clear_cookies(name="lanh_session")
    return {"name": "lanh_session", "value": value, "url": page.evaluate("location.origin")}


def test_a_session_that_ends_while_writing_loses_no_letter(desk: Page) -> None:
    field = "[id='PKB:toan_than']"
    desk.fill(field, "Trước khi hết phiên")
    expect(desk.locator("#save-state")).to_have_text(SAVED)
    session = end_session(desk)
    desk.fill(field, "Sau khi hết phiên")
    expect(desk.locator("#save-state")).to_contain_text("phiên đã hết")
    desk.keyboard.press("Control+Enter")
    expect(desk.locator("#save-state a")).to_have_attribute("target", "_blank")
    expect(desk.locator(field)).to_have_value("Sau khi hết phiên")
    desk.context.add_cookies([session])
    expect(desk.locator("#save-state")).to_have_text(SAVED, timeout=10_000)
    desk.reload()
    expect(desk.locator(field)).to_have_value("Sau khi hết phiên")


def test_a_form_sent_after_the_session_ended_stays_filled(tour: Tour) -> None:
    page = tour.visit(Stop("register", "/reception/patients/new", "tiepdon"))
    page.fill("#name", "Trần Thị Mẫu")
    session = end_session(page)
    page.evaluate("document.body.classList.add('offline')")  # As after a minute: ask before sending.
    page.keyboard.press("Control+Enter")
    expect(page.locator(".toast")).to_contain_text("Phiên làm việc đã hết")
    expect(page.locator("#name")).to_have_value("Trần Thị Mẫu")
    page.context.add_cookies([session])
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-error-summary]")).to_be_visible()
    expect(page.locator("#name")).to_have_value("Trần Thị Mẫu")
    page.close()


def test_a_short_day_is_saved_as_the_whole_day_it_shows(desk: Page) -> None:
    desk.focus("[id='PHK:hen_ngay']")
    write(desk, "051299")
    expect(desk.locator("[id='PHK:hen_ngay']")).to_have_value("05/12/1999")
    expect(desk.locator("#save-state")).to_have_text(SAVED)
    desk.reload()
    expect(desk.locator("[id='PHK:hen_ngay']")).to_have_value("05/12/1999")


@pytest.mark.parametrize("path", ["/reception", "/patients", "/telehealth"])
def test_a_staff_page_fits_a_phone(tour: Tour, path: str) -> None:
    page = tour.window("tiepdon", "staff")
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()
