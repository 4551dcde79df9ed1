"""Lifting to B-LTA: by a job, appended only, still valid when the certificates have ended and nobody answers."""

import hashlib
import re
import zlib
from datetime import datetime, timedelta

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace
from sqlalchemy import delete, select
from sqlalchemy.exc import DBAPIError

from hospital.demo.outside.pki import PkiDesk, TimestampAuthority
from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.outbox.api import TryLater, drain
from kernel.paper.blocks import PaperDocument, Signatures, Slot, Title
from kernel.paper.fonts import regular
from kernel.paper.pdf import Attachment
from kernel.paper.render import render
from kernel.services import Services
from kernel.staff.api import Actor
from signing.api import TrustList, context_for, get_document, sign_documents, verify_file, verify_pdf
from signing.appearance import Enclosed
from signing.archive.lift import CannotLift, Material, add_material, lift_file
from signing.archive.models import Archived
from signing.archive.service import ending_archives, lift_document
from signing.documents.models import Signature
from signing.keys import SoftwareSigner
from signing.status import Standing
from signing.tasks.engine import Look, sign_file
from signing.timestamps import Timestamp, TimestampClient
from signing.verification.bounds import FileTooHeavy
from signing.verification.pdf import BrokenPdf
from signing.verification.report import Level
from tests.signing.acts import overlay, run
from tests.signing.holders import PIN
from tests.signing.hospital import (
    a_document,
)
from tests.signing.test_own_paper import ALLOWED_AFTER_SIGNING, findings


async def test_an_issued_document_is_lifted_and_outlives_its_certificates(
    services: Services, doctor_in: Actor, trust: TrustList, tmp_path: object
) -> None:
    document = await a_document(services, doctor_in)
    await sign_documents(services, doctor_in, [document.id], PIN, utc_now())
    await drain(services)
    async with services.sessions() as session:
        head = (await get_document(session, document.id)).head_sha256
        lifted = (await session.scalars(select(Archived))).one()
    assert lifted.source_sha256 == head
    source, made = await services.objects.get(head), await services.objects.get(lifted.sha256)
    assert made.startswith(source)
    report = verify_pdf(made, trust, utc_now() + timedelta(days=1300))
    assert report.valid
    assert report.signatures[0].level is Level.B_LTA
    assert report.signatures[0].standing is Standing.GOOD
    assert report.signatures[0].changes == "Chỉ thêm dữ liệu lưu trữ dài hạn"
    assert not verify_pdf(overlay(made), trust, utc_now()).valid
    assert await lift_document(services, document.id, now=utc_now()) is None


async def test_a_signature_without_timestamp_is_lifted_too(
    services: Services, doctor_in: Actor, outside: httpx.AsyncClient, trust: TrustList
) -> None:
    document = await a_document(services, doctor_in)
    await outside.post("http://pki.test/outside/pki/mood", json={"mode": "error"})
    await sign_documents(services, doctor_in, [document.id], PIN, utc_now())
    with pytest.raises(CannotLift):
        await lift_document(services, document.id, now=utc_now())
    await outside.post("http://pki.test/outside/pki/mood", json={"mode": "ok"})
    assert await lift_document(services, document.id, now=utc_now()) is Level.B_LTA
    async with services.sessions() as session:
        lifted = (await session.scalars(select(Archived))).one()
    report = verify_pdf(await services.objects.get(lifted.sha256), trust, utc_now() + timedelta(days=1300))
    assert report.valid
    assert report.signatures[0].stamped_by == "Lành Demo TSA (CHẠY THỬ)"


async def test_an_unfinished_document_is_not_lifted_and_rows_stay(
    services: Services, doctor_in: Actor
) -> None:
    document = await a_document(services, doctor_in)
    assert await lift_document(services, document.id, now=utc_now()) is None
    await sign_documents(services, doctor_in, [document.id], PIN, utc_now())
    assert await lift_document(services, document.id, now=utc_now()) is Level.B_LTA
    with pytest.raises(DBAPIError):
        async with services.sessions.begin() as session:
            await session.execute(delete(Archived))


