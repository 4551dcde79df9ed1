"""Visits, money, the log of looks: one's own and nobody else's."""

from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from billing.api import (
    CreateRequest,
    NewPrice,
    PriceKind,
    add_counter,
    add_prices,
    pay_in_cash,
    receipts_of_episode,
)
from billing.settings import BillingSettings
from billing.shifts.service import OpenShift, open_shift
from emr.api import OpenVisit, Payer, VisitView, open_chart, open_visit
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.outbox.api import drain
from kernel.services import Services
from kernel.staff.api import Role
from patient_portal.records.log import Look, folded, subject_words
from tests.billing.builders import CASHIER, FACILITY
from tests.conftest import SignedIn
from tests.emr.builders import RECEPTION, a_hospital
from tests.patient_portal.builders import a_doctor, a_schedule, open_slots
from tests.patient_portal.conftest import SignInPatient


@pytest.fixture
async def place(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await a_hospital(session)
        start = utc_now().date().replace(month=1, day=1)
        await add_prices(session, [NewPrice("KB01", kind, 150_000, start) for kind in PriceKind])


async def _visit(sessions: Sessions, sending: Services, patient_id: UUID) -> VisitView:
    opening = OpenVisit(
        id=new_id(), patient_id=patient_id, payer=Payer.SELF_PAY, room="PK1", service_code="KB01"
    )
    async with sessions.begin() as session:
        visit = await open_visit(session, opening, actor=RECEPTION, now=utc_now())
    await drain(sending)
    return visit


async def _paid_in_cash(session: AsyncSession, visit: VisitView) -> UUID:
    """Pay the visit at the till and return the receipt."""
    await add_counter(session, "Q1", "Quầy 1")
    await open_shift(session, OpenShift(new_id(), "Q1", 0), actor=CASHIER, now=utc_now())
    command = CreateRequest(id=new_id(), episode_id=visit.episode_id, counter="Q1")
    await pay_in_cash(
        session, command, actor=CASHIER, facility=FACILITY, settings=BillingSettings(), now=utc_now()
    )
    [receipt] = await receipts_of_episode(session, visit.episode_id)
    return receipt.id


@pytest.mark.usefixtures("place")
async def test_own_visits_and_what_is_due(
    client: httpx.AsyncClient, patient_in: SignInPatient, sessions: Sessions, sending: Services
) -> None:
    person = await patient_in()
    visit = await _visit(sessions, sending, person.id)
    [seen] = (await client.get("/api/portal/visits")).json()
    assert (seen["id"], seen["room_name"], seen["state_name"]) == (str(visit.id), "Phòng khám 1", "Chờ khám")
    [due] = (await client.get("/api/portal/dues")).json()
    assert (due["remaining"], due["provisional"]) == (150_000, True)
    me = (await client.get("/api/portal/me")).json()
    assert (me["name"], me["code"]) == (person.name, person.code)


@pytest.mark.usefixtures("place")
async def test_the_phone_gets_a_code_to_pay(
    client: httpx.AsyncClient, patient_in: SignInPatient, sessions: Sessions, sending: Services
) -> None:
    person = await patient_in()
    visit = await _visit(sessions, sending, person.id)
    body = {"id": str(new_id())}
    path = f"/api/portal/dues/{visit.episode_id}/payment"
    asked = [(await client.post(path, json=body)).json() for _ in range(2)]
    assert asked[0] == asked[1]
    assert (asked[0]["amount"], asked[0]["counter"], asked[0]["state"]) == (150_000, "PORTAL", "PENDING")
    page = await client.get(f"/portal/bills/payments/{asked[0]['id']}")
    assert asked[0]["reference"] in page.text
    picture = await client.get(f"/portal/bills/payments/{asked[0]['id']}/qr.png")
    assert picture.content.startswith(b"\x89PNG")
    assert (await client.get(f"/portal/bills/payments/{asked[0]['id']}/state")).status_code == 200


@pytest.mark.usefixtures("place")
async def test_receipt_and_bill_are_downloaded_by_their_owner_alone(
    client: httpx.AsyncClient,
    other_client: httpx.AsyncClient,
    patient_in: SignInPatient,
    sessions: Sessions,
    sending: Services,
) -> None:
    person = await patient_in()
    visit = await _visit(sessions, sending, person.id)
    async with sessions.begin() as session:
        receipt = await _paid_in_cash(session, visit)
    [listed] = (await client.get("/api/portal/receipts")).json()
    paths = (f"/api/portal/receipts/{listed['id']}/file", f"/api/portal/dues/{visit.episode_id}/file")
    for path in paths:
        answer = await client.get(path)
        assert answer.content.startswith(b"%PDF"), path
    assert listed["id"] == str(receipt)
    log = (await client.get("/api/portal/access-log")).json()
    assert [look["did"] for look in log[:2]] == ["tải về bảng kê chi phí", "tải về phiếu thu"]
    await patient_in(client=other_client, phone="+84907654321")
    assert [(await other_client.get(path)).status_code for path in paths] == [404, 404]
    invoice = f"/portal/bills/{visit.episode_id}/invoices/{new_id()}/file"
    assert (await other_client.get(invoice)).status_code == 404


@pytest.mark.usefixtures("place")
async def test_other_peoples_things_are_not_there(
    client: httpx.AsyncClient,
    other_client: httpx.AsyncClient,
    patient_in: SignInPatient,
    sessions: Sessions,
    sending: Services,
) -> None:
    person = await patient_in()
    visit = await _visit(sessions, sending, person.id)
    body = {"id": str(new_id())}
    request = (await client.post(f"/api/portal/dues/{visit.episode_id}/payment", json=body)).json()
    await patient_in(client=other_client, phone="+84907654321")
    assert (await other_client.get("/api/portal/visits")).json() == []
    for path in (
        f"/api/portal/visits/{visit.id}",
        f"/api/portal/payments/{request['id']}",
        f"/portal/bills/{visit.episode_id}",
        f"/portal/bills/payments/{request['id']}/qr.png",
    ):
        assert (await other_client.get(path)).status_code == 404, path
    path = f"/api/portal/dues/{visit.episode_id}/payment"
    assert (await other_client.post(path, json={"id": str(new_id())})).status_code == 404


@pytest.mark.usefixtures("place")
async def test_the_patient_sees_who_looked(
    other_client: httpx.AsyncClient,
    patient_in: SignInPatient,
    signed_in: SignedIn,
    sessions: Sessions,
    sending: Services,
) -> None:
    person = await patient_in(client=other_client)
    visit = await _visit(sessions, sending, person.id)
    doctor = await signed_in(Role.DOCTOR, name="Lê Minh Tuấn")
    async with sessions.begin() as session:
        await open_chart(session, person.id, actor=doctor)
    await other_client.get(f"/api/portal/visits/{visit.id}")
    log = (await other_client.get("/api/portal/access-log")).json()
    assert (log[0]["who"], log[0]["did"]) == ("Quý vị", "xem lượt khám")
    assert doctor.name in {look["who"] for look in log}
    assert all(look["who"] != "Hệ thống" for look in log)
    page = await other_client.get("/portal/me/looks")
    assert "Lê Minh Tuấn" in page.text


@pytest.mark.usefixtures("place")
async def test_the_patient_sees_who_was_refused(
    client: httpx.AsyncClient,
    other_client: httpx.AsyncClient,
    patient_in: SignInPatient,
    signed_in: SignedIn,
    sessions: Sessions,
    sending: Services,
) -> None:
    person = await patient_in(client=other_client)
    visit = await _visit(sessions, sending, person.id)
    await signed_in(Role.DOCTOR, department="K99", name="Phạm Tò Mò")
    assert (await client.get(f"/workbench/visits/{visit.id}")).status_code == 403
    [look, *_] = (await other_client.get("/api/portal/access-log")).json()
    assert (look["who"], look["did"]) == ("Phạm Tò Mò", "bị từ chối mở lượt khám")
    assert look["reason"] == "Không thuộc khoa, kíp điều trị"
    assert "bị từ chối mở lượt khám" in (await other_client.get("/portal/me/looks")).text


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("emr.sheet:1", "phiếu trong hồ sơ"),
        ("emr.sheet.entry:1", "phiếu trong hồ sơ"),
        ("emr.x:1", "hồ sơ"),
        ("y:1", "hồ sơ"),
    ],
)
def test_every_subject_has_words(subject: str, words: str) -> None:
    assert subject_words(subject) == words


