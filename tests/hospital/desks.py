"""The doctor's desk as its tests come to it."""

import re

from playwright.sync_api import Page

from tools.tour import Stop, Tour


def desk_of_next(tour: Tour) -> Page:
    """Open the desk of the person being examined in room 2, or call the next one, by keys."""
    page = tour.visit(Stop("desk", "/workbench/rooms/PK2", "bacsi2"))
    if page.locator(".list .grp", has_text=re.compile("Đang khám|Quay lại")).count():
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
    else:
        page.keyboard.press("F2")
    page.wait_for_url("**/workbench/visits/**")
    if page.locator("text=Bắt đầu khám").count():
        page.keyboard.press("Control+Enter")
    page.wait_for_selector("#sheet")
    return page
