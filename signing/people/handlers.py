"""Jobs of sittings: send codes, seal what was confirmed, end what ran out of time."""

from datetime import timedelta

from kernel.outbox.api import Backoff, Job, TryLater, job
from kernel.problems import Problem
from signing.context import context_of
from signing.people.evidence import SEAL_SITTING, SealSitting
from signing.people.models import PhoneCode
from signing.people.opening import EXPIRE, ExpireSitting
from signing.people.phones import SEND, SendCode, prepare_message
from signing.people.sealing import seal_sitting
from signing.people.sittings import expire


class GatewayRefused(OSError):
    """The gateway took no message; the job is tried again."""


@job(SEAL_SITTING, network=True)
async def seal(job: Job, payload: SealSitting) -> None:
    """Seal a sitting's documents with the hospital's certificate; nothing the person did is lost meanwhile."""
    try:
        left = await seal_sitting(job.services, payload.sitting_id, now=job.now)
    except Problem as refused:
        raise TryLater(refused.detail, after=timedelta(minutes=min(60, 2**job.attempt))) from refused
    if left:
        raise TryLater(left, after=timedelta(seconds=15 * job.attempt))


@job(EXPIRE)
async def end(job: Job, payload: ExpireSitting) -> None:
    """End a sitting whose time is over."""
    await expire(job.session, payload.sitting_id, now=job.now)


@job(SEND, network=True, backoff=Backoff(attempts=6, base_seconds=1.0, cap_seconds=30.0))
async def send_code(job: Job, payload: SendCode) -> None:
    """Send a fresh code; an attempt whose answer was lost leaves only a code that no longer works."""
    settings = context_of(job.services).settings
    prepared = await prepare_message(job.sessions, payload.code_id, now=job.now)
    if prepared is None:
        return
    phone, code, purpose = prepared
    # Without marks: one SMS of GSM letters, readable on every phone.
    what = "xac minh so dien thoai nay" if purpose == "PROVE" else "KY van ban dang hien tren may tinh bang"
    text = f"{code} la ma {what}, dung trong {settings.people_code_minutes} phut."
    text += " Doc ma cho nhan vien." if purpose == "PROVE" else " Khong dua ma nay cho ai."
    answer = await job.services.http.post(
        settings.people_sms_url,
        json={"id": f"{payload.code_id}:{job.attempt}", "to": phone, "text": text},
        headers={"authorization": f"Bearer {settings.people_sms_key}"},
        timeout=settings.people_sms_timeout_seconds,
    )
    if not answer.is_success:
        raise GatewayRefused(f"the SMS gateway answered {answer.status_code}")
    async with job.sessions.begin() as session:
        row = await session.get(PhoneCode, payload.code_id)
        assert row is not None
        row.sent_at = job.now
