"""The till in a real browser: news of other people's money never disturbs the hands of a cashier."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tools.money_tour import open_shift
from tools.tour import Stop, Tour, browser, throw_away_hospital

pytestmark = [pytest.mark.browser, pytest.mark.slow]
BOX = "#take input[type=checkbox]"


@pytest.fixture(scope="module")
def tour() -> Iterator[Tour]:
    with throw_away_hospital() as hospital, browser() as chromium:
        yield Tour(chromium, hospital)


@pytest.fixture
def account(tour: Tour) -> Iterator[Page]:
    """The first person who owes something, opened."""
    page = tour.window("thungan", "staff")
    open_shift(page)
    page.goto("/till")
    page.locator(".list a[data-row]").first.click()
    page.wait_for_selector(BOX)
    yield page
    page.close()


def news(page: Page) -> None:
    """Money of this person moved: the part with the bill is drawn anew."""
    with page.expect_response(re.compile("/money$")):
        page.evaluate("document.body.dispatchEvent(new CustomEvent('live:own', {bubbles: true}))")
    page.wait_for_timeout(100)


def test_other_peoples_money_changes_the_list_and_leaves_the_open_bill_alone(tour: Tour) -> None:
    """A bill drawn anew is read, computed and written into the log of who looked."""
    pages = [tour.window("thungan", "staff"), tour.window("ketoan", "staff")]
    open_shift(pages[0])
    for place, page in enumerate(pages):
        page.goto("/till")
        page.locator(".list a[data-row]").nth(place).click()
        page.wait_for_selector(BOX)
        page.wait_for_timeout(1_000)  # The news that every page gets as its line opens.
    drawn: list[str] = []
    for page in pages:
        page.on("request", lambda request: drawn.append(request.url))
    with pages[1].expect_response(re.compile("/till/list")):
        pages[0].keyboard.press("F4")
    pages[1].wait_for_timeout(1_000)
    other = pages[1].url.rpartition("/")[2]
    assert pages[0].url != pages[1].url
    assert not [url for url in drawn if url.endswith(f"{other}/money")]
    for page in pages:
        page.close()


def test_a_tick_and_its_focus_stay_when_news_come(account: Page) -> None:
    account.locator(BOX).first.focus()
    account.keyboard.press("Space")
    focused = account.evaluate("document.activeElement.id")
    news(account)
    expect(account.locator(BOX).first).to_be_checked()
    assert account.evaluate("document.activeElement.id") == focused


def test_an_amount_being_typed_stays_when_news_come(account: Page) -> None:
    account.keyboard.press("F6")
    account.keyboard.type("1500000")
    news(account)
    expect(account.locator("dialog[open] #deposit")).to_have_value("1.500.000")
    assert account.evaluate("document.activeElement.id") == "deposit"


def test_enter_on_a_line_takes_no_cash(account: Page) -> None:
    before = account.locator("#due").inner_text()
    account.locator(BOX).first.focus()
    account.keyboard.press("Enter")
    account.wait_for_timeout(400)
    account.reload()
    assert account.locator("#due").inner_text() == before


def test_a_code_shown_at_the_till_stays_in_sight_when_news_come(tour: Tour) -> None:
    page = tour.visit(Stop("qr", "/till", "thungan"))
    open_shift(page)
    page.goto("/till")
    page.locator(".list a[data-row]").first.click()
    page.wait_for_selector(BOX)
    page.keyboard.press("F4")
    page.locator(".backup summary").click()
    news(page)
    expect(page.locator(".backup svg").last).to_be_visible()
    page.close()


def test_a_refusal_stays_when_news_come(tour: Tour) -> None:
    """The news that every page gets as its line opens, too."""
    page = tour.visit(Stop("refused", "/till", "ketoan"))
    page.locator(".list a[data-row]").last.click()
    page.wait_for_selector(BOX)
    page.keyboard.press("F4")
    expect(page.locator("[data-error-summary]")).to_contain_text("chưa mở ca")
    news(page)
    expect(page.locator("[data-error-summary]")).to_be_visible()
    page.close()


def test_enter_in_the_amount_of_a_deposit_asks_by_qr_and_books_no_cash(account: Page) -> None:
    account.keyboard.press("F6")
    account.keyboard.type("300000")
    account.keyboard.press("Enter")
    expect(account.locator(".asking")).to_contain_text("300.000")
    assert account.locator("#money a[href^='/receipts/']").count() == 0


def receipts(page: Page) -> int:
    page.reload()
    return page.locator("#money a[href^='/receipts/']").count()


def test_f7_asks_before_it_takes_cash_and_esc_takes_none(account: Page) -> None:
    before = receipts(account)
    account.keyboard.press("F7")
    dialog = account.locator("dialog#take-cash[open]")
    expect(dialog).to_be_visible()
    asked = int(dialog.locator("input[name=expected]").input_value())
    account.keyboard.type(str(asked + 50_000))
    expect(dialog.locator("output")).to_have_text("50.000 ₫")
    account.keyboard.press("Control+A")
    account.keyboard.type("1000")
    expect(dialog.locator("output")).to_contain_text("còn thiếu")
    account.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    account.goto(account.url.removesuffix("/cash/confirmation"))
    assert receipts(account) == before


def test_enter_twice_on_the_confirmation_books_once(account: Page) -> None:
    before = receipts(account)
    account.keyboard.press("F7")
    expect(account.locator("dialog#take-cash[open]")).to_be_visible()
    account.keyboard.press("Enter")
    account.keyboard.press("Enter")
    account.wait_for_url(re.compile(r"/till/[0-9a-f-]{36}$"))
    assert receipts(account) == before + 1
