"""Send one-time codes through the SMS gateway. The code is made here and is never stored in clear."""

from datetime import datetime

import anyio.to_thread
from sqlalchemy import select, update

from emr.api import find_patients
from kernel.db import Sessions
from kernel.outbox.api import Backoff, Job, job, name_jobs
from patient_portal.accounts.codes import SEND_CODE, SendCode
from patient_portal.accounts.models import CodeRequest
from patient_portal.accounts.rules import hash_code, new_code
from patient_portal.settings import PortalSettings


@job(SEND_CODE, network=True, backoff=Backoff(attempts=6, base_seconds=1.0, cap_seconds=30.0))
async def send_code(job: Job, payload: SendCode) -> None:
    """Send a fresh code to a phone somebody has; a phone nobody has gets none and nobody is told.

    Each attempt makes its own code, so an attempt whose answer was lost leaves only a code that no longer works.
    """
    settings: PortalSettings = job.services.settings.portal
    prepared = await _prepare(job.sessions, payload, now=job.now)
    if prepared is None:
        return
    phone, code = prepared
    minutes = settings.code_minutes
    facility = job.services.settings.kernel.facility.name
    # Without marks: one SMS of GSM letters, readable on every phone.
    text = f"{code} la ma dang nhap cong nguoi benh, dung trong {minutes} phut. Khong dua ma nay cho ai."
    answer = await job.services.http.post(
        settings.sms_url,
        json={"id": f"{payload.request_id}:{job.attempt}", "to": phone, "text": text},
        headers={"authorization": f"Bearer {settings.sms_key}"},
        timeout=settings.sms_timeout_seconds,
    )
    if not answer.is_success:
        raise GatewayRefused(f"the SMS gateway of {facility} answered {answer.status_code}")
    async with job.sessions.begin() as session:
        sent = update(CodeRequest).where(CodeRequest.id == payload.request_id)
        await session.execute(sent.values(sent_at=job.now))


class GatewayRefused(OSError):
    """The gateway took no message; the job is tried again."""


async def _prepare(sessions: Sessions, payload: SendCode, *, now: datetime) -> tuple[str, str] | None:
    """Store the hash of a new code and return phone and code; None if nothing is to be sent (any more)."""
    async with sessions() as session:
        request = await session.scalar(
            select(CodeRequest).where(
                CodeRequest.id == payload.request_id,
                CodeRequest.expires_at > now,
                CodeRequest.used_at.is_(None),
                CodeRequest.step_hash.is_(None),
            )
        )
        if request is None:
            return None
        found = await find_patients(session, request.phone, limit=50)
    if all(person.phone != request.phone for person in found):
        return None
    code = new_code()
    code_hash = await anyio.to_thread.run_sync(hash_code, code)
    async with sessions.begin() as session:
        stored = update(CodeRequest).where(CodeRequest.id == payload.request_id)
        await session.execute(stored.values(code_hash=code_hash))
    return request.phone, code


name_jobs({SEND_CODE: "Gửi mã đăng nhập cho người bệnh"})
