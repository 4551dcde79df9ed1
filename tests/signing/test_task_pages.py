"""The pages around the inbox, seen by the right person and the wrong one."""

from datetime import timedelta

import httpx
import pytest
from msgspec.structs import replace
from sqlalchemy import update

from emr.places.models import Department, Duty
from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.clock import local_day, utc_now
from kernel.ids import new_id
from kernel.services import Services
from kernel.staff.api import Actor, Role
from signing.api import NewSlot, SignState, sign_documents
from signing.documents.models import Slot
from signing.tasks.reminders import remind
from tests.conftest import SignedIn
from tests.signing.holders import PIN
from tests.signing.hospital import a_document, give_certificate


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, signing=replace(settings.signing, seal_release_hours="00:00-00:00"))


@pytest.fixture
async def author(signed_in: SignedIn, services: Services, settings: Settings, pki: DemoPki) -> Actor:
    actor = await signed_in(Role.DOCTOR, name="Nguyễn Thị Hương", department="K02")
    await give_certificate(services.sessions, settings, pki, actor)
    return actor


def two_slots(author: Actor, second: Actor) -> tuple[NewSlot, NewSlot]:
    return (
        NewSlot(field="a", label="Bác sĩ", owner_staff_id=author.id),
        NewSlot(field="b", label="Bác sĩ thứ hai", owner_staff_id=second.id),
    )


