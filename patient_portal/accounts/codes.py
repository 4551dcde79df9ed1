"""One-time codes: asked for, sent by a job, checked. Nothing here tells whether a phone is known."""

from datetime import timedelta
from uuid import UUID

import anyio.to_thread
from msgspec import Struct
from sqlalchemy import ColumnElement, and_, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.outbox.api import enqueue
from kernel.problems import Conflict, Problem, Refused
from kernel.text import is_mobile, normalise_phone
from patient_portal.accounts.models import CodeRequest
from patient_portal.accounts.rules import clean_code, code_matches, new_token, token_hash
from patient_portal.settings import PortalSettings

SEND_CODE = "portal.send_code"


class SendCode(Struct, frozen=True):
    """Payload of the job; the code itself is made when it is sent and is stored as a hash only."""

    request_id: UUID


class AskCode(Struct, frozen=True, forbid_unknown_fields=True):
    phone: str


class CodeAsked(Struct, frozen=True):
    id: UUID
    expires_at: Instant


class PortalOff(Problem):
    status, slug = 503, "portal-off"


class BadPhone(Refused):
    slug = "bad-phone"


class TooManyCodes(Problem):
    status, slug = 429, "too-many-codes"


class WrongCode(Refused):
    slug = "wrong-code"


class CodeDead(Conflict):
    slug = "code-dead"


async def ask_code(
    session: AsyncSession, command: AskCode, *, ip: str, settings: PortalSettings, now: Instant
) -> CodeAsked:
    """Note the wish for a code and leave the sending to a job; the same answer for known and unknown phones.

    Raises PortalOff without a gateway, BadPhone, TooManyCodes per phone or address.
    """
    if not settings.sms_url:
        raise PortalOff("Bệnh viện chưa mở đăng nhập bằng tin nhắn. Xin gọi tổng đài.")
    try:
        phone = normalise_phone(command.phone)
    except ValueError:
        phone = ""
    if not phone or not is_mobile(phone):
        raise BadPhone("Số điện thoại di động gồm 10 chữ số, ví dụ 0901 234 567.", field="phone")
    await _refuse_too_many(session, phone, ip=ip, settings=settings, now=now)
    request_id = new_id()
    expires_at = now + timedelta(minutes=settings.code_minutes)
    await session.execute(
        insert(CodeRequest).values(
            id=request_id, phone=phone, ip=ip or None, asked_at=now, expires_at=expires_at
        )
    )
    await enqueue(session, SEND_CODE, SendCode(request_id))
    return CodeAsked(request_id, expires_at)


async def _refuse_too_many(
    session: AsyncSession, phone: str, *, ip: str, settings: PortalSettings, now: Instant
) -> None:
    # One asker per phone at a time, or ten at once would each see nine fewer.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(phone, 0))))
    hour, day = now - timedelta(hours=1), now - timedelta(days=1)
    mine = CodeRequest.phone == phone
    counts = (
        (mine, hour, settings.codes_per_phone_hour),
        (mine, day, settings.codes_per_phone_day),
        (CodeRequest.ip == (ip or None), hour, settings.codes_per_ip_hour),
    )
    for whose, since, limit in counts:
        asked = await session.scalar(select(func.count()).where(whose, CodeRequest.asked_at > since))
        if asked is not None and asked >= limit:
            raise TooManyCodes("Đã xin mã nhiều lần. Xin đợi một giờ rồi thử lại, hoặc gọi tổng đài.")


async def _take_try(
    session: AsyncSession, request_id: UUID, *, settings: PortalSettings, now: Instant
) -> bytes | None:
    """Count a try and return the stored hash. Raises CodeDead if no try is left, or it expired or was used."""
    row = (
        await session.execute(
            update(CodeRequest)
            .where(
                CodeRequest.id == request_id,
                CodeRequest.tries < settings.code_tries,
                CodeRequest.expires_at > now,
                CodeRequest.used_at.is_(None),
            )
            .values(tries=CodeRequest.tries + 1)
            .returning(CodeRequest.code_hash)
        )
    ).first()
    if row is None:
        raise CodeDead("Mã đã hết hạn hoặc nhập sai quá số lần cho phép. Xin gửi mã mới.", field="code")
    code_hash: bytes | None = row.code_hash
    return code_hash


async def check_code(
    sessions: Sessions, request_id: UUID, code: str, *, settings: PortalSettings, now: Instant
) -> str:
    """Return the token of the next step if the code is right; a wrong try is counted even though it is refused.

    Raises WrongCode, CodeDead.
    """
    async with sessions.begin() as session:
        stored = await _take_try(session, request_id, settings=settings, now=now)
    typed = clean_code(code)
    if not await anyio.to_thread.run_sync(code_matches, stored, typed or "------"):
        raise WrongCode("Mã không đúng. Xin xem lại tin nhắn.", field="code")
    token = new_token()
    async with sessions.begin() as session:
        await session.execute(
            update(CodeRequest)
            .where(CodeRequest.id == request_id, CodeRequest.used_at.is_(None))
            .values(step_hash=token_hash(token, "step"))
        )
    return token


def step_is_live(token: str, *, now: Instant) -> ColumnElement[bool]:
    """The request whose code was typed right and whose birth date is still owed.

    The person has ten more minutes than the code to find the birth date of a child.
    """
    return and_(
        CodeRequest.step_hash == token_hash(token, "step"),
        CodeRequest.used_at.is_(None),
        CodeRequest.expires_at > now - timedelta(minutes=10),
    )


async def phone_of_request(session: AsyncSession, request_id: UUID | None) -> str | None:
    """Return the phone a code was asked for, as the asker typed it."""
    if request_id is None:
        return None
    return await session.scalar(select(CodeRequest.phone).where(CodeRequest.id == request_id))
