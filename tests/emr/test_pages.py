"""The pages of reception, charts, work lists, wards and boards: for the right person, and told apart for the wrong one."""

import re
from datetime import date

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.catalogs.models import EthnicGroup
from emr.episodes.models import Visit
from emr.episodes.rules import Payer
from emr.orders.service import place_orders
from emr.orders.views import OrderLine, PlaceOrders
from emr.patients.models import Patient
from emr.queues.service import call_next
from emr.visits.service import start_visit
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.staff.api import Role
from tests.conftest import SignedIn
from tests.emr.builders import DOCTOR, a_hospital, a_patient, a_visit

CARD = "051199000123||Trần Thị Mẫu|01021999|Nữ|Thôn Mẫu, Xã Thử Nghiệm|15042021"


@pytest.fixture
async def hospital(session: AsyncSession) -> AsyncSession:
    await a_hospital(session)
    session.add(EthnicGroup(code="01", name="Kinh"))
    await session.flush()
    return session


def hidden(page: httpx.Response, name: str = "id") -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page.text)
    assert found, page.text[:2_000]
    return found[1]


async def test_from_a_scan_to_a_number(
    client: httpx.AsyncClient, signed_in: SignedIn, hospital: AsyncSession
) -> None:
    await signed_in(Role.RECEPTION)
    assert "Quét" in (await client.get("/reception")).text
    form = await client.post("/reception", data={"text": CARD})
    assert form.status_code == 200
    assert 'value="Trần Thị Mẫu"' in form.text
    assert "051199000123" in form.text
    typed = {
        "id": hidden(form),
        "name": "Trần Thị Mẫu",
        "birth": "01/02/1999",
        "sex": "FEMALE",
        "citizen_id": "051199000123",
        "phone": "0901 234 567",
        "identified_by": "QR_CCCD",
    }
    made = await client.post("/reception/patients", data=typed)
    assert made.status_code == 303, made.text[:3_000]
    opening = await client.get(made.headers["location"])
    assert "TRẦN THỊ MẪU" in opening.text
    patient_id = await hospital.scalar(select(Patient.id).where(Patient.citizen_id == "051199000123"))
    asked = {
        "id": hidden(opening),
        "exam": "PK1:KB01",
        "payer": "SELF_PAY",
        "priority": "NORMAL",
        "reason": "Mất ngủ",
        "identified_by": "QR_CCCD",
    }
    opened = await client.post(f"/reception/patients/{patient_id}/visits", data=asked)
    assert opened.status_code == 303
    done = await client.get(opened.headers["location"])
    assert "Mời đến quầy thu viện phí trước" in done.text
    assert "Phòng khám 1" in (await client.get("/reception/rooms")).text


async def test_a_known_card_goes_straight_to_the_visit(
    client: httpx.AsyncClient, signed_in: SignedIn, hospital: AsyncSession
) -> None:
    patient = await a_patient(hospital, citizen_id="051199000123", insurance_no="DN4515120000001")
    await signed_in(Role.RECEPTION)
    opening = await client.post("/reception", data={"text": CARD})
    assert f"/reception/patients/{patient.id}/visits" in opening.text
    asked = {
        "id": hidden(opening),
        "exam": "PK1:KB01",
        "payer": "BHYT",
        "card_number": "DN4515120000001",
        "valid_from": "01012026",
        "valid_to": "31/12/2099",
        "route": "1.1",
        "identified_by": "QR_CCCD",
    }
    opened = await client.post(f"/reception/patients/{patient.id}/visits", data=asked)
    assert opened.status_code == 303, opened.text[:3_000]
    done = await client.get(opened.headers["location"])
    assert "001" in done.text
    assert "Được gọi khám theo số" in done.text
    slip = await client.get(opened.headers["location"] + "/ticket")
    assert "data-print" in slip.text
    visit = (await hospital.scalars(select(Visit))).one()
    assert (visit.identified_by, visit.insurance and visit.insurance["benefit_level"]) == ("QR_CCCD", "4")


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        (CARD.replace("Trần", "Tr?n"), 422, "Tắt bộ gõ tiếng Việt"),
        ("khong co ai", 200, "Chưa có hồ sơ khớp"),
        ("tran", 200, "Chọn người bệnh"),
    ],
)
async def test_what_the_desk_answers(
    client: httpx.AsyncClient, signed_in: SignedIn, hospital: AsyncSession, text: str, status: int, words: str
) -> None:
    await a_patient(hospital)
    await a_patient(hospital, name="Trần Văn Hai")
    await signed_in(Role.RECEPTION)
    answer = await client.post("/reception", data={"text": text})
    assert answer.status_code == status
    assert words in answer.text


