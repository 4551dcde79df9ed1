"""Signed papers: listed, downloaded byte for byte, audited, and nobody else's."""

from datetime import date, timedelta
from uuid import UUID

import httpx
import pytest
from sqlalchemy import insert, text

from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.services import Services
from patient_portal.records.rules import icon_of, may_open
from signing.api import NewDocument, NewSlot, get_document, prepare_document
from signing.archive.models import Archived
from tests.patient_portal.builders import a_doctor
from tests.patient_portal.conftest import SignInPatient

PDF = b"%PDF-1.7 signed"


async def _paper(
    sending: Services, settings: Settings, patient_id: UUID, *, kind: str = "PKB", issued: bool = True
) -> UUID:
    sha256 = await sending.objects.put(PDF)
    async with sending.sessions.begin() as session:
        doctor = await a_doctor(session, settings)
        document = NewDocument(
            id=new_id(),
            kind=kind,
            title="Phiếu khám bệnh",
            subject=f"emr.sheet:{new_id()}",
            author_id=doctor,
            sha256=sha256,
            slots=[NewSlot(field="bac_si", label="Bác sĩ", owner_staff_id=doctor)],
            patient_id=patient_id,
        )
        await prepare_document(session, document, now=utc_now())
        if issued:
            done = "UPDATE signing_document SET state = 'ISSUED', completed_at = now() WHERE id = :id"
            await session.execute(text(done).bindparams(id=document.id))
    return document.id


async def test_a_signed_paper_is_listed_and_downloaded_as_it_was_signed(
    client: httpx.AsyncClient, patient_in: SignInPatient, sending: Services, settings: Settings
) -> None:
    person = await patient_in()
    paper = await _paper(sending, settings, person.id)
    await _paper(sending, settings, person.id, issued=False)
    [listed] = (await client.get("/api/portal/documents")).json()
    assert (listed["id"], listed["verify_path"]) == (str(paper), f"/v/{listed['code']}")
    answer = await client.get(f"/api/portal/documents/{paper}/file")
    assert (answer.content, answer.headers["content-type"]) == (PDF, "application/pdf")
    log = (await client.get("/api/portal/access-log")).json()
    assert [look["did"] for look in log[:2]] == ["tải về văn bản đã lập", "xem văn bản đã lập"]
    for path in ("", "/records", f"/documents/{paper}"):
        assert "Phiếu khám bệnh" in (await client.get(f"/portal{path}")).text


async def test_the_copy_that_verifies_longest_is_handed_out(
    client: httpx.AsyncClient, patient_in: SignInPatient, sending: Services, settings: Settings
) -> None:
    person = await patient_in()
    paper = await _paper(sending, settings, person.id)
    lifted = PDF + b" and stamped for its retention term"
    sha256 = await sending.objects.put(lifted)
    now = utc_now()
    async with sending.sessions.begin() as session:
        source = (await get_document(session, paper)).head_sha256
        row = {
            "document_id": paper,
            "source_sha256": source,
            "sha256": sha256,
            "level": "B-LTA",
            "made_at": now,
            "holds_until": now + timedelta(days=365),
        }
        await session.execute(insert(Archived).values(row))
    [listed] = (await client.get("/api/portal/documents")).json()
    assert listed["sha256"] == sha256
    assert (await client.get(f"/api/portal/documents/{paper}/file")).content == lifted


async def test_another_persons_or_an_unsigned_paper_is_not_there(
    client: httpx.AsyncClient,
    other_client: httpx.AsyncClient,
    patient_in: SignInPatient,
    sending: Services,
    settings: Settings,
) -> None:
    person = await patient_in()
    paper = await _paper(sending, settings, person.id)
    unsigned = await _paper(sending, settings, person.id, issued=False)
    await patient_in(client=other_client, phone="+84907654321")
    tries = [(other_client, paper), (other_client, new_id()), (client, unsigned)]
    for browser, document in tries:
        answer = await browser.get(f"/api/portal/documents/{document}/file")
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/document-not-found")
    assert (await other_client.get("/api/portal/documents")).json() == []


async def test_who_answers_for_a_child_gets_the_summary_kinds(
    client: httpx.AsyncClient, patient_in: SignInPatient, sending: Services, settings: Settings
) -> None:
    child = await patient_in(born=date(2019, 5, 2))
    record = await _paper(sending, settings, child.id)
    discharge = await _paper(sending, settings, child.id, kind="GRV")
    assert [one["id"] for one in (await client.get("/api/portal/documents")).json()] == [str(discharge)]
    answer = await client.get(f"/api/portal/documents/{record}/file")
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/summary-only")
    assert (await client.get(f"/api/portal/documents/{discharge}/file")).status_code == 200


async def test_a_stranger_downloads_nothing(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/api/portal/documents/{new_id()}/file")).status_code == 401
    page = await client.get(f"/portal/documents/{new_id()}/file")
    assert (page.status_code, page.headers["location"]) == (303, "/portal/sign-in")


@pytest.mark.parametrize(
    ("kind", "age", "opens"), [("PKB", 18, True), ("PKB", 17, False), ("GRV", 3, True), ("15-BV1", 3, False)]
)
def test_who_may_open_what(kind: str, age: int, opens: bool) -> None:
    assert may_open(kind, age, full_from_age=18, summary_kinds=("GRV",)) is opens


@pytest.mark.parametrize(
    ("kind", "icon"),
    [("DT-C", "pill"), ("PKB", "file-check"), ("XN", "test-tube"), ("billing.bill", "receipt")],
)
def test_papers_have_pictures(kind: str, icon: str) -> None:
    assert icon_of(kind) == icon
