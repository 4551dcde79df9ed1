"""Importing this registers the event and job handlers of signing."""

from datetime import timedelta
from uuid import UUID

import msgspec
import structlog
from sqlalchemy.dialects.postgresql import insert

import signing.people.handlers
import signing.remote.jobs  # noqa: F401  (importing registers its job)
from kernel.audit.api import Action, Entry, record
from kernel.outbox.api import GiveUp, Job, TryLater, enqueue, job, name_jobs, on, periodic
from kernel.problems import Problem
from kernel.staff.api import SYSTEM
from signing.archive.lift import CannotLift
from signing.archive.service import LIFT, RENEW, RenewArchive, ending_archives, lift_document
from signing.certificates.unlocked import drop_idle_keys
from signing.certificates.watch import (
    CHECK,
    ROUND_EVERY,
    CheckCertificate,
    check_standing,
    stale_ids,
    warn_of_ends,
)
from signing.context import context_of
from signing.documents.models import Verdict
from signing.documents.service import SEAL, SealDocument
from signing.events import DocumentSigned
from signing.limits import forget_tries
from signing.status import Standing
from signing.tasks.batch import SignState
from signing.tasks.finish import JUDGE, JudgeFiles
from signing.tasks.reminders import remind
from signing.tasks.seal import may_seal_now, seal_at_daybreak
from signing.tasks.service import seal_document
from signing.verification.service import verify_file

log = structlog.get_logger(__name__)


@job(SEAL, network=True)
async def seal(job: Job, payload: SealDocument) -> None:
    """Seal a document for the organisation after the last personal signature before it; at night once it is released."""
    settings = context_of(job.services).settings
    async with job.sessions() as session:
        if not await may_seal_now(session, payload.document_id, settings=settings, now=job.now):
            return
    try:
        result = await seal_document(job.services, payload.document_id, now=job.now)
    except Problem as refused:
        raise TryLater(refused.detail, after=timedelta(minutes=min(60, 2**job.attempt))) from refused
    if result.state is SignState.FAILED:
        raise TryLater(result.reason, after=timedelta(seconds=30 * job.attempt))


@on(DocumentSigned, name=LIFT, network=True, gives_way=True)
async def lift(job: Job, event: DocumentSigned) -> None:
    """After the last slot: add what keeps the file verifiable for its retention term. Never loses a signature."""
    if not event.complete:
        return
    try:
        await lift_document(job.services, event.document_id, now=job.now)
    except CannotLift as refused:
        raise TryLater(refused.detail, after=timedelta(minutes=min(360, 2**job.attempt))) from refused


@job(RENEW, network=True, gives_way=True)
async def renew(job: Job, payload: RenewArchive) -> None:
    """Stamp an archive copy once more, before its last timestamp loses its proof."""
    try:
        await lift_document(job.services, payload.document_id, now=job.now, renew=True)
    except CannotLift as refused:
        raise TryLater(refused.detail, after=timedelta(hours=min(24, job.attempt))) from refused


@periodic("signing.renewal_ring", every=timedelta(days=1))
async def renewal_ring(job: Job) -> None:
    """Ask for the renewal of archive copies before they end; what is overdue is asked for again each month."""
    before = job.now + timedelta(days=context_of(job.services).settings.renew_before_days)
    for document_id in await ending_archives(job.session, before=before):
        key = f"{document_id}:{job.now:%Y-%m}"
        await enqueue(job.session, RENEW, RenewArchive(document_id), key=key)


@job(JUDGE, network=True, gives_way=True)
async def judge(job: Job, payload: JudgeFiles) -> None:
    """Let pyHanko judge files we signed; a no is a bug or an attack, and is recorded and shown as a dead job."""
    refused = [
        summary
        for document_id, sha256 in payload.files
        if (summary := await _judge(job, document_id, sha256))
    ]
    if refused:
        raise GiveUp(refused[0])