async def test_renewed_timestamps_carry_a_file_past_the_end_of_their_authorities(
    services: Services, doctor_in: Actor, pki: DemoPki, trust: TrustList
) -> None:
    document = await a_document(services, doctor_in)
    await sign_documents(services, doctor_in, [document.id], PIN, utc_now())
    await lift_document(services, document.id, now=utc_now())
    async with services.sessions() as session:
        lifted = (await session.scalars(select(Archived))).one()
        assert await ending_archives(session, before=utc_now() + timedelta(days=180)) == []
        assert await ending_archives(session, before=lifted.holds_until + timedelta(days=1)) == [document.id]
    once = await services.objects.get(lifted.sha256)
    later = utc_now() + timedelta(days=3_600)
    renewed = await lift_file(once, Material(), stamps=Later(pki, trust, later), now=later)
    end = utc_now() + timedelta(days=20 * 365)
    assert not verify_pdf(once, trust, end).valid
    report = verify_pdf(renewed, trust, end)
    assert report.valid, report.signatures[0].reasons
    assert report.signatures[0].level is Level.B_LTA


class Now(TimestampClient):
    """An authority that answers without a network."""

    def __init__(self, authority: TimestampAuthority, trust: TrustList) -> None:
        super().__init__(httpx.AsyncClient(), [], trust)
        self._authority = authority

    async def stamp_digest(self, imprint: bytes, *, now: datetime) -> Timestamp:
        return Timestamp(self._authority.over(imprint, now=now), now, "TSA")


class Later(TimestampClient):
    """An authority of ten years from now, certified by the same root."""

    def __init__(self, pki: DemoPki, trust: TrustList, now: datetime) -> None:
        super().__init__(httpx.AsyncClient(), [], trust)
        certificate, key = pki.issue_authority("TSA 2036", now=now, days=7_000)
        self._authority = TimestampAuthority(pki, certificate, key)

    async def stamp_digest(self, imprint: bytes, *, now: datetime) -> Timestamp:
        return Timestamp(self._authority.over(imprint, now=now), now, "TSA 2036")


async def test_a_file_that_unfolds_is_refused_within_bounds(services: Services) -> None:
    unfolding = zlib.compressobj(9)
    packed = b"".join(unfolding.compress(bytes(8_000_000)) for _ in range(100)) + unfolding.flush()
    head = b"1 0 obj\n<</Type/XRef/Size 2/W[1 4 2]/Root 1 0 R/Filter/FlateDecode/Length %d>>\nstream\n" % len(
        packed
    )
    bomb = b"%PDF-1.7\n" + head + packed + b"\nendstream\nendobj\nstartxref\n9\n%%EOF\n"
    with pytest.raises((FileTooHeavy, BrokenPdf)):
        await verify_file(services, bomb, now=utc_now())


async def test_qpdf_finds_no_fault_in_a_lifted_file(
    services: Services, doctor_in: Actor, tmp_path_factory: pytest.TempPathFactory
) -> None:
    document = await a_document(services, doctor_in)
    await sign_documents(services, doctor_in, [document.id], PIN, utc_now())
    await lift_document(services, document.id, now=utc_now())
    async with services.sessions() as session:
        lifted = (await session.scalars(select(Archived))).one()
    file = tmp_path_factory.mktemp("lifted") / "a.pdf"
    file.write_bytes(await services.objects.get(lifted.sha256))
    assert "No syntax or stream encoding errors" in run("qpdf", "--check", file)


async def test_the_renewal_job_stamps_once_more_and_keeps_the_copy_before(
    services: Services, doctor_in: Actor, trust: TrustList
) -> None:
    document = await a_document(services, doctor_in)
    await sign_documents(services, doctor_in, [document.id], PIN, utc_now())
    assert await lift_document(services, document.id, now=utc_now(), renew=True) is None
    await lift_document(services, document.id, now=utc_now())
    assert await lift_document(services, document.id, now=utc_now(), renew=True) is Level.B_LTA
    async with services.sessions() as session:
        first, second = (await session.scalars(select(Archived).order_by(Archived.made_at))).all()
    assert second.source_sha256 == first.sha256
    once, twice = [await services.objects.get(row.sha256) for row in (first, second)]
    assert twice.startswith(once)
    assert twice.count(b"/DocTimeStamp") == 2
    assert verify_pdf(twice, trust, utc_now()).valid


