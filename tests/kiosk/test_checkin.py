"""From a scan to a number: the three screens, and each refusal in words."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from emr.api import find_patients
from hospital.settings import Settings
from kernel.audit.api import entries_of_patient
from kernel.clock import utc_now
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.staff.api import Actor
from patient_portal.booking.service import Book, BookingView, book, cancel_booking
from tests.kiosk.conftest import Pair
from tests.patient_portal.builders import a_doctor, a_patient, a_schedule, open_slots

pytestmark = pytest.mark.usefixtures("lobby")

CCCD = "051199000123||Trần Thị Mẫu|01021999|Nữ|Thôn Mẫu, Xã Thử Nghiệm, Quảng Ngãi|15042021"
BHYT = (
    "5120000001|5472e1baa76e205468e1bb8b204de1baab75|01/02/1999|2|-|51 - 001|01/01/2026|-|05/01/2026|"
    "51015120000001|-|4|01/01/2030|0123456789abcdef-5101|4|58c3a3205468e1bbad204e676869e1bb876d|$"
)
PAYMENT = "00020101021238540010A00000072701240006970436011000000000000208QRIBFTTA53037045802VN6304"
HOME = Actor(id=new_id(), name="Người bệnh", title="", roles=frozenset(), department="", ip="")


async def _scan(machine: httpx.AsyncClient, scanned: str) -> httpx.Response:
    return await machine.post("/api/kiosk/arrivals", json={"id": str(new_id()), "text": scanned})


async def _check_in(machine: httpx.AsyncClient, arrival: str, **more: Any) -> httpx.Response:
    body = {"insured": False, "service": "KB01"} | more
    return await machine.post(f"/api/kiosk/arrivals/{arrival}/visit", json=body)


async def _booked(
    sessions: Sessions, settings: Settings, *, minutes: int = 30, cancelled: bool = False
) -> BookingView:
    async with sessions.begin() as session:
        doctor = await a_doctor(session, settings)
        starts_at = utc_now() + timedelta(minutes=minutes)
        slots = await open_slots(session, a_schedule(doctor, starts_at=starts_at))
        person = await a_patient(session, citizen_id="051199000123")
        command = Book(id=new_id(), slot_id=slots[0], reason="tái khám")
        view = await book(session, command, patient_id=person.id, actor=HOME, now=utc_now())
        if cancelled:
            await cancel_booking(session, view.id, patient_id=person.id, actor=HOME, now=utc_now())
    return view


async def test_a_card_that_is_not_on_file_opens_a_record_and_a_visit(
    machine: httpx.AsyncClient, pair: Pair, sessions: Sessions
) -> None:
    await pair()
    seen = (await _scan(machine, CCCD)).json()
    assert seen["masked_name"] == "TRẦN T** M**"
    assert [one["code"] for one in seen["exams"]] == ["KB01"]
    slip = (await _check_in(machine, seen["id"])).json()
    assert (slip["number"], slip["room"], slip["ready"], slip["again"]) == (1, "PK1", False, False)
    async with sessions() as session:
        [person] = await find_patients(session, "051199000123")
        actions = [(row.action, row.actor_name) for row in await entries_of_patient(session, person.id)]
    assert (person.name, person.birth_date) == ("Trần Thị Mẫu", date(1999, 2, 1))
    assert ("view", "Sảnh A, máy 1") in actions


async def test_a_bhyt_card_opens_an_insured_visit_to_be_verified(
    machine: httpx.AsyncClient, pair: Pair, sessions: Sessions
) -> None:
    await pair()
    seen = (await _scan(machine, BHYT)).json()
    assert seen["has_card"]
    slip = (await _check_in(machine, seen["id"], insured=True)).json()
    assert slip["ready"]
    async with sessions() as session:
        card = await session.scalar(text("SELECT insurance FROM emr_visit"))
    assert (card["card_number"], card["portal_down"]) == ("5120000001", "Tự đăng ký tại máy, chờ tra cứu thẻ")


async def test_the_shortest_queue_is_given(machine: httpx.AsyncClient, pair: Pair) -> None:
    await pair()
    first = (await _scan(machine, CCCD)).json()
    assert (await _check_in(machine, first["id"])).json()["room"] == "PK1"
    second = (await _scan(machine, BHYT.replace("5120000001", "5120000002"))).json()
    assert (await _check_in(machine, second["id"])).json()["room"] == "PK2"


async def test_sending_the_same_step_twice_gives_one_number(machine: httpx.AsyncClient, pair: Pair) -> None:
    await pair()
    arrival = str(new_id())
    body = {"id": arrival, "text": CCCD}
    assert [(await machine.post("/api/kiosk/arrivals", json=body)).status_code for _ in range(2)] == [
        201,
        201,
    ]
    slips = [(await _check_in(machine, arrival)).json() for _ in range(2)]
    assert [slip["number"] for slip in slips] == [1, 1]


async def test_who_waits_already_sees_the_same_number(
    machine: httpx.AsyncClient, pair: Pair, sessions: Sessions
) -> None:
    await pair()
    async with sessions.begin() as session:
        await session.execute(text("UPDATE emr_room SET active = false WHERE code = 'PK2'"))
    first = (await _scan(machine, CCCD)).json()
    await _check_in(machine, first["id"])
    again = (await _scan(machine, CCCD)).json()
    slip = (await _check_in(machine, again["id"])).json()
    assert (slip["number"], slip["again"]) == (1, True)


async def test_a_booking_code_finds_the_booking_and_its_room(
    machine: httpx.AsyncClient, pair: Pair, sessions: Sessions, settings: Settings
) -> None:
    await pair()
    view = await _booked(sessions, settings)
    seen = (await _scan(machine, view.code)).json()
    assert seen["booking"]["room_name"] == "Phòng khám 2, tầng 1"
    slip = (await _check_in(machine, seen["id"], service="")).json()
    assert slip["room"] == "PK2"
    async with sessions() as session:
        state, visit = (await session.execute(text("SELECT state, visit_id FROM portal_booking"))).one()
    assert (state, visit) == ("ARRIVED", UUID(seen["id"]))
    used = (await _scan(machine, view.code)).json()
    assert (await _check_in(machine, used["id"])).json()["again"]


async def test_a_card_finds_the_booking_too(
    machine: httpx.AsyncClient, pair: Pair, sessions: Sessions, settings: Settings
) -> None:
    await pair()
    view = await _booked(sessions, settings)
    assert (await _scan(machine, "051199000123")).json()["booking"]["id"] == str(view.id)


@pytest.mark.parametrize(
    ("minutes", "cancelled", "slug"), [(30, True, "booking-gone"), (60 * 24, False, "booking-elsewhen")]
)
async def test_a_booking_that_is_not_for_now(
    machine: httpx.AsyncClient,
    pair: Pair,
    sessions: Sessions,
    settings: Settings,
    minutes: int,
    cancelled: bool,
    slug: str,
) -> None:
    await pair()
    view = await _booked(sessions, settings, minutes=minutes, cancelled=cancelled)
    answer = await _scan(machine, view.code)
    assert (answer.status_code, answer.json()["type"]) == (409, f"/problems/{slug}")


@pytest.mark.parametrize(
    ("scanned", "words"),
    [
        ("", "Chưa đọc được gì"),
        ("http://example.org", "đường dẫn"),
        ("051199000123||Tr?n Th? M?u|01021999|Nữ|x|15042021", "bộ gõ"),
        ("051199000123||Trần", "bị thiếu"),
        ("xyz", "Không đọc được"),
        ("VP10000000001", "phiếu thu tiền"),
        ("051199000999", "Chưa có hồ sơ"),
        ("LHABCDEFGHJK", "không còn dùng được"),
    ],
)
async def test_a_scan_that_does_not_help_is_told_in_words(
    machine: httpx.AsyncClient, pair: Pair, scanned: str, words: str
) -> None:
    await pair()
    page = await machine.post("/kiosk/scan", data={"id": str(new_id()), "text": scanned})
    assert page.status_code in (409, 422)
    assert words in page.text
    assert "Trần" not in page.text


async def test_a_child_is_sent_to_the_desk(
    machine: httpx.AsyncClient, pair: Pair, sessions: Sessions
) -> None:
    await pair()
    async with sessions.begin() as session:
        await a_patient(session, born=date(2019, 5, 2), citizen_id="051319000123")
    answer = await _scan(machine, "051319000123")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/go-to-desk")
    assert "người đi cùng" in answer.json()["detail"]


async def test_insured_without_a_card_number(
    machine: httpx.AsyncClient, pair: Pair, sessions: Sessions
) -> None:
    await pair()
    async with sessions.begin() as session:
        await a_patient(session, citizen_id="051199000123")
    seen = (await _scan(machine, "051199000123")).json()
    assert not seen["has_card"]
    answer = await _check_in(machine, seen["id"], insured=True)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/go-to-desk")


async def test_no_room_is_open(machine: httpx.AsyncClient, pair: Pair, sessions: Sessions) -> None:
    await pair()
    async with sessions.begin() as session:
        await session.execute(text("UPDATE emr_room SET active = false"))
    seen = (await _scan(machine, CCCD)).json()
    assert seen["exams"] == []
    answer = await _check_in(machine, seen["id"])
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/no-room-open")


async def test_a_person_who_walked_away_is_forgotten(
    machine: httpx.AsyncClient, pair: Pair, sessions: Sessions
) -> None:
    await pair()
    seen = (await _scan(machine, CCCD)).json()
    async with sessions.begin() as session:
        await session.execute(text("UPDATE kiosk_arrival SET scanned_at = now() - interval '5 minutes'"))
    answer = await _check_in(machine, seen["id"])
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/arrival-over")
    assert (await machine.get(f"/kiosk/arrivals/{seen['id']}")).headers["location"] == "/kiosk"
    assert (await machine.get(f"/kiosk/arrivals/{seen['id']}/ticket")).headers["location"] == "/kiosk"


async def test_the_three_screens(machine: httpx.AsyncClient, pair: Pair) -> None:
    await pair()
    answer = await machine.post("/kiosk/scan", data={"id": str(new_id()), "text": CCCD})
    confirm = answer.headers["location"]
    page = await machine.get(confirm)
    assert "TRẦN T** M**" in page.text
    assert "Trần Thị Mẫu" not in page.text
    answer = await machine.post(confirm, data={"payer": "SELF_PAY", "service": "KB01"})
    assert answer.headers["location"] == f"{confirm}/ticket"
    ticket = await machine.get(f"{confirm}/ticket")
    assert "Phòng khám 1" in ticket.text
    assert 'data-idle="15"' in ticket.text
    assert "quầy thu viện phí" in ticket.text
