"""A signature drawn on the tablet: what it leaves in the file, and what is too little to be one."""

import hashlib
import json
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from sqlalchemy import select

from hospital.commands.evidence import evidence
from hospital.commands.verify import describe
from hospital.demo.pki import DemoPki
from kernel.clock import utc_now
from kernel.outbox.api import drain
from kernel.services import Services
from kernel.staff.api import Actor
from signing.api import DocumentState, get_document, sign_documents, verify_file
from signing.documents.models import Signature
from signing.people import bundle as b
from signing.people.confirm import MethodNotOffered, draw
from signing.people.ink import BadEvidenceKey, open_sealed
from signing.people.rules import BadDrawing, Drawing, Method, Point, State, TooLittleInk
from signing.trust import TrustList
from tests.signing.holders import PIN
from tests.signing.people.ward import DRAWING, a_paper, a_sitting, sealed_pdf, state_of


async def test_a_drawn_signature_covers_the_listed_documents_and_is_sealed_by_the_hospital(
    services: Services, doctor_in: Actor, trust: TrustList, pki: DemoPki
) -> None:
    patient = uuid4()
    papers = [await a_paper(services, doctor_in, patient_id=patient, title=f"Giấy {n}") for n in (1, 2)]
    tablet = await a_sitting(services, doctor_in, *papers)
    assert (await tablet.see()).state is State.SHOWN
    signed = await draw(services, tablet.code, tablet.token, DRAWING, now=utc_now())
    assert (signed.state, signed.method) == (State.SIGNED, Method.DRAWN)
    await drain(services)
    assert await state_of(services, signed.id) is State.SEALED
    for paper in papers:
        report = await verify_file(services, await sealed_pdf(services, paper.id), now=utc_now())
        [seal] = report.signatures
        assert report.valid, seal.reasons
        assert seal.organisation == services.settings.kernel.facility.name
        assert seal.person is not None
        assert (seal.person.kind, seal.person.method, seal.person.who) == (
            "PATIENT",
            "DRAWN",
            "NGUYỄN VĂN AN",
        )
        assert (seal.person.text_sha256, seal.person.documents) == (paper.head_sha256, 2)
        assert "Ký tay trên màn hình" in describe("a.pdf", report)
    async with services.sessions() as session:
        rows = (await session.scalars(select(Signature).where(Signature.document_id == papers[0].id))).all()
        assert [(r.signer_kind, r.signer_name, r.method) for r in rows] == [
            ("PATIENT", "NGUYỄN VĂN AN", "DRAWN")
        ]
        following = (await get_document(session, papers[0].id)).next_slot
    assert following is not None
    assert following.owner_id == doctor_in.id


async def test_the_doctor_signs_after_the_patient_and_both_signatures_stay_valid(
    services: Services, doctor_in: Actor
) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4())
    tablet = await a_sitting(services, doctor_in, paper)
    await tablet.see()
    await draw(services, tablet.code, tablet.token, DRAWING, now=utc_now())
    await drain(services)
    [result] = await sign_documents(services, doctor_in, [paper.id], PIN, utc_now())
    assert result.reason == ""
    report = await verify_file(services, await sealed_pdf(services, paper.id), now=utc_now())
    assert report.valid
    assert [bool(s.person) for s in report.signatures] == [True, False]
    async with services.sessions() as session:
        assert (await get_document(session, paper.id)).state is DocumentState.ISSUED


async def test_a_patient_who_signs_after_the_doctor_leaves_the_first_signature_valid(
    services: Services, doctor_in: Actor
) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4(), doctor_first=True)
    await sign_documents(services, doctor_in, [paper.id], PIN, utc_now())
    async with services.sessions() as session:
        paper = await get_document(session, paper.id)
    tablet = await a_sitting(services, doctor_in, paper)
    await tablet.see()
    await draw(services, tablet.code, tablet.token, DRAWING, now=utc_now())
    await drain(services)
    report = await verify_file(services, await sealed_pdf(services, paper.id), now=utc_now())
    assert report.valid
    assert [bool(s.person) for s in report.signatures] == [False, True]


