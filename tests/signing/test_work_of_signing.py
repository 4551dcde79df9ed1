"""The work of signing: turns, PINs, batches, refusals, the organisation's seal, and what a dead outside world does."""

from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from msgspec.structs import replace
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.audit.models import AuditRow
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.outbox.api import drain
from kernel.services import Services
from kernel.staff.api import Actor, Role
from signing.api import (
    DocumentState,
    KeyLocked,
    NewSlot,
    NoCertificate,
    NotTheAuthor,
    NotYourTurn,
    PinLocked,
    RefuseDocument,
    SignState,
    WrongDocumentState,
    WrongPin,
    get_document,
    inbox,
    recall_document,
    refuse_document,
    sign_documents,
    unlock,
    verify_file,
)
from signing.certificates.models import UnlockedKey
from signing.documents.models import Document, Signature, Slot, Verdict
from signing.gate import CertificateExpired, CertificateRevoked
from signing.status import Standing
from tests.conftest import RealDatabase, SignedIn
from tests.signing.acts import overlay
from tests.signing.files import a_file
from tests.signing.holders import PIN
from tests.signing.hospital import a_document, broken_object, give_certificate, with_authority


async def test_signing_moves_the_document_and_leaves_evidence(services: Services, doctor_in: Actor) -> None:
    patient = uuid4()
    document = await a_document(services, doctor_in, patient_id=patient)
    [result] = await sign_documents(services, doctor_in, [document.id], PIN, utc_now())
    assert (result.state, result.reason, result.warning) == (SignState.SIGNED, "", "")
    async with services.sessions() as session:
        now = await get_document(session, document.id)
        evidence = (await session.scalars(select(Signature))).one()
        audit = (
            await session.scalars(
                select(AuditRow).where(AuditRow.action == "sign", AuditRow.patient_id == patient)
            )
        ).one()
    assert now.state is DocumentState.ISSUED
    assert (evidence.level, evidence.standing, evidence.scheme) == ("B-T", "GOOD", "RSA_PSS_SHA256")
    assert (evidence.previous_sha256, evidence.sha256) == (document.base_sha256, now.head_sha256)
    assert evidence.token
    assert len(evidence.ocsps) == 2
    assert audit.detail["after"] == now.head_sha256
    report = await verify_file(services, await services.objects.get(now.head_sha256), now=utc_now())
    assert report.valid
    assert report.signatures[0].standing is Standing.GOOD


async def test_a_wrong_pin_signs_nothing_and_five_lock(services: Services, doctor_in: Actor) -> None:
    documents = [await a_document(services, doctor_in) for _ in range(2)]
    ids = [document.id for document in documents]
    for left in (4, 3, 2, 1):
        with pytest.raises(WrongPin, match=f"Còn {left} lần"):
            await sign_documents(services, doctor_in, ids, "111111", utc_now())
    with pytest.raises(WrongPin, match="tạm khoá"):
        await sign_documents(services, doctor_in, ids, "111111", utc_now())
    with pytest.raises(PinLocked):
        await sign_documents(services, doctor_in, ids, PIN, utc_now())
    async with services.sessions() as session:
        assert not (await session.scalars(select(Signature))).all()
        failures = await session.scalars(select(AuditRow).where(AuditRow.action == "failure"))
        assert len([row for row in failures if row.detail.get("act") == "wrong-pin"]) == 5
    later = utc_now() + timedelta(minutes=16)
    results = await sign_documents(services, doctor_in, ids, PIN, later)
    assert {result.state for result in results} == {SignState.SIGNED}


