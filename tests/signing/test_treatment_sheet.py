"""The treatment sheet 36/BV2: each entry its own signed PDF, many by one approval, assembled byte for byte."""

import hashlib
import io
import json
from datetime import timedelta
from uuid import UUID

import httpx
import pikepdf
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.entries.service import KIND, NothingSigned, WriteEntry, assemble, entries_of, write_entry
from emr.episodes.views import Admit, StayView
from emr.settings import EmrSettings
from emr.sheets.models import Sheet
from emr.sheets.rules import SheetState
from emr.sheets.service import InvalidSheet
from emr.stays.service import admit
from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.clock import local, utc_now
from kernel.ids import new_id
from kernel.outbox.api import drain
from kernel.services import Services
from kernel.staff.api import Actor, Role
from signing.api import DocumentState, SignState, TrustList, get_document, sign_documents, verify_pdf
from signing.documents.models import Signature
from tests.conftest import SignedIn
from tests.emr.builders import a_hospital, a_visit
from tests.kernel.paper.papers import assert_archivable, text_of
from tests.signing.holders import PIN
from tests.signing.hospital import give_certificate


@pytest.fixture
async def doctor_in(signed_in: SignedIn, services: Services, settings: Settings, pki: DemoPki) -> Actor:
    actor = await signed_in(Role.DOCTOR, name="Nguyễn Thị Hương", department="K02")
    await give_certificate(services.sessions, settings, pki, actor)
    return actor


@pytest.fixture
async def stay(session: AsyncSession, services: Services, doctor_in: Actor) -> StayView:
    async with services.sessions.begin() as own:
        await a_hospital(own)
        now = utc_now() - timedelta(days=5)
        visit = await a_visit(own, now)
        command = Admit(new_id(), visit.id, "K02", "Theo dõi", bed="B201-1")
        return await admit(own, command, actor=doctor_in, now=now)


def an_entry(stay: StayView, more: dict[str, str] | None = None, *, hours: int = 0) -> WriteEntry:
    at = local(utc_now() - timedelta(hours=hours))
    data = {
        "thoi_gian": f"{at:%d/%m/%Y %H:%M}",
        "chan_doan": "Giai đoạn trầm cảm (F32.1)",
        "s": f"Ngủ được {hours} giờ",
        "chi_dinh": "Theo dõi mạch, huyết áp 2 lần/ngày",
    }
    return WriteEntry(
        new_id(), stay.id, {key: value for key, value in (data | (more or {})).items() if value}
    )


async def write(services: Services, entry: WriteEntry, actor: Actor) -> UUID:
    sheet = await write_entry(services, entry, actor=actor, now=utc_now(), settings=EmrSettings())
    assert sheet.state is SheetState.COMPLETED
    assert sheet.document_id is not None
    return sheet.document_id


async def test_twenty_entries_of_many_days_are_signed_by_one_approval_and_attached_byte_for_byte(
    services: Services, doctor_in: Actor, stay: StayView, settings: Settings, pki: DemoPki
) -> None:
    documents = [await write(services, an_entry(stay, hours=6 * number), doctor_in) for number in range(20)]
    results = await sign_documents(services, doctor_in, documents, PIN, utc_now())
    assert [result.state for result in results] == [SignState.SIGNED] * 20
    await give_certificate(services.sessions, settings, pki, None)
    await drain(services)
    async with services.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Signature)) == 20
    made = await assemble(services, stay.id, actor=doctor_in, now=utc_now())
    assert_archivable(await services.objects.get(made.base_sha256))
    await drain(services)
    async with services.sessions() as session:
        whole = await get_document(session, made.id)
        entries = {(view := await get_document(session, key)).code: view for key in documents}
    assert (whole.state, whole.kind) == (DocumentState.ISSUED, KIND)
    pdf = await services.objects.get(whole.head_sha256)
    trust = TrustList([pki.root], [pki.issuing], demo=True)
    assert verify_pdf(pdf, trust, utc_now()).valid
    text = "".join(text_of(pdf).split())
    with pikepdf.open(io.BytesIO(pdf)) as file:
        inside = {name: item.get_file().read_bytes() for name, item in file.attachments.items()}
    index = json.loads(inside.pop("36-BV2.json"))["entries"]
    assert len(inside) == len(index) == 20
    assert [one["at"] for one in index] == sorted(one["at"] for one in index)
    for one in index:
        attached, view = inside[one["file"]], entries[one["code"]]
        assert hashlib.sha256(attached).hexdigest() == one["sha256"] == view.head_sha256
        assert attached == await services.objects.get(view.head_sha256)
        assert verify_pdf(attached, trust, utc_now()).valid
        assert one["code"] in text
        assert one["sha256"][:16] in text