def test_the_same_again_is_one_line() -> None:
    def look(number: int, who: str) -> Look:
        return Look(id=number, at=utc_now(), who=who, where="", did="xem hồ sơ", reason="", mine=False)

    lines = folded([look(4, "A"), look(3, "A"), look(2, "B"), look(1, "A")])
    assert [(line.id, line.who, line.times) for line in lines] == [(4, "A", 2), (2, "B", 1), (1, "A", 1)]


@pytest.mark.usefixtures("place")
async def test_every_page_of_the_portal_opens(
    client: httpx.AsyncClient,
    patient_in: SignInPatient,
    sessions: Sessions,
    sending: Services,
    settings: Settings,
) -> None:
    person = await patient_in(remember=True)
    empty = await client.get("/portal")
    assert "Chưa có lịch hẹn" in empty.text
    visit = await _visit(sessions, sending, person.id)
    async with sessions.begin() as session:
        slots = await open_slots(session, a_schedule(await a_doctor(session, settings)))
    await _walk_booking(client, slots[0])
    home = await client.get("/portal")
    assert "Viện phí còn phải trả" in home.text
    assert "Mã vào khám" in home.text
    paths = (
        "records",
        f"visits/{visit.id}",
        "bills",
        f"bills/{visit.episode_id}",
        "me",
        "me/consents",
        "telehealth",
    )
    for path in paths:
        answer = await client.get(f"/portal/{path}")
        assert answer.status_code == 200, path
        assert len(answer.content) < 40_000, path