async def test_a_key_opened_once_signs_until_it_is_idle(services: Services, doctor_in: Actor) -> None:
    one, two, three = [(await a_document(services, doctor_in)).id for _ in range(3)]
    start = utc_now()
    with pytest.raises(KeyLocked):
        await sign_documents(services, doctor_in, [one], None, start, token="session-token")
    await unlock(services, PIN, "session-token", actor=doctor_in, now=start)
    for document, minutes in ((one, 10), (two, 20)):
        moment = start + timedelta(minutes=minutes)
        [result] = await sign_documents(services, doctor_in, [document], None, moment, token="session-token")
        assert result.state is SignState.SIGNED
    with pytest.raises(KeyLocked):
        await sign_documents(
            services, doctor_in, [three], None, start + timedelta(minutes=20), token="another-token"
        )
    with pytest.raises(KeyLocked):
        await sign_documents(
            services, doctor_in, [three], None, start + timedelta(minutes=36), token="session-token"
        )
    async with services.sessions() as session:
        kept = (await session.scalars(select(UnlockedKey))).one()
    assert b"session-token" not in kept.token_hash + kept.sealed


async def test_slots_are_signed_in_order_and_the_hospital_seals_last(
    services: Services, doctor_in: Actor, settings: Settings, pki: DemoPki, signed_in: SignedIn
) -> None:
    await give_certificate(services.sessions, settings, pki, None)
    head = await signed_in(Role.HEAD, name="Trần Văn Khoa", department="K02")
    await give_certificate(services.sessions, settings, pki, head, number="001180000777")
    document = await a_document(
        services,
        doctor_in,
        NewSlot(field="bac_si", label="Bác sĩ điều trị", owner_staff_id=doctor_in.id),
        NewSlot(field="truong_khoa", label="Trưởng khoa", owner_role="head", department="K02"),
        NewSlot(field="co_so", label="Cơ sở khám bệnh, chữa bệnh", organisation=True),
    )
    [early] = await sign_documents(services, head, [document.id], PIN, utc_now())
    assert (early.state, early.reason) == (
        SignState.SKIPPED,
        "Chưa tới lượt hoặc không phải ô ký của bạn.",
    )
    await sign_documents(services, doctor_in, [document.id], PIN, utc_now())
    async with services.sessions() as session:
        assert [view.id for view in await inbox(session, head)] == [document.id]
        assert (await get_document(session, document.id)).state is DocumentState.PENDING
    await sign_documents(services, head, [document.id], PIN, utc_now())
    await drain(services)
    async with services.sessions() as session:
        done = await get_document(session, document.id)
        verdicts = (await session.scalars(select(Verdict))).all()
    assert done.state is DocumentState.ISSUED
    assert [slot.signer_name for slot in done.slots] == [
        "Nguyễn Thị Hương",
        "Trần Văn Khoa",
        settings.kernel.facility.name,
    ]
    report = await verify_file(services, await services.objects.get(done.head_sha256), now=utc_now())
    assert (report.valid, len(report.signatures)) == (True, 3)
    assert verdicts
    assert all(verdict.valid for verdict in verdicts)


async def test_a_batch_tells_each_result(services: Services, doctor_in: Actor, signed_in: SignedIn) -> None:
    other = await signed_in(Role.DOCTOR, name="Lê Văn Khác")
    mine = [await a_document(services, doctor_in) for _ in range(3)]
    theirs = await a_document(services, other)
    missing = new_id()
    ids = [mine[0].id, theirs.id, mine[1].id, missing, mine[2].id]
    with broken_object(services, mine[1].head_sha256):
        results = await sign_documents(services, doctor_in, ids, PIN, utc_now())
    assert [result.document_id for result in results] == ids
    assert [result.state for result in results] == [
        SignState.SIGNED,
        SignState.SKIPPED,
        SignState.FAILED,
        SignState.SKIPPED,
        SignState.SIGNED,
    ]
    assert "đã hỏng" in results[2].reason
    [again] = await sign_documents(services, doctor_in, [mine[1].id], PIN, utc_now())
    assert again.state is SignState.SIGNED


