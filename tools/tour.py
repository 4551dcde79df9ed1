"""A walk through every page of a running demo hospital in a real browser: for pictures and for axe."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from hospital.demo.running import Hospital, running_hospital
from hospital.demo.seed import DEMO_PASSWORD
from hospital.postgres import throw_away

SIZES = {"staff": (1366, 650), "portal": (360, 740), "kiosk": (1080, 1920), "screen": (1920, 1080)}
Step = Callable[[Page], None]


@dataclass(frozen=True)
class Stop:
    """One page: who looks at it, on what size, and what is done before the picture."""

    name: str
    path: str
    user: str = ""
    size: str = "staff"
    then: Step | None = None


def open_first_patient(page: Page) -> None:
    """Call the next person of the room; a queue without anybody keeps the room's page."""
    page.keyboard.press("F2")
    page.wait_for_load_state("networkidle")


STOPS = (
    Stop("login", "/login"),
    Stop("not-found", "/khong-co-trang-nay"),
    Stop("components", "/_design"),
    Stop("doctor-rooms", "/workbench", "bacsi"),
    Stop("doctor-room", "/workbench/rooms/PK1", "bacsi"),
)


def chromium() -> str:
    """Return the machine's Chromium. Raises RuntimeError with what to do."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        raise RuntimeError("Chưa có Chromium. Debian/Ubuntu: apt install chromium")
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        running = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        try:
            yield running
        finally:
            running.close()


@contextmanager
def throw_away_hospital() -> Iterator[Hospital]:
    """Run a seeded demo hospital on free ports, gone afterwards."""
    with (
        tempfile.TemporaryDirectory() as folder,
        throw_away() as cluster,
        running_hospital(Path(folder), database_url=cluster.app_url(), owner_url=cluster.url()) as hospital,
    ):
        yield hospital


class Tour:
    """Browser windows by person and size, signed in once each."""

    def __init__(self, browser: Browser, base_url: str) -> None:
        self._browser, self._base_url = browser, base_url
        self._contexts: dict[tuple[str, str], BrowserContext] = {}

    def window(self, user: str, size: str) -> Page:
        key = (user, size)
        if key not in self._contexts:
            width, height = SIZES[size]
            context = self._browser.new_context(
                viewport={"width": width, "height": height}, base_url=self._base_url, locale="vi-VN"
            )
            if user:
                page = context.new_page()
                page.goto("/login")
                page.fill("#username", user)
                page.fill("#password", DEMO_PASSWORD)
                page.press("#password", "Enter")
                page.wait_for_url(lambda url: "/login" not in url)
                page.close()
            self._contexts[key] = context
        return self._contexts[key].new_page()

    def visit(self, stop: Stop) -> Page:
        """Open a stop and do what comes before its picture."""
        page = self.window(stop.user, stop.size)
        page.goto(stop.path)
        page.wait_for_load_state("load")
        page.wait_for_timeout(250)
        if stop.then:
            stop.then(page)
            page.wait_for_timeout(250)
        return page