async def test_a_refused_registration_keeps_what_was_typed(
    client: httpx.AsyncClient, signed_in: SignedIn, hospital: AsyncSession
) -> None:
    await signed_in(Role.RECEPTION)
    typed = {"id": str(new_id()), "name": "Lê Văn Sai", "birth": "hôm qua", "sex": "", "phone": "1"}
    answer = await client.post("/reception/patients", data=typed)
    assert answer.status_code == 422
    for words in ("Ngày sinh không đúng", "Chọn giới tính", 'value="Lê Văn Sai"', 'href="#birth"'):
        assert words in answer.text
    typed |= {"birth": "1980", "sex": "MALE"}
    answer = await client.post("/reception/patients", data=typed)
    assert "Số điện thoại không đúng" in answer.text


async def test_a_likely_duplicate_asks_first(
    client: httpx.AsyncClient, signed_in: SignedIn, hospital: AsyncSession
) -> None:
    patient = await a_patient(hospital)
    await signed_in(Role.RECEPTION)
    typed = {"id": str(new_id()), "name": "TRẦN THỊ MẪU", "birth": "01/02/1999", "sex": "FEMALE"}
    asked = await client.post("/reception/patients", data=typed)
    assert (asked.status_code, patient.code in asked.text) == (422, True)
    made = await client.post("/reception/patients", data=typed | {"not_duplicate": "1"})
    assert made.status_code == 303


async def test_a_child_without_a_guardian_is_told_so_at_the_field(
    client: httpx.AsyncClient, signed_in: SignedIn, hospital: AsyncSession
) -> None:
    child = await a_patient(hospital, birth_date=date(2020, 1, 1))
    await signed_in(Role.RECEPTION)
    asked = {"id": str(new_id()), "exam": "PK1:KB01", "payer": "SELF_PAY"}
    answer = await client.post(f"/reception/patients/{child.id}/visits", data=asked)
    assert answer.status_code == 422
    assert 'href="#guardian_name"' in answer.text


async def test_a_chart_is_found_read_and_corrected(
    client: httpx.AsyncClient, signed_in: SignedIn, hospital: AsyncSession
) -> None:
    visit = await a_visit(hospital, payer=Payer.BHYT)
    await signed_in(Role.NURSE)
    assert "Gõ để tìm" in (await client.get("/patients")).text
    assert "Trần Thị Mẫu" in (await client.post("/patients", data={"text": "tran mau"})).text
    assert "Trần Thị Mẫu" in (await client.post("/patients/hits", data={"text": "mau tr"})).text
    went = await client.post("/scan", data={"text": "tran thi mau"})
    assert went.headers["location"] == f"/patients/{visit.patient_id}"
    chart = await client.get(went.headers["location"])
    assert visit.number in chart.text
    edit = await client.get(f"/patients/{visit.patient_id}/particulars")
    typed = {
        "revision": hidden(edit, "revision"),
        "name": "Trần Thị Mẫu",
        "birth": "1999",
        "sex": "FEMALE",
        "allergies": "Penicillin",
        "reason": "Bổ sung dị ứng",
    }
    refused = await client.post(f"/patients/{visit.patient_id}/particulars", data=typed | {"reason": ""})
    assert refused.status_code == 422
    saved = await client.post(f"/patients/{visit.patient_id}/particulars", data=typed)
    assert saved.status_code == 303, saved.text[:2_000]
    assert "Dị ứng Penicillin" in (await client.get(f"/patients/{visit.patient_id}")).text