async def _judge(job: Job, document_id: UUID, sha256: str) -> str:
    """Judge one file and keep the verdict; returns what is wrong, empty when nothing is."""
    async with job.sessions() as session:
        if await session.get(Verdict, sha256) is not None:
            return ""
    data = await job.services.objects.get(sha256)
    report = await verify_file(job.services, data, now=job.now, behind=True)
    values = {
        "sha256": report.sha256,
        "valid": report.valid,
        "report": msgspec.to_builtins(report),
        "checked_at": job.now,
    }
    async with job.sessions.begin() as session:
        await session.execute(insert(Verdict).values(values).on_conflict_do_nothing())
        if not report.valid:
            detail = {"act": "verdict", "sha256": report.sha256}
            subject = f"signing.document:{document_id}"
            await record(session, Entry(action=Action.FAILURE, subject=subject, detail=detail), SYSTEM)
    if report.valid:
        return ""
    log.error("signing.verdict_is_no", document=str(document_id))
    return report.summary


@periodic("signing.seal_at_daybreak", every=timedelta(minutes=10))
async def daybreak(job: Job) -> None:
    """Seal by day what waited for the seal through the night."""
    await seal_at_daybreak(job.session, settings=context_of(job.services).settings, now=job.now)


@periodic("signing.reminders", every=timedelta(minutes=15))
async def reminders(job: Job) -> None:
    """Remind who owes signatures, once per step of age."""
    await remind(job.session, settings=context_of(job.services).settings, now=job.now)


@periodic("signing.drop_idle_keys", every=timedelta(minutes=5))
async def drop_keys(job: Job) -> None:
    """Forget unlocked keys that nobody used."""
    idle = context_of(job.services).settings.idle_minutes
    await drop_idle_keys(job.session, idle_minutes=idle, now=job.now)


@periodic("signing.warn_of_ends", every=timedelta(days=1))
async def warn(job: Job) -> None:
    """Warn people and administrators 60, 30 and 7 days before a certificate ends, each once."""
    await warn_of_ends(job.session, now=job.now)


@periodic("signing.check_certificates", every=ROUND_EVERY)
async def check_certificates(job: Job) -> None:
    """Ask about every certificate in use whose standing is stale."""
    for certificate_id in await stale_ids(job.session, now=job.now):
        await enqueue(
            job.session,
            CHECK,
            CheckCertificate(certificate_id),
            key=f"{certificate_id}:{job.now:%Y-%m-%dT%H}",
        )


@job(CHECK, network=True)
async def check_certificate(job: Job, payload: CheckCertificate) -> None:
    """Ask about one certificate; an authority that is away is asked again until the next round."""
    standing = await check_standing(job.services, payload.certificate_id, now=job.now)
    if standing is Standing.UNREACHABLE and job.attempt < 4:
        raise TryLater("Không hỏi được tổ chức chứng thực.", after=timedelta(minutes=20 * job.attempt))


@periodic("signing.forget_tries", every=timedelta(minutes=30))
async def forget(job: Job) -> None:
    """Forget who used the public verify pages."""
    await forget_tries(job.session, now=job.now)


name_jobs(
    {
        SEAL: "Ký số của cơ sở",
        LIFT: "Thêm bằng chứng để chữ ký kiểm tra được lâu dài",
        RENEW: "Gia hạn dấu thời gian của bản lưu trữ",
        JUDGE: "Kiểm tra độc lập chữ ký vừa ký",
        "signing.renewal_ring": "Tìm bản lưu trữ sắp đến hạn gia hạn",
        "signing.forget_tries": "Quên các lượt tra cứu công khai đã cũ",
        "signing.seal_at_daybreak": "Ban ngày ký số cơ sở cho giấy tờ ban đêm",
        "signing.reminders": "Nhắc người còn nợ chữ ký",
        "signing.warn_of_ends": "Nhắc chứng thư số sắp hết hạn",
        "signing.check_certificates": "Hỏi trạng thái mọi chứng thư số",
        CHECK: "Hỏi trạng thái một chứng thư số",
        "signing.people.seal": "Niêm phong chữ ký của người bệnh",
        "signing.people.expire": "Kết thúc lần ký hết thời gian",
        "signing.people.send_code": "Gửi mã một lần để người bệnh ký",
        "signing.drop_idle_keys": "Khóa lại khóa ký đã để không",
    }
)
