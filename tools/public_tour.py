"""The part of the tour that patients walk: the portal on a phone, the lobby machine."""

import json
import time
import urllib.request

from playwright.sync_api import Page

from hospital.demo.known import DEMO_BORN, KIOSK_CODE

CCCD = "051199000123||Trần Thị Mẫu|01021999|Nữ|Thôn Mẫu, Xã Thử Nghiệm, Quảng Ngãi|15042021"


def code_sent(outside_url: str) -> str:
    """Wait for the text message and return the code in it. Raises TimeoutError."""
    for _ in range(100):
        with urllib.request.urlopen(f"{outside_url}/outside/sms/messages", timeout=5) as answer:
            messages = json.load(answer)
        if messages:
            return str(messages[-1]["text"])[:6]
        time.sleep(0.1)
    raise TimeoutError("no text message came")


def sign_in_patient(page: Page, outside_url: str, phone: str) -> None:
    """Phone, code, birth date, as a person does."""
    page.goto("/portal/sign-in")
    page.fill("#phone", phone)
    page.press("#phone", "Enter")
    page.wait_for_url("**/code")
    page.fill("#code", code_sent(outside_url))
    page.press("#code", "Enter")
    page.wait_for_url("**/birth-date")
    page.fill("#birth_date", DEMO_BORN)
    page.press("#birth_date", "Enter")
    page.wait_for_url("**/portal")


def pair_machine(page: Page) -> None:
    """Type the demo's pairing code at the machine."""
    page.goto("/kiosk/pair")
    page.fill("#code", KIOSK_CODE)
    page.press("#code", "Enter")
    page.wait_for_url("**/kiosk")


def _next(page: Page, selector: str) -> None:
    page.locator(selector).first.click()
    page.wait_for_load_state("load")


def choose_day(page: Page) -> None:
    _next(page, ".card.rows a")


def choose_hour(page: Page) -> None:
    choose_day(page)
    _next(page, ".card.rows a")


def write_reason(page: Page) -> None:
    choose_hour(page)
    _next(page, ".hours a")


def look_at_answers(page: Page) -> None:
    write_reason(page)
    page.fill("#reason", "Mất ngủ ba tuần nay")
    _next(page, "button.primary")


def book(page: Page) -> None:
    look_at_answers(page)
    _next(page, "button.primary")


def open_visit(page: Page) -> None:
    _next(page, "a[href^='/portal/visits/']")


def press_digits(page: Page) -> None:
    page.click("[data-show-keys]")


def scan_nonsense(page: Page) -> None:
    page.keyboard.type("xyz")
    page.keyboard.press("Enter")
    page.wait_for_load_state("load")


def scan_card(page: Page) -> None:
    """A wedge scanner types: fast, and Enter at the end."""
    page.keyboard.type(CCCD, delay=1)
    page.keyboard.press("Enter")
    page.wait_for_url("**/arrivals/*")


def take_number(page: Page) -> None:
    scan_card(page)
    page.locator("button.tile").last.click()
    page.wait_for_url("**/ticket")