async def test_handing_over_from_the_page(
    client: httpx.AsyncClient, services: Services, author: Actor, signed_in: SignedIn
) -> None:
    third = await signed_in(Role.DOCTOR, name="Phạm Thị Ba")
    second = await signed_in(Role.DOCTOR, name="Lê Văn Hai")
    document = await a_document(services, author, *two_slots(author, second))
    await sign_documents(services, author, [document.id], PIN, utc_now())
    page = (await client.get("/sign")).text
    assert "Phạm Thị Ba" in page
    url = f"/sign/{document.id}/handover"
    refused = await client.post(url, data={"to_id": "", "why": ""})
    assert (refused.status_code, "Hãy chọn người nhận" in refused.text) == (422, True)
    answer = await client.post(url, data={"to_id": str(third.id), "why": "Đi công tác"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign?handed=1")
    assert "Không có văn bản nào chờ bạn ký" in (await client.get("/sign")).text
    again = await client.post(url, data={"to_id": str(third.id), "why": "Đi công tác"})
    assert (again.status_code, "không phải ô ký của bạn" in again.text) == (422, True)


async def test_the_author_sees_what_came_back_and_recalls_the_rest(
    client: httpx.AsyncClient, services: Services, author: Actor, signed_in: SignedIn
) -> None:
    refused = await a_document(services, author, title="Phiếu bị trả")
    waiting = await a_document(services, author, title="Phiếu còn chờ")
    await client.post(f"/sign/{refused.id}/refusal", data={"why": "khac", "reason": "Sai tên thuốc"})
    page = (await client.get("/sign/sent")).text
    assert page.index("Phiếu bị trả") < page.index("Phiếu còn chờ")
    assert "Sai tên thuốc" in page
    answer = await client.post(f"/sign/{waiting.id}/recall")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign/sent?recalled=1")
    assert (await client.post(f"/sign/{waiting.id}/recall")).status_code == 422
    await signed_in(Role.DOCTOR)
    assert "Phiếu bị trả" not in (await client.get("/sign/sent")).text


async def test_a_mandate_is_given_used_and_ended_from_its_page(
    client: httpx.AsyncClient,
    services: Services,
    author: Actor,
    signed_in: SignedIn,
    settings: Settings,
    pki: DemoPki,
) -> None:
    deputy = await signed_in(Role.DOCTOR, name="Phạm Thu Phó", department="K02")
    await give_certificate(services.sessions, settings, pki, deputy, number="001180000002")
    assert (await client.post("/sign/mandates", data={})).status_code == 403
    head = await signed_in(Role.DOCTOR, Role.HEAD, name="Đặng Quốc Việt", department="K02")
    today = local_day(utc_now())
    form = {
        "id": str(new_id()),
        "capacity": "KT",
        "taker_id": str(deputy.id),
        "basis": "QĐ 15/QĐ-BV",
        "starts": f"{today:%d/%m/%Y}",
        "ends": f"{today:%d/%m/%Y}",
    }
    for wrong in ({"basis": ""}, {"starts": "hôm nay"}, {"taker_id": str(head.id)}, {"capacity": "TL"}):
        assert (await client.post("/sign/mandates", data={**form, **wrong})).status_code == 422, wrong
    assert (await client.post("/sign/mandates", data=form)).status_code == 303
    assert "Phạm Thu Phó" in (await client.get("/sign/mandates")).text
    slot = NewSlot(field="b", label="Trưởng khoa", owner_role="head", department="K02")
    document = await a_document(services, author, slot)
    results = await sign_documents(services, deputy, [document.id], PIN, utc_now())
    assert [result.state for result in results] == [SignState.SIGNED]
    public = (await client.get(f"/v/{document.code}")).text
    assert "KT. Trưởng khoa K02 BS Đặng Quốc Việt" in public
    ended = await client.post(f"/sign/mandates/{form['id']}/end")
    assert ended.status_code == 303
    assert (await client.post(f"/sign/mandates/{form['id']}/end")).status_code == 422


async def lead_now(services: Services, actor: Actor) -> None:
    now = utc_now()
    async with services.sessions.begin() as session:
        session.add(Department(code="P02", name="KHTH", kind="OFFICE", insurance_code="", active=True))
        await session.flush()
        turn = {"kind": "LEADER", "department_code": "P02", "staff_id": actor.id, "day": local_day(now)}
        hours = {"starts_at": now - timedelta(hours=1), "ends_at": now + timedelta(hours=1)}
        session.add(Duty(id=new_id(), **turn, **hours))


async def test_the_leader_on_duty_finds_posts_and_seals_and_reads_them(
    client: httpx.AsyncClient, services: Services, author: Actor, signed_in: SignedIn
) -> None:
    head_slot = NewSlot(field="b", label="Trưởng khoa", owner_role="head", department="K02")
    for_head = await a_document(services, author, head_slot)
    seal = NewSlot(field="co_so", label="Cơ sở", organisation=True)
    sealed = await a_document(services, author, seal, title="Giấy ra viện")
    leader = await signed_in(Role.DOCTOR, name="Trần Trực", department="K01")
    assert (await client.get(f"/sign/{for_head.id}/file.pdf")).status_code == 403
    assert (await client.post(f"/sign/{sealed.id}/release")).status_code == 422
    await lead_now(services, leader)
    page = (await client.get(f"/sign/{for_head.id}")).text
    assert "Trực lãnh đạo, thay Trưởng khoa K02." in page
    assert "Bạn đang trực lãnh đạo: cho đóng dấu" in page
    assert "Trực lãnh đạo, thay" in (await client.get(f"/sign/confirm?d={for_head.id}")).text
    for document in (for_head, sealed):
        assert (await client.get(f"/sign/{document.id}/file.pdf")).status_code == 200
    assert "Cho đóng dấu" in (await client.get("/sign/seals")).text
    answer = await client.post(f"/sign/{sealed.id}/release")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign/seals?released=1")
    assert "Cho đóng dấu" not in (await client.get("/sign/seals")).text


async def test_some_of_the_list_may_be_chosen(
    client: httpx.AsyncClient, services: Services, author: Actor
) -> None:
    one, two, three = [await a_document(services, author) for _ in range(3)]
    page = (await client.get(f"/sign/confirm?d={one.id}&d={three.id}")).text
    assert page.count("checked") >= 2
    assert str(two.id) not in page
    assert one.head_sha256[:8] in page
    assert "NGUYỄN VĂN AN" in page


async def test_the_debt_stands_by_person_department_and_age(
    client: httpx.AsyncClient, services: Services, author: Actor, signed_in: SignedIn
) -> None:
    for hours in (1, 30, 200):
        document = await a_document(services, author)
        since = utc_now() - timedelta(hours=hours)
        async with services.sessions.begin() as session:
            changed = update(Slot).where(Slot.document_id == document.id)
            await session.execute(changed.values(open_since=since))
    await a_document(services, author, NewSlot(field="x", label="Giám đốc", owner_role="director"))
    await signed_in(Role.DIRECTOR)
    owed = (await client.get("/api/signing/debt")).json()
    assert [(debt["who"], debt["ages"]) for debt in owed] == [
        ("BS Nguyễn Thị Hương", [1, 0, 1, 0, 1]),
        ("Giám đốc", [1, 0, 0, 0, 0]),
    ]
    page = (await client.get("/sign/debt")).text
    assert "Theo khoa" in page
    assert "Trên 7 ngày" in page
    of_one = (await client.get("/sign/debt?department=K02")).text
    assert "Giám đốc</td>" not in of_one


async def test_reminders_stand_in_the_inbox_and_the_head_hears_of_old_ones(
    client: httpx.AsyncClient, services: Services, author: Actor, signed_in: SignedIn, settings: Settings
) -> None:
    await a_document(services, author)
    async with services.sessions.begin() as session:
        await remind(session, settings=settings.signing, now=utc_now() + timedelta(hours=80))
    assert "Nhắc lần 3" in (await client.get("/sign")).text
    await signed_in(Role.HEAD, department="K02")
    assert "Khoa có 1 văn bản quá hạn ký." in (await client.get("/sign")).text
    await signed_in(Role.HEAD, department="K03")
    assert "quá hạn ký" not in (await client.get("/sign")).text
