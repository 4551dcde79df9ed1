"""A walk through every page of a running demo hospital in a real browser: for pictures and for axe."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from hospital.demo.known import DEMO_PASSWORD, DEMO_PHONE, DEMO_PIN
from hospital.demo.running import Hospital, running_hospital
from hospital.postgres import throw_away
from tools import money_tour, public_tour, registry_tour

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
    scene: "Callable[[Tour, Page], None] | None" = None
    """For stops that need other windows too."""


def choose(page: Page, field: str, text: str) -> None:
    """Type into a combobox and take the first answer, as hands on the keyboard do."""
    page.focus(f"#{field}-text")
    page.keyboard.type(text)
    page.wait_for_selector(f"#{field}-list [data-value]")
    page.keyboard.press("Enter")
    page.wait_for_timeout(200)


def open_visit(page: Page) -> None:
    """Call the next person and begin the exam, or go on with the one being examined."""
    current = page.locator(".list a[data-row]").first
    current.click()
    page.wait_for_load_state("load")
    if page.locator("text=Bắt đầu khám").count():
        page.keyboard.press("Control+Enter")
        page.wait_for_selector("#sheet")
    page.wait_for_timeout(300)


NOTE = {
    "ly_do": "Mất ngủ, hồi hộp 3 tuần",
    "tien_su_ban_than": "Rối loạn lo âu 2024, mẹ tăng huyết áp",
    "qua_trinh_benh_ly": "Khoảng 3 tuần nay khó vào giấc, ngủ 3–4 giờ mỗi đêm, hay thức giấc lúc 2 giờ sáng. "
    "Ban ngày hồi hộp, lo lắng vô cớ, giảm tập trung. Không ý tưởng tự sát.",
    "mach": "82",
    "nhiet_do": "36,8",
    "huyet_ap_tam_thu": "118",
    "huyet_ap_tam_truong": "76",
    "nhip_tho": "18",
    "spo2": "98",
    "can_nang": "54",
    "chieu_cao": "158",
    "toan_than": "Tỉnh, tiếp xúc tốt, da niêm mạc hồng.",
    "cac_bo_phan": "Tim đều, phổi trong. Thần kinh: không dấu khu trú. Tâm thần: khí sắc lo âu, tư duy mạch lạc.",
}


def write_note(page: Page) -> None:
    """Write a whole note: text, diagnoses, an order, a drug, an appointment."""
    open_visit(page)
    for field, text in NOTE.items():
        page.fill(f"[id='PKB:{field}']", text)
    choose(page, "dx-pick", "F41.1")
    choose(page, "dx-pick", "G47.0")
    choose(page, "service_code", "dien tim")
    choose(page, "rx-pick", "sertralin")
    row = "DT-C:thuoc.0"
    for field, text in {
        "lieu": "1 viên",
        "so_lan": "1",
        "thoi_diem": "Sáng, sau ăn",
        "so_ngay": "14",
    }.items():
        page.fill(f"[id='{row}.{field}']", text)
    page.check("input[name='PKB:huong_giai_quyet'][value='3']")
    page.fill("[id='PHK:hen_ngay']", "05/12/2026")
    page.wait_for_timeout(1500)
    page.evaluate("document.activeElement.blur(); document.querySelector('#work').scrollTop = 0")


def lower_half(page: Page) -> None:
    """The draft of the stop before is still there."""
    open_visit(page)
    page.evaluate("document.querySelector('#work').scrollTop = 9999")


def preview(page: Page) -> None:
    open_visit(page)
    page.keyboard.press("F8")
    page.wait_for_selector("dialog[open]")
    page.wait_for_timeout(1200)


def ask_for_pin(page: Page) -> None:
    open_visit(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("dialog[open]")


def wrong_pin(page: Page) -> None:
    ask_for_pin(page)
    sign(page, "000000")
    page.wait_for_selector("dialog[open] [data-error-summary]")


def sign(page: Page, pin: str) -> None:
    undone = page.locator("#void_undone")
    if undone.count():
        undone.check()
    page.fill("#pin", pin)
    page.keyboard.press("Control+Enter")


def sign_all(page: Page) -> None:
    """End the visit: everything signed under one PIN, back to the room."""
    ask_for_pin(page)
    sign(page, DEMO_PIN)
    page.wait_for_url("**/workbench/rooms/**")


def ask_for_certificate(page: Page) -> None:
    """Make a key and its request; the one that waits already is looked at again."""
    for field in ("pin", "pin_again"):
        page.fill(f"#{field}", DEMO_PIN)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("[data-error-summary], a[href$='/request.pem']")
    if page.locator("[data-error-summary]").count():
        page.goto("/sign/certificates")
        page.locator("[data-href^='/sign/enrolments/']").first.press("Enter")
        page.wait_for_selector("a[href$='/request.pem']")


def first_row(page: Page) -> None:
    """Open the first line of the page's list; an empty list stays as it is."""
    rows = page.locator("[data-row]")
    if rows.count():
        rows.first.click()
        page.wait_for_load_state("load")