async def test_a_tampered_foreign_file_is_not_signed_again(services: Services, doctor_in: Actor) -> None:
    slots = (
        NewSlot(field="a", label="Người thứ nhất", owner_staff_id=doctor_in.id),
        NewSlot(field="b", label="Người thứ hai", owner_staff_id=doctor_in.id),
    )
    document = await a_document(services, doctor_in, *slots)
    await sign_documents(services, doctor_in, [document.id], PIN, utc_now())
    async with services.sessions() as session:
        once = await get_document(session, document.id)
    changed = overlay(await services.objects.get(once.head_sha256))
    tampered = await a_document(services, doctor_in, slots[1], pdf=changed)
    [result] = await sign_documents(services, doctor_in, [tampered.id], PIN, utc_now())
    assert result.state is SignState.FAILED
    assert "không thể ký tiếp" in result.reason


async def test_an_expired_certificate_is_refused_in_words(services: Services, doctor_in: Actor) -> None:
    document = await a_document(services, doctor_in)
    with pytest.raises(CertificateExpired, match="Hãy gia hạn rồi ký lại"):
        await sign_documents(services, doctor_in, [document.id], PIN, utc_now() + timedelta(days=1200))
    async with services.sessions() as session:
        assert (await get_document(session, document.id)).state is DocumentState.PENDING


async def test_a_revoked_certificate_is_refused(services: Services, doctor_in: Actor, pki: DemoPki) -> None:
    pki.revoke(pki.certificate(doctor_in.id.hex), at=utc_now() - timedelta(days=1))
    document = await a_document(services, doctor_in)
    with pytest.raises(CertificateRevoked, match="đã bị thu hồi"):
        await sign_documents(services, doctor_in, [document.id], PIN, utc_now())


async def test_a_dead_outside_world_lowers_the_level_and_warns(
    services: Services, doctor_in: Actor, outside: httpx.AsyncClient
) -> None:
    document = await a_document(services, doctor_in)
    await outside.post("http://pki.test/outside/pki/mood", json={"mode": "error"})
    [result] = await sign_documents(services, doctor_in, [document.id], PIN, utc_now())
    assert result.state is SignState.SIGNED
    assert "chưa có dấu thời gian (mức B-B)" in result.warning
    assert "trạng thái thu hồi" in result.warning
    async with services.sessions() as session:
        evidence = (await session.scalars(select(Signature))).one()
    assert (evidence.level, evidence.standing) == ("B-B", "UNREACHABLE")


async def test_policy_may_block_when_the_status_is_unknown(
    services: Services, doctor_in: Actor, outside: httpx.AsyncClient
) -> None:
    from signing.gate import StatusUnreachable

    strict = replace(services.settings.signing, block_when_status_unreachable=True)
    blocking = replace(services, settings=replace(services.settings, signing=strict))
    document = await a_document(services, doctor_in)
    await outside.post("http://pki.test/outside/pki/mood", json={"mode": "garbage"})
    with pytest.raises(StatusUnreachable):
        await sign_documents(blocking, doctor_in, [document.id], PIN, utc_now())


async def test_without_a_certificate_nobody_signs(services: Services, signed_in: SignedIn) -> None:
    actor = await signed_in(Role.DOCTOR, name="Chưa Có Khóa")
    document = await a_document(services, actor)
    with pytest.raises(NoCertificate):
        await sign_documents(services, actor, [document.id], PIN, utc_now())


async def test_refusing_returns_the_document_with_its_reason(
    services: Services, doctor_in: Actor, signed_in: SignedIn
) -> None:
    other = await signed_in(Role.NURSE)
    document = await a_document(services, doctor_in)
    command = RefuseDocument(document.id, "Sai chẩn đoán, đề nghị lập lại")
    async with services.sessions.begin() as session:
        with pytest.raises(NotYourTurn):
            await refuse_document(session, command, actor=other, now=utc_now())
        refused = await refuse_document(session, command, actor=doctor_in, now=utc_now())
    assert refused.state is DocumentState.REFUSED
    assert refused.slots[0].refused_reason == "Sai chẩn đoán, đề nghị lập lại"
    async with services.sessions.begin() as session:
        assert await inbox(session, doctor_in) == []
        with pytest.raises(WrongDocumentState):
            await refuse_document(session, command, actor=doctor_in, now=utc_now())
    [result] = await sign_documents(services, doctor_in, [document.id], PIN, utc_now())
    assert (result.state, result.reason) == (SignState.SKIPPED, "Văn bản không còn chờ ký.")


