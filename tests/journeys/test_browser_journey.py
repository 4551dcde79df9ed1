"""The same way through the real pages: doctor, cashier and second screen open side by side, then the phone at home."""

import re
import time
from collections.abc import Iterator
from io import BytesIO

import httpx
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from hospital.demo.known import DEMO_PASSWORD, DEMO_PIN
from hospital.demo.running import Hospital
from hospital.journey.clients import staff
from hospital.journey.clinic import carry_out, wait_until_released
from hospital.journey.people import Person
from kernel.text import mask_name
from tools.tour import NOTE, SIZES, browser, choose, throw_away_hospital

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PERSON = Person("Hồ Thị Mẫu Bốn", "001188990004", "1988-05-09", "FEMALE", "0509000004", "SELF_PAY")


@pytest.fixture(scope="module")
def hospital() -> Iterator[Hospital]:
    with throw_away_hospital() as running:
        yield running


@pytest.fixture(scope="module")
def chromium(hospital: Hospital) -> Iterator[Browser]:
    assert hospital.base_url  # Up before Playwright keeps an event loop in this thread.
    with browser() as running:
        yield running


def window(chromium: Browser, hospital: Hospital, size: str, user: str = "") -> Page:
    """A browser of its own, signed in."""
    width, height = SIZES[size]
    context: BrowserContext = chromium.new_context(
        viewport={"width": width, "height": height}, base_url=hospital.base_url, locale="vi-VN"
    )
    page = context.new_page()
    if user:
        page.goto("/login")
        page.fill("#username", user)
        page.fill("#password", DEMO_PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_url(lambda url: "/login" not in url)
    return page


def test_one_person_from_the_scan_to_the_phone(chromium: Browser, hospital: Hospital) -> None:
    reception = window(chromium, hospital, "staff", "tiepdon")
    cashier = window(chromium, hospital, "staff", "thungan")
    doctor = window(chromium, hospital, "staff", "bacsi")
    screen = window(chromium, hospital, "screen")

    number = receive(reception)
    pair(cashier, screen)
    pay(hospital, cashier, screen)
    examine(doctor, number)
    pay(hospital, cashier, screen)
    expect(doctor.locator("#orders")).to_contain_text("Đã thu", timeout=10_000)
    do_in_laboratory(hospital, visit_id=doctor.url.rpartition("/")[2])
    sign_and_end(doctor)
    expect(cashier.locator(".till-foot")).to_contain_text("Đã quyết toán", timeout=15_000)
    at_home(hospital, window(chromium, hospital, "portal"))


def receive(page: Page) -> str:
    """Scan the card, open a chart from it, open a visit; return the number of the ticket."""
    page.goto("/reception")
    page.fill("#scan", PERSON.scan)
    page.press("#scan", "Enter")
    expect(page.locator("#name")).to_have_value(re.compile(PERSON.name, re.IGNORECASE))
    page.fill("#phone", PERSON.phone)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#opening")
    page.select_option("#exam", exam_of(page, "PK1"))
    page.select_option("#payer", "SELF_PAY")
    page.fill("#reason", "Mất ngủ, hồi hộp ba tuần")
    page.keyboard.press("Control+Enter")
    expect(page.locator("body")).to_contain_text("Mời đến quầy thu viện phí trước")
    return page.locator(".ticket-number").inner_text()


def exam_of(page: Page, room: str) -> str:
    """The value of the choice for this room."""
    values: list[str] = page.eval_on_selector_all("#exam option", "options => options.map(o => o.value)")
    return next(value for value in values if room in value)


def pair(cashier: Page, screen: Page) -> None:
    """Open a shift at counter 1 and pair its second screen by the digits it shows."""
    screen.goto("/screens/Q1")
    digits = screen.locator(".pair").inner_text().replace(" ", "")
    cashier.goto("/till")
    cashier.check("input[name=counter][value=Q1]")
    cashier.keyboard.press("Control+Enter")
    cashier.click("text=Ghép màn hình phụ")
    cashier.fill("#code", digits)
    cashier.press("#code", "Enter")
    screen.wait_for_selector("[data-face=waiting]:has(.clock)")


def pay(hospital: Hospital, cashier: Page, screen: Page) -> None:
    """F4 at the counter; scan what the second screen shows; pay; both screens turn within a second of the notice."""
    cashier.goto("/till")
    cashier.locator("#till-list a", has_text=PERSON.name).click()
    expect(cashier.locator(".till-foot")).to_contain_text("Thu bằng QR")
    cashier.keyboard.press("F4")
    screen.wait_for_selector("[data-face=paying]")
    expect(screen.locator("[data-face=paying]")).to_contain_text(mask_name(PERSON.name))
    expect(screen.locator("[data-face=paying]")).to_contain_text("BẢN CHẠY THỬ")
    payload = zxingcpp.read_barcodes(Image.open(BytesIO(screen.screenshot())))[0].text
    paid = httpx.post(f"{hospital.outside_url}/outside/bank/transfers", json={"payload": payload}, timeout=30)
    assert [sent["status"] for sent in paid.json()["sent"]] == [200], paid.text
    begin = time.monotonic()
    screen.wait_for_selector("[data-face=paid]", timeout=5_000)
    expect(cashier.locator(".till-side")).to_contain_text("Đã thu", timeout=5_000)
    assert time.monotonic() - begin < 5  # A second on its own (bench/till.py); the suite runs beside it.


def examine(doctor: Page, number: str) -> None:
    """Open the paid person's visit from the queue, begin, write, order."""
    doctor.goto("/workbench/rooms/PK1")
    expect(doctor.locator(".list")).to_contain_text(PERSON.name, timeout=10_000)
    assert number
    doctor.locator(".list a", has_text=PERSON.name).click()
    doctor.wait_for_url("**/workbench/visits/**")
    expect(doctor.locator("body")).to_contain_text("Bắt đầu khám")
    doctor.keyboard.press("Control+Enter")
    doctor.wait_for_selector("#sheet")
    for field, text in NOTE.items():
        doctor.fill(f"[id='PKB:{field}']", text)
    choose(doctor, "dx-pick", "F41.1")
    choose(doctor, "service_code", "glucose")
    expect(doctor.locator("#orders")).to_contain_text("Chờ thu", timeout=10_000)
    doctor.check("input[name='PKB:huong_giai_quyet'][value='1']")


def do_in_laboratory(hospital: Hospital, *, visit_id: str) -> None:
    """The laboratory works through its own screens elsewhere; here its result comes over HTTP."""
    laboratory = staff(hospital.base_url, "xetnghiem", DEMO_PASSWORD)
    head = staff(hospital.base_url, "truongkhoa", DEMO_PASSWORD)
    carry_out(laboratory, wait_until_released(laboratory, visit_id), approver=head)
    laboratory.close()
    head.close()


def sign_and_end(doctor: Page) -> None:
    """The result came by itself; sign under one PIN and end the visit."""
    expect(doctor.locator("#orders")).to_contain_text("Trong giới hạn bình thường", timeout=10_000)
    doctor.keyboard.press("Control+Enter")
    doctor.wait_for_selector("dialog[open] #pin")
    doctor.keyboard.type(DEMO_PIN)
    doctor.keyboard.press("Control+Enter")
    doctor.wait_for_url("**/workbench/rooms/PK1?finished=**", timeout=20_000)


def at_home(hospital: Hospital, phone: Page) -> None:
    """Sign in with the code of the text message and the birth date; open the signed record."""
    phone.goto("/portal")
    phone.fill("#phone", PERSON.phone)
    phone.press("#phone", "Enter")
    phone.wait_for_selector("#code")
    phone.fill("#code", code_sent_to(hospital, PERSON.phone))
    phone.press("#code", "Enter")
    year, month, day = PERSON.birth_date.split("-")
    phone.wait_for_selector("#birth_date")
    phone.fill("#birth_date", f"{day}{month}{year}")
    phone.press("#birth_date", "Enter")
    expect(phone.locator("body")).to_contain_text("Phiếu khám bệnh", timeout=10_000)


def code_sent_to(hospital: Hospital, phone: str) -> str:
    """Wait for the text message at the fake gateway."""
    for _ in range(100):
        messages = httpx.get(f"{hospital.outside_url}/outside/sms/messages", timeout=10).json()
        texts = [message["text"] for message in messages if message["to"].endswith(phone[1:])]
        if texts and (found := re.search(r"\b(\d{6})\b", texts[-1])):
            return found[1]
        time.sleep(0.1)
    raise AssertionError("no code came")