def look_back(page: Page) -> None:
    """Open a visit that is over."""
    page.click("details.ended summary")
    page.locator("details.ended a[data-row]").first.click()
    page.wait_for_load_state("load")


STOPS = (
    Stop("login", "/login"),
    Stop("not-found", "/khong-co-trang-nay"),
    Stop("components", "/_design"),
    Stop("doctor-rooms", "/workbench", "bacsi"),
    Stop("doctor-room", "/workbench/rooms/PK1", "bacsi"),
    Stop("workbench", "/workbench/rooms/PK1", "bacsi", then=write_note),
    Stop("doctor-lower", "/workbench/rooms/PK1", "bacsi", then=lower_half),
    Stop("doctor-preview", "/workbench/rooms/PK1", "bacsi", then=preview),
    Stop("doctor-pin", "/workbench/rooms/PK1", "bacsi", then=ask_for_pin),
    Stop("doctor-wrong-pin", "/workbench/rooms/PK1", "bacsi", then=wrong_pin),
    Stop("doctor-finished", "/workbench/rooms/PK1", "bacsi", then=sign_all),
    Stop("doctor-signed", "/workbench/rooms/PK1", "bacsi", then=look_back),
    Stop("signing-inbox", "/sign", "bacsi2"),
    Stop("certificates", "/admin/certificates", "quantri"),
    Stop("certificate-new", "/admin/certificates/new", "quantri"),
    Stop("certificate-request", "/sign/enrolments/new", "quantri"),
    Stop("certificate-requested", "/sign/enrolments/new", "bacsi", then=ask_for_certificate),
    Stop("signing-policy", "/admin/signing-policy", "quantri"),
    Stop("rehearsals", "/admin/rehearsals", "quantri"),
    Stop("rehearsal", "/sign/rehearsal", "bacsi"),
    Stop("my-certificates", "/sign/certificates", "bacsi"),
    Stop("signing-sent", "/sign/sent", "bacsi"),
    Stop("signing-seals", "/sign/seals", "giamdoc"),
    Stop("signing-mandates", "/sign/mandates", "truongkhoa"),
    Stop("signing-debt", "/sign/debt", "truongkhoa"),
    Stop("duty", "/duty", "truongkhoa"),
    Stop("consents", "/consents", "dieuduong"),
    Stop("tablet", "/tablet", size="portal"),
    Stop("reception", "/reception", "tiepdon"),
    Stop("reception-refused", "/reception", "tiepdon", then=registry_tour.scan_ruined_card),
    Stop("reception-register", "/reception", "tiepdon", then=registry_tour.scan_new_card),
    Stop("reception-choose", "/reception", "tiepdon", then=registry_tour.several_people),
    Stop("reception-visit", "/reception", "tiepdon", then=registry_tour.open_known),
    Stop("reception-number", "/reception", "tiepdon", then=registry_tour.opened),
    Stop("reception-cards", "/reception/cards", "tiepdon"),
    Stop("reception-card", "/reception/cards", "tiepdon", then=registry_tour.first_link),
    Stop("triage", "/triage", "dieuduong"),
    Stop("triage-form", "/triage", "dieuduong", then=registry_tour.first_link),
    Stop("emergency-open", "/patients", "bacsi2", then=registry_tour.break_the_glass),
    Stop("emergency-list", "/emergency-access", "giamdoc", scene=lambda tour, page: tour.break_glass(page)),
    Stop("credits", "/credits", "giamdoc"),
    Stop("patients", "/patients", "tiepdon"),
    Stop("chart", "/patients", "dieuduong", then=registry_tour.read_chart),
    Stop("orders", "/orders", "xetnghiem"),
    Stop("stays", "/stays", "dieuduong"),
    Stop("board", "/boards/A", size="screen"),
    Stop("till", "/till", "thungan"),
    Stop("till-person", "/till", "thungan", then=first_row),
    Stop("till-unmatched", "/till/unmatched", "thungan"),
    Stop("second-screen-pairing", "/screens/Q1", size="screen"),
    Stop("second-screen-waiting", "/screens/Q1", size="screen", scene=lambda tour, page: tour.pair(page)),
    Stop("till-qr", "/till", "thungan", then=money_tour.ask_for_money),
    Stop("screen-paying", "/screens/Q1", size="screen"),
    Stop("second-screen-paid", "/screens/Q1", size="screen", scene=lambda tour, page: tour.pay(page)),
    Stop("till-refund", "/till", "thungan", then=money_tour.ask_for_money_back),
    Stop("till-refunds", "/till", "thungan", then=money_tour.refund_asked),
    Stop("invoices", "/invoices", "ketoan"),
    Stop("jobs", "/admin/jobs", "quantri"),
    Stop("verify", "/verify"),
    Stop("portal-sign-in", "/portal/sign-in", size="portal"),
    Stop("portal", "/portal", DEMO_PHONE, "portal"),
    Stop("portal-departments", "/portal/booking", DEMO_PHONE, "portal"),
    Stop("portal-days", "/portal/booking", DEMO_PHONE, "portal", public_tour.choose_day),
    Stop("portal-hours", "/portal/booking", DEMO_PHONE, "portal", public_tour.choose_hour),
    Stop("portal-reason", "/portal/booking", DEMO_PHONE, "portal", public_tour.write_reason),
    Stop("portal-answers", "/portal/booking", DEMO_PHONE, "portal", public_tour.look_at_answers),
    Stop("portal-booked", "/portal/booking", DEMO_PHONE, "portal", public_tour.book),
    Stop("portal-records", "/portal/records", DEMO_PHONE, "portal"),
    Stop("portal-visit", "/portal/records", DEMO_PHONE, "portal", public_tour.open_visit),
    Stop("portal-bills", "/portal/bills", DEMO_PHONE, "portal"),
    Stop("portal-me", "/portal/me", DEMO_PHONE, "portal"),
    Stop("portal-consents", "/portal/me/consents", DEMO_PHONE, "portal"),
    Stop("portal-looks", "/portal/me/looks", DEMO_PHONE, "portal"),
    Stop("portal-telehealth", "/portal/telehealth", DEMO_PHONE, "portal"),
    Stop("telehealth", "/telehealth", "bacsi"),
    Stop("schedules", "/schedules", "truongkhoa"),
    Stop("devices", "/devices", "quantri"),
    Stop("kiosk-pairing", "/kiosk/pair", size="kiosk"),
    Stop("kiosk", "/kiosk", "sanh-a", "kiosk"),
    Stop("kiosk-digits", "/kiosk", "sanh-a", "kiosk", public_tour.press_digits),
    Stop("kiosk-refused", "/kiosk", "sanh-a", "kiosk", public_tour.scan_nonsense),
    Stop("kiosk-confirm", "/kiosk", "sanh-a", "kiosk", public_tour.scan_card),
    Stop("kiosk-ticket", "/kiosk", "sanh-a", "kiosk", public_tour.take_number),
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
        # Playwright turns extensions off, and with them the viewer that shows a PDF in a page.
        running = playwright.chromium.launch(
            executable_path=chromium(), args=arguments, ignore_default_args=["--disable-extensions"]
        )
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

    def __init__(self, browser: Browser, hospital: Hospital) -> None:
        self._browser, self._hospital, self._base_url = browser, hospital, hospital.base_url
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
                self._let_in(page, user, size)
                page.close()
            self._contexts[key] = context
        return self._contexts[key].new_page()

    def _let_in(self, page: Page, user: str, size: str) -> None:
        """Patients come by text message, the lobby machine by its pairing code, staff by their password."""
        if size == "portal":
            public_tour.sign_in_patient(page, self._hospital.outside_url, user)
        elif size == "kiosk":
            public_tour.pair_machine(page)
        else:
            page.goto("/login")
            page.fill("#username", user)
            page.fill("#password", DEMO_PASSWORD)
            page.press("#password", "Enter")
            page.wait_for_url(lambda url: "/login" not in url)

    def visit(self, stop: Stop) -> Page:
        """Open a stop and do what comes before its picture."""
        page = self.window(stop.user, stop.size)
        page.goto(stop.path)
        page.wait_for_load_state("load")
        page.wait_for_timeout(250)
        if stop.then:
            stop.then(page)
            page.wait_for_timeout(250)
        if stop.scene:
            stop.scene(self, page)
            page.wait_for_timeout(400)
        return page

    def pair(self, screen: Page) -> None:
        """Open the cashier's shift and pair the second screen with it."""
        cashier = self.window("thungan", "staff")
        money_tour.open_shift(cashier)
        if screen.locator("[data-face]").count() == 0:
            money_tour.pair_second_screen(cashier, money_tour.code_on(screen))
        cashier.close()
        money_tour.wait_for_face(screen, "waiting")

    def break_glass(self, page: Page) -> None:
        """Somebody of another department opens a record; the director sees it."""
        doctor = self.window("bacsi2", "staff")
        doctor.goto("/patients")
        registry_tour.open_in_emergency(doctor)
        doctor.close()
        page.reload()

    def pay(self, screen: Page) -> None:
        """Pay the code on the screen with a phone and wait for the word."""
        money_tour.wait_for_face(screen, "paying")
        money_tour.pay_what_is_shown(screen, self._hospital.outside_url)
        money_tour.wait_for_face(screen, "paid")