async def test_a_lifted_paper_stays_pdf_a_even_when_an_answer_ends_like_a_line(
    pki: DemoPki, doctor: SoftwareSigner, authority: TimestampAuthority, trust: TrustList
) -> None:
    """One list of revoked certificates in 128 ends with CR or LF; validators take it for the end of the line."""
    desk, now = PkiDesk(pki.folder), utc_now()
    lists = (desk.crl("root", now=now - timedelta(seconds=second)) for second in range(20_000))
    awkward = next(crl for crl in lists if crl.endswith((b"\r", b"\n")))
    paper = PaperDocument(
        title="Phiếu",
        author="BS",
        created_at=now,
        blocks=(Title(text="PHIẾU"), Signatures(slots=(Slot(field="bac_si", role="Bác sĩ"),))),
        attachments=(Attachment("benh-an.json", b"{}"),),
    )
    pdf = render(paper)
    signed = await sign_file(
        pdf,
        hashlib.sha256(pdf).hexdigest(),
        None,
        "bac_si",
        doctor,
        trust=trust,
        stamps=Now(authority, trust),
        token_room=5_000,
        look=Look(regular(), "BS"),
        now=now,
    )
    material = Material([pki.issuing.public_bytes(Encoding.DER)], [], [awkward])
    lifted = await lift_file(signed.pdf, material, stamps=Now(authority, trust), now=now)
    assert findings(signed.pdf) <= ALLOWED_AFTER_SIGNING
    assert findings(add_material(lifted, Material([], [], [desk.crl("issuing", now=now)]))) <= (
        ALLOWED_AFTER_SIGNING
    )
    assert findings(lifted) <= ALLOWED_AFTER_SIGNING
    assert verify_pdf(lifted, trust, now).valid


def test_what_a_signature_carries_never_ends_like_a_line() -> None:
    contents = [hashlib.sha256(b"%d" % number).digest() for number in range(2_000)]
    assert any(zlib.compress(data, 9).endswith((b"\r", b"\n")) for data in contents)
    carried = [Enclosed("a.json", "Bằng chứng", data).stream(b"D:20261122") for data in contents]
    assert not any(re.search(rb"[\r\n]\nendstream", stream) for stream in carried)


async def test_a_retried_job_lifts_what_no_authority_stamped(
    services: Services, doctor_in: Actor, outside: httpx.AsyncClient, trust: TrustList
) -> None:
    """All authorities fail: the signature stands at B-B and is marked; the job asks again until one answers."""
    document = await a_document(services, doctor_in)
    await outside.post("http://pki.test/outside/pki/mood", json={"mode": "error"})
    [result] = await sign_documents(services, doctor_in, [document.id], PIN, utc_now())
    assert "mức B-B" in result.warning
    with pytest.raises(TryLater):
        await drain(services)
    async with services.sessions() as session:
        assert (await session.scalars(select(Signature.level))).all() == ["B-B"]
        assert (await session.scalars(select(Archived))).all() == []
    await outside.post("http://pki.test/outside/pki/mood", json={"mode": "ok"})
    await drain(services, now=utc_now() + timedelta(hours=7))
    async with services.sessions() as session:
        lifted = (await session.scalars(select(Archived))).one()
    report = verify_pdf(await services.objects.get(lifted.sha256), trust, utc_now())
    assert (report.valid, report.signatures[0].level) == (True, Level.B_LTA)


async def test_the_demo_root_is_believed_in_the_demo_only(settings: Settings, pki: DemoPki) -> None:
    data = pki.folder.parent / "data-of-a-hospital"
    (data / "pki").mkdir(parents=True)
    (data / "pki" / "trust.pem").write_bytes(pki.trust_pem)
    found = {
        demo: context_for(
            replace(settings.kernel, data_dir=data, demo=demo), replace(settings.signing, trust_file=None)
        ).trust
        for demo in (True, False)
    }
    assert (len(found[True].roots), found[True].demo) == (1, True)
    assert found[False].roots == ()
    by_hand = context_for(settings.kernel, settings.signing).trust
    assert by_hand.demo, "named in the configuration, it is believed, and every report says so"