async def test_a_later_assembly_replaces_the_first(
    services: Services, doctor_in: Actor, stay: StayView, settings: Settings, pki: DemoPki
) -> None:
    with pytest.raises(NothingSigned):
        await assemble(services, stay.id, actor=doctor_in, now=utc_now())
    await give_certificate(services.sessions, settings, pki, None)
    made = []
    for hours in (8, 4):
        document = await write(services, an_entry(stay, hours=hours), doctor_in)
        await sign_documents(services, doctor_in, [document], PIN, utc_now())
        await drain(services)
        made.append((await assemble(services, stay.id, actor=doctor_in, now=utc_now())).id)
        await drain(services)
    async with services.sessions() as session:
        states = [(await get_document(session, key)).state for key in made]
    assert states == [DocumentState.SUPERSEDED, DocumentState.ISSUED]


async def test_a_wrong_entry_leaves_nothing_behind(
    services: Services, doctor_in: Actor, stay: StayView
) -> None:
    tomorrow = f"{local(utc_now() + timedelta(days=1)):%d/%m/%Y %H:%M}"
    for wrong, field in (
        ({"s": "", "chi_dinh": ""}, "s"),
        ({"thoi_gian": tomorrow}, "thoi_gian"),
        ({"thoi_gian": "sáng nay"}, "thoi_gian"),
        ({"chan_doan": ""}, "chan_doan"),
    ):
        with pytest.raises(InvalidSheet) as refused:
            await write(services, an_entry(stay, wrong), doctor_in)
        assert field in refused.value.errors
    async with services.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Sheet)) == 0


async def test_the_same_entry_sent_twice_is_one(services: Services, doctor_in: Actor, stay: StayView) -> None:
    entry = an_entry(stay)
    assert await write(services, entry, doctor_in) == await write(services, entry, doctor_in)
    async with services.sessions.begin() as session:
        assert len(await entries_of(session, stay.id, actor=doctor_in, now=utc_now())) == 1


async def test_the_page_writes_signs_and_assembles(
    client: httpx.AsyncClient, services: Services, doctor_in: Actor, stay: StayView, signed_in: SignedIn
) -> None:
    url = f"/stays/{stay.id}/entries"
    page = (await client.get(url)).text
    assert "Chưa ghi diễn biến nào" in page
    form = {"id": str(new_id()), **an_entry(stay, hours=2).data}
    wrong = await client.post(url, data={**form, "thoi_gian": "sáng nay"})
    assert (wrong.status_code, "Chưa ghi được:" in wrong.text) == (422, True)
    answer = await client.post(url, data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{url}?written=1")
    await client.post(url, data={**form, "id": str(new_id()), "s": "Tỉnh, tiếp xúc tốt"})
    page = (await client.get(url)).text
    assert "Tỉnh, tiếp xúc tốt" in page
    assert "Ký 2 diễn biến" in page
    early = await client.post(f"{url}/assembly")
    assert (early.status_code, "Chưa có diễn biến nào được ký" in early.text) == (422, True)
    async with services.sessions.begin() as session:
        lines = await entries_of(session, stay.id, actor=doctor_in, now=utc_now())
    asked = await client.get("/sign/confirm", params=[("d", str(line.document_id)) for line in lines])
    assert asked.text.count('name="document"') == 2
    signed = await client.post(
        "/sign", data={"document": [str(line.document_id) for line in lines], "pin": PIN}
    )
    assert signed.headers["location"] == "/sign?signed=2"
    await drain(services)
    assert (await client.post(f"{url}/assembly")).headers["location"] == f"{url}?assembled=1"
    file = await client.get(f"{url}/assembly.pdf")
    assert file.content.startswith(b"%PDF-")
    await signed_in(Role.NURSE, department="K02")
    assert (await client.get(url)).status_code == 200
    assert (await client.post(url, data=form)).status_code == 403
    await signed_in(Role.CASHIER)
    assert (await client.get(url)).status_code == 403
