"""Every page passes axe (WCAG 2.2 A and AA) in a real browser, and says nothing wrong in the console."""

from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Page

from tools.tour import STOPS, Stop, Tour

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def faults(page: Page) -> list[str]:
    """Return what axe finds: the rule and where."""
    page.evaluate(AXE)
    run = "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})"
    found: dict[str, Any] = page.evaluate(run, RULES)
    return [
        f"{fault['id']}: {', '.join(str(node['target'][0]) for node in fault['nodes'])}"
        for fault in found["violations"]
    ]


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.name)
def test_axe_finds_no_fault(tour: Tour, stop: Stop) -> None:
    page = tour.visit(stop)
    assert faults(page) == []
    page.close()


def test_an_open_dialog_is_sound_too(tour: Tour) -> None:
    page = tour.visit(Stop("dialog", "/_design"))
    page.click("text=Mở hộp ký")
    assert faults(page) == []
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    page.close()


def test_a_page_with_a_fault_would_be_seen(tour: Tour) -> None:
    """The check itself checks: a field without a name is found."""
    page = tour.visit(Stop("broken", "/login"))
    page.evaluate("document.querySelector('main').append(document.createElement('input'))")
    assert faults(page) != []
    page.close()


def test_pages_say_nothing_wrong_in_the_console(tour: Tour) -> None:
    page = tour.window("", "staff")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto("/_design")
    page.wait_for_timeout(400)
    assert said == []
    page.close()
