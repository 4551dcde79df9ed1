"""The part of the tour where money moves: the till, its second screen, and a phone that reads it."""

import io
import json
import urllib.request

import zxingcpp
from PIL import Image
from playwright.sync_api import Page


def open_shift(page: Page) -> None:
    """Open the cashier's shift once; a till already open stays as it is."""
    page.goto("/till")
    if page.locator("input[name=counter]").count():
        page.keyboard.press("Control+Enter")
        page.wait_for_selector("[data-opens='#pair']")


def pair_second_screen(page: Page, code: str) -> None:
    """Type the six digits the second screen shows."""
    page.goto("/till")
    page.click("[data-opens='#pair']")
    page.fill("#pair #code", code)
    page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")


def ask_for_money(page: Page) -> None:
    """Open the first person who owes, press F4, and see the code."""
    open_shift(page)
    page.goto("/till")
    page.locator(".list a[data-row]").first.click()
    page.wait_for_load_state("load")
    if page.locator("[data-key=F4]").count():
        page.keyboard.press("F4")
        page.wait_for_load_state("networkidle")
    page.wait_for_timeout(400)


def ask_for_money_back(page: Page) -> None:
    """Take a tạm ứng above what is owed, and open the page that gives the rest back."""
    open_shift(page)
    page.goto("/till")
    page.locator(".list a[data-row]").last.click()
    page.wait_for_load_state("load")
    page.keyboard.press("F6")
    page.fill("#take-deposit #deposit", "900.000")
    page.click("#take-deposit button:has-text('Tiền mặt')")
    page.wait_for_selector("#take-cash[open]")
    page.keyboard.press("Enter")
    page.click("a:has-text('Hoàn tiền') >> nth=-1")
    page.wait_for_selector("form#refund")


def refund_asked(page: Page) -> None:
    """Ask for the rest of a tạm ứng, in cash as it came; it waits for a second person."""
    ask_for_money_back(page)
    page.select_option("#receipt_id", index=1)
    page.check("input[name=method][value=CASH]")
    page.fill("#reason", "Ra viện còn tạm ứng")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/till/refunds")


def code_on(screen: Page) -> str:
    """Return the six digits of a screen that waits to be paired."""
    return "".join(filter(str.isdigit, screen.locator("main").inner_text().split("Mã ghép màn hình")[1]))[:6]


def wait_for_face(screen: Page, face: str) -> None:
    screen.wait_for_selector(f"[data-face={face}]", timeout=20_000)


def pay_what_is_shown(screen: Page, outside_url: str) -> None:
    """Read the code off the picture of the screen as a phone does, and pay it in the fake bank."""
    picture = Image.open(io.BytesIO(screen.screenshot()))
    found = zxingcpp.read_barcodes(picture)
    assert found, "no code can be read on the second screen"
    body = json.dumps({"payload": found[0].text}).encode()
    request = urllib.request.Request(
        f"{outside_url}/outside/bank/transfers", data=body, headers={"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20):
        pass