async def test_how_the_hand_moved_opens_only_with_the_key_the_hospital_keeps_apart(
    services: Services, doctor_in: Actor, pki: DemoPki, tmp_path: Path
) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4())
    tablet = await a_sitting(services, doctor_in, paper)
    await tablet.see()
    view = await draw(services, tablet.code, tablet.token, DRAWING, now=utc_now())
    assert view.documents[0].bundle_sha256 is not None
    raw = await services.objects.get(view.documents[0].bundle_sha256)
    bundle = b.decode(raw)
    assert bundle.ink is not None
    strokes = open_sealed(
        bundle.ink.sealed, (pki.folder / "ink.key").read_bytes(), bound_to=bytes.fromhex(paper.head_sha256)
    )
    assert json.loads(strokes)[0][3] == [96, 160, 54, 0.5]
    assert hashlib.sha256(strokes).hexdigest() == bundle.ink.sha256
    with pytest.raises(BadEvidenceKey):
        open_sealed(bundle.ink.sealed, (pki.folder / "ink.key").read_bytes(), bound_to=bytes(32))
    with pytest.raises(BadEvidenceKey):
        open_sealed(bundle.ink.sealed, (pki.folder / "tsa.key").read_bytes(), bound_to=bytes(32))
    assert b'"t":' not in raw
    await drain(services)
    file = tmp_path / "a.pdf"
    file.write_bytes(await sealed_pdf(services, paper.id))
    arguments = [str(file), "--out", str(tmp_path / "out"), "--key", str(pki.folder / "ink.key")]
    said = CliRunner().invoke(evidence, arguments)
    assert (said.exit_code, "NGUYỄN VĂN AN" in said.output) == (0, True), said.output
    assert (tmp_path / "out" / "nguoi_benh" / "net-ky.json").read_bytes() == strokes
    assert (tmp_path / "out" / "nguoi_benh" / b.FILE_NAME).read_bytes() == raw
    wrong = CliRunner().invoke(evidence, [*arguments[:-1], str(pki.folder / "tsa.key")])
    assert wrong.exit_code == 2
    file.write_bytes(await services.objects.get(paper.base_sha256))
    assert CliRunner().invoke(evidence, [str(file)]).exit_code == 1
    assert strokes not in raw


@pytest.mark.parametrize(
    ("drawing", "refusal"),
    [
        (Drawing(600, 240, ()), TooLittleInk),
        (Drawing(600, 240, ((Point(1, 1, 0),) * 30,)), TooLittleInk),
        (replace(DRAWING, strokes=(tuple(replace(p, t=0) for p in DRAWING.strokes[0]),)), TooLittleInk),
        (replace(DRAWING, width=100), BadDrawing),
        (replace(DRAWING, strokes=DRAWING.strokes[::-1]), BadDrawing),
        (replace(DRAWING, width=5), BadDrawing),
        (Drawing(600, 240, (tuple(Point(n % 600, 9, n) for n in range(7000)),)), BadDrawing),
    ],
)
async def test_a_slip_of_the_finger_is_no_signature(
    services: Services, doctor_in: Actor, drawing: Drawing, refusal: type[Exception]
) -> None:
    tablet = await a_sitting(services, doctor_in, await a_paper(services, doctor_in, patient_id=uuid4()))
    await tablet.see()
    with pytest.raises(refusal):
        await draw(services, tablet.code, tablet.token, drawing, now=utc_now())
    assert await state_of(services, tablet.view.id) is State.SHOWN


async def test_without_the_evidence_key_nothing_is_drawn(services: Services, doctor_in: Actor) -> None:
    plain = replace(services.settings.signing, people_ink_key_file=None)
    services = replace(services, settings=replace(services.settings, signing=plain))
    tablet = await a_sitting(services, doctor_in, await a_paper(services, doctor_in, patient_id=uuid4()))
    await tablet.see()
    with pytest.raises(MethodNotOffered):
        await draw(services, tablet.code, tablet.token, DRAWING, now=utc_now())
