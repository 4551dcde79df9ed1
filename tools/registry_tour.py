"""What is done on the registry's pages before their picture: scan, choose, open a visit, read a chart."""

from playwright.sync_api import Page

CARD = "051199000123||Trần Thị Mẫu|01021999|Nữ|Thôn Mẫu, Xã Thử Nghiệm, Quảng Ngãi|15042021"


def _type(page: Page, text: str) -> None:
    page.fill("#scan", text)
    page.press("#scan", "Enter")
    page.wait_for_selector("form#register, form#opening, .scan-field .error, table.grid")
    page.wait_for_load_state("load")


def scan_new_card(page: Page) -> None:
    """A card nobody here has: the registration is filled from it."""
    _type(page, CARD)


def scan_ruined_card(page: Page) -> None:
    _type(page, CARD.replace("Trần", "Tr?n"))


def several_people(page: Page) -> None:
    _type(page, "nguyen van")
    page.wait_for_selector("h1:has-text('Chọn người bệnh')")


def open_known(page: Page) -> None:
    _type(page, "0500000002")
    page.wait_for_selector("form#opening")


def opened(page: Page) -> None:
    open_known(page)
    page.select_option("#exam", "PK3:KB03")
    page.select_option("#route", "1.1")
    page.press("body", "Control+Enter")
    page.wait_for_selector(".ticket-number")


def read_chart(page: Page) -> None:
    """Words in any order, then the first one found."""
    page.fill("#text", "hoa ngu")
    page.click("#hits tbody a >> nth=0")
    page.wait_for_selector(".banner")


def first_link(page: Page) -> None:
    """Go where the first line of the table leads."""
    page.locator("main table a").first.click()
    page.wait_for_load_state("load")


def break_the_glass(page: Page) -> None:
    """Ask to open the record of somebody of another department."""
    read_chart(page)
    patient_id = page.url.rstrip("/").rpartition("/")[2].partition("?")[0]
    page.goto(f"/emergency-access/{patient_id}")


def open_in_emergency(page: Page) -> None:
    break_the_glass(page)
    page.fill("#reason", "Cấp cứu tại sảnh, cần biết thuốc đang dùng và dị ứng")
    page.locator("form#open").evaluate("form => form.submit()")
    page.wait_for_load_state("load")