async def _walk_booking(client: httpx.AsyncClient, slot: UUID) -> None:
    departments = await client.get("/portal/booking")
    assert "Khoa Khám bệnh" in departments.text
    assert (await client.get("/portal/booking/K99")).status_code == 303
    days = await client.get("/portal/booking/K01")
    assert "còn 8 chỗ" in days.text
    reason = await client.get(f"/portal/booking/slot/{slot}")
    assert "Quý vị khám vì điều gì" in reason.text
    too_long = await client.post(f"/portal/booking/slot/{slot}", data={"reason": "x" * 301})
    assert too_long.status_code == 422
    answers = await client.post(f"/portal/booking/slot/{slot}", data={"reason": "mất ngủ"})
    assert "mất ngủ" in answers.text
    booking = new_id()
    body = {"id": str(booking), "slot_id": str(slot), "reason": "mất ngủ"}
    done = await client.post("/portal/bookings", data=body)
    assert done.headers["location"] == f"/portal/bookings/{booking}?done=true"
    page = await client.get(done.headers["location"])
    assert "Đã đặt lịch" in page.text
    again = await client.post("/portal/bookings", data=body | {"id": str(new_id())})
    assert (again.status_code, "Hãy đổi giờ" in again.text) == (409, True)
    assert "Huỷ lịch khám này" in (await client.get(f"/portal/bookings/{booking}/cancellation")).text


async def test_a_full_slot_leads_to_the_nearest_ones(
    client: httpx.AsyncClient,
    other_client: httpx.AsyncClient,
    patient_in: SignInPatient,
    sessions: Sessions,
    settings: Settings,
) -> None:
    await patient_in()
    await patient_in(client=other_client, phone="+84907654321")
    async with sessions.begin() as session:
        slots = await open_slots(session, a_schedule(await a_doctor(session, settings), capacity=1))
    body: dict[str, Any] = {"id": str(new_id()), "slot_id": str(slots[0])}
    assert (await client.post("/api/portal/bookings", json=body)).status_code == 201
    refusal = await other_client.post("/api/portal/bookings", json=body | {"id": str(new_id())})
    assert (refusal.status_code, refusal.json()["type"]) == (409, "/problems/slot-full")
    assert [one["id"] for one in refusal.json()["free_slots"]] == [str(slot) for slot in slots[1:]]
    page = await other_client.post("/portal/bookings", data=body | {"id": str(new_id()), "reason": ""})
    assert (page.status_code, f"/portal/booking/slot/{slots[1]}" in page.text) == (409, True)


async def test_only_heads_open_schedules(
    client: httpx.AsyncClient, signed_in: SignedIn, sessions: Sessions, settings: Settings
) -> None:
    async with sessions.begin() as session:
        doctor = await a_doctor(session, settings)
    body = msgspec.to_builtins(a_schedule(doctor))
    await signed_in(Role.DOCTOR)
    assert (await client.post("/api/portal/schedules", json=body)).status_code == 403
    await signed_in(Role.HEAD)
    opened = await client.post("/api/portal/schedules", json=body)
    assert opened.json() == {"slots": 4}
    closed = await client.post(f"/api/portal/schedules/{body['id']}/closing")
    assert closed.json() == {"standing_bookings": []}