async def test_the_author_recalls_before_anybody_signed(
    services: Services, doctor_in: Actor, signed_in: SignedIn
) -> None:
    other = await signed_in(Role.DOCTOR)
    one, two = await a_document(services, doctor_in), await a_document(services, doctor_in)
    await sign_documents(services, doctor_in, [two.id], PIN, utc_now())
    async with services.sessions.begin() as session:
        with pytest.raises(NotTheAuthor):
            await recall_document(session, one.id, actor=other, now=utc_now())
        recalled = await recall_document(session, one.id, actor=doctor_in, now=utc_now())
        with pytest.raises(WrongDocumentState):
            await recall_document(session, two.id, actor=doctor_in, now=utc_now())
    assert recalled.state is DocumentState.RECALLED


async def test_an_addendum_replaces_the_first_once_it_is_signed(services: Services, doctor_in: Actor) -> None:
    first = await a_document(services, doctor_in)
    await sign_documents(services, doctor_in, [first.id], PIN, utc_now())
    second = await a_document(services, doctor_in, supersedes=first.id)
    async with services.sessions() as session:
        assert (await get_document(session, first.id)).state is DocumentState.ISSUED
    await sign_documents(services, doctor_in, [second.id], PIN, utc_now())
    async with services.sessions() as session:
        old = await get_document(session, first.id)
    assert (old.state, old.superseded_by) == (DocumentState.SUPERSEDED, second.id)


async def test_two_confirmations_at_once_sign_once(
    real_db: RealDatabase, pki: DemoPki, settings: Settings, outside: httpx.AsyncClient
) -> None:
    import asyncio

    services = with_authority(real_db.app.state.services, outside)
    actor = await real_db.sign_in(Role.DOCTOR, name="Nguyễn Thị Hương")
    await give_certificate(services.sessions, settings, pki, actor)
    documents = [(await a_document(services, actor)).id for _ in range(5)]
    twice = await asyncio.gather(
        *(sign_documents(services, actor, documents, PIN, utc_now()) for _ in range(2))
    )
    signed = [result for results in twice for result in results if result.state is SignState.SIGNED]
    assert len(signed) == 5
    async with services.sessions() as session:
        assert len((await session.scalars(select(Signature))).all()) == 5


@pytest.mark.parametrize(
    "statement",
    [
        delete(Signature),
        update(Signature).values(signer_name="x"),
        update(Slot).where(Slot.state == "SIGNED").values(state="WAITING", signed_at=None),
        update(Document).values(base_sha256="0" * 64),
        update(Document).values(head_sha256="0" * 64),
        delete(Document),
        text("TRUNCATE signing_refusal"),
    ],
)
async def test_signed_rows_are_protected_in_the_database(
    services: Services, doctor_in: Actor, statement: object
) -> None:
    document = await a_document(services, doctor_in)
    await sign_documents(services, doctor_in, [document.id], PIN, utc_now())
    with pytest.raises(DBAPIError):
        async with services.sessions.begin() as session:
            await session.execute(statement)  # type: ignore[call-overload]  # statements of several kinds


async def test_a_file_of_another_program_is_signed_by_pyhanko(services: Services, doctor_in: Actor) -> None:
    foreign = a_file(["bac_si"]).replace(b"/Type/Annot/Subtype/Widget", b"/Subtype/Widget/Type/Annot")
    document = await a_document(services, doctor_in, pdf=foreign)
    [result] = await sign_documents(services, doctor_in, [document.id], PIN, utc_now())
    assert result.state is SignState.SIGNED