async def test_a_technician_takes_reports_and_another_approves(
    client: httpx.AsyncClient, signed_in: SignedIn, hospital: AsyncSession
) -> None:
    now = utc_now()
    visit = await a_visit(hospital, now, payer=Payer.BHYT)
    await start_visit(hospital, visit.id, actor=DOCTOR, now=now)
    lines = [OrderLine(id=new_id(), service_code="XN01"), OrderLine(id=new_id(), service_code="XN02")]
    await place_orders(hospital, PlaceOrders(visit_id=visit.id, lines=lines), actor=DOCTOR, now=now)
    await signed_in(Role.LAB, department="K05")
    first = await client.get("/orders")
    assert first.headers["location"] == "/orders/rooms/XN1"
    page = await client.get("/orders/rooms/XN1")
    assert "Glucose máu" in page.text
    assert "vitamin D" not in page.text  # waits for the till
    base = f"/orders/rooms/XN1/{lines[0].id}"
    assert (await client.post(f"{base}/begin")).status_code == 303
    refused = await client.post(f"{base}/result", data={"id": str(new_id()), "value": "cao"})
    assert (refused.status_code, "không đúng dạng" in refused.text) == (422, True)
    assert (
        await client.post(f"{base}/result", data={"id": str(new_id()), "value": "7,2"})
    ).status_code == 303
    shown = await client.get("/orders/rooms/XN1/lines")
    assert "7,2" in shown.text
    assert "Chưa duyệt" in shown.text
    assert (await client.post(f"{base}/approval")).status_code == 422
    await signed_in(Role.HEAD, name="Trưởng Khoa")
    assert (await client.post(f"{base}/approval")).status_code == 303
    held = await client.post(f"/orders/rooms/XN1/{lines[1].id}/begin")
    assert "chờ thu tiền" in held.text


async def test_a_ward_admits_moves_and_discharges(
    client: httpx.AsyncClient, signed_in: SignedIn, hospital: AsyncSession
) -> None:
    visit = await a_visit(hospital, payer=Payer.BHYT)
    await signed_in(Role.DOCTOR, department="K02")
    assert (await client.get("/stays")).headers["location"] == "/stays/wards/K02"
    page = await client.get("/stays/wards/K02")
    typed = {"id": hidden(page), "visit_number": visit.number.lower(), "bed": "B201-1", "reason": "Theo dõi"}
    wrong = await client.post("/stays/wards/K02", data=typed | {"visit_number": "KB00"})
    assert "Không có lượt khám mang số này" in wrong.text
    assert (await client.post("/stays/wards/K02", data=typed)).status_code == 303
    page = await client.get("/stays/wards/K02")
    assert "Trần Thị Mẫu" in page.text
    found = re.search(r'action="/stays/([0-9a-f-]{36})/bed"', page.text)
    assert found
    moved = await client.post(f"/stays/{found[1]}/bed", data={"bed": "B201-2", "department": "K02"})
    assert moved.status_code == 303
    refused = await client.post(f"/stays/{found[1]}/bed", data={"bed": "B999", "department": "K02"})
    assert (refused.status_code, "Không có giường này" in refused.text) == (422, True)
    ended = await client.post(f"/stays/{found[1]}/discharge", data={"outcome": "HOME", "department": "K02"})
    assert ended.status_code == 303
    again = await client.post(f"/stays/{found[1]}/discharge", data={"outcome": "", "department": "K02"})
    assert again.status_code == 422


async def test_the_board_shows_no_whole_name(client: httpx.AsyncClient, hospital: AsyncSession) -> None:
    now = utc_now()
    await a_visit(hospital, now, payer=Payer.BHYT)
    await call_next(hospital, "PK1", actor=DOCTOR, now=now)
    page = await client.get("/boards/A")
    assert "TRẦN T** M**" in page.text
    assert "Mẫu" not in page.text
    assert "TRẦN T** M**" in (await client.get("/boards/A/state")).text


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("/reception", Role.CASHIER),
        ("/patients", Role.ADMIN),
        ("/orders/rooms/XN1", Role.RECEPTION),
        ("/stays/wards/K02", Role.RECEPTION),
    ],
)
async def test_the_wrong_person_sees_a_refusal(
    client: httpx.AsyncClient, signed_in: SignedIn, hospital: AsyncSession, path: str, role: Role
) -> None:
    await signed_in(role)
    assert (await client.get(path)).status_code == 403
