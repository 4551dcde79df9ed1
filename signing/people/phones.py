"""One-time codes: to prove that somebody holds a phone, and to sign with a proven one. Only hashes are kept."""

import hashlib
import hmac
import os
import re
import secrets
from datetime import timedelta
from uuid import UUID

import anyio.to_thread
from msgspec import Struct
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.outbox.api import enqueue
from kernel.problems import Conflict, Problem, Refused
from kernel.services import Services
from kernel.staff.api import Actor
from kernel.text import is_mobile, normalise_phone
from signing.context import context_of
from signing.people.models import PhoneCode, Sitting, VerifiedPhone
from signing.people.settings import PeopleSettings
from signing.people.sittings import lock_sitting, require_live, tell
from signing.people.views import SittingView, view_of

SEND = "signing.people.send_code"
_SCRYPT_COST = 2**12
"""About 10 ms a guess: a stolen table of five-minute codes is worth nothing."""


class SendCode(Struct, frozen=True):
    """Payload of the job; the code is made when it is sent."""

    code_id: UUID


class GatewayOff(Problem):
    status, slug = 503, "gateway-off"


class BadPhone(Refused):
    slug = "bad-phone"


class PhoneNotProven(Conflict):
    slug = "phone-not-proven"


class TooManyCodes(Problem):
    status, slug = 429, "too-many-codes"


class WrongCode(Refused):
    slug = "wrong-code"


class CodeDead(Conflict):
    """Expired, used, never sent, or no try left."""

    slug = "code-dead"


async def ask_proof(
    services: Services, sitting_id: UUID, phone: str, *, actor: Actor, now: Instant
) -> SittingView:
    """Send a code to a phone that the person at the tablet says is theirs; staff types what they read out.

    Raises GatewayOff, BadPhone, TooManyCodes, SittingNotFound, SittingExpired, WrongSittingState.
    """
    settings = context_of(services).settings
    try:
        number = normalise_phone(phone)
    except ValueError:
        number = ""
    if not number or not is_mobile(number):
        raise BadPhone("Số điện thoại di động gồm 10 chữ số, ví dụ 0901 234 567.", field="phone")
    async with services.sessions.begin() as session:
        row = await lock_sitting(session, sitting_id)
        require_live(row)
        await new_request(session, row, "PROVE", number, settings, now=now)
        await _record(session, row, "ask-proof", actor)
        return await view_of(session, row)


async def prove_phone(
    services: Services, sitting_id: UUID, typed: str, *, actor: Actor, now: Instant
) -> SittingView:
    """Take the code as proof that the signer holds the phone.

    Raises WrongCode, CodeDead, SittingNotFound, SittingExpired, WrongSittingState.
    """
    request = await check_code(services, sitting_id, "PROVE", typed, now=now)
    async with services.sessions.begin() as session:
        row = await lock_sitting(session, sitting_id)
        require_live(row)
        await use(session, request.id, now=now)
        proven = VerifiedPhone(
            id=new_id(),
            patient_id=row.patient_id,
            holder_name=row.signer_name,
            phone=request.phone,
            verified_at=now,
            verified_by=actor.id,
        )
        session.add(proven)
        await session.flush()
        row.phone_id = proven.id
        await session.flush()
        await _record(session, row, "prove-phone", actor)
        tell(session, row.id)
        return await view_of(session, row)


async def proven_phone(
    session: AsyncSession, patient_id: UUID, holder_name: str, *, settings: PeopleSettings, now: Instant
) -> UUID | None:
    """Return the phone this person last proved, if that is not too long ago."""
    since = now - timedelta(days=settings.people_phone_days)
    return await session.scalar(
        select(VerifiedPhone.id)
        .where(
            VerifiedPhone.patient_id == patient_id,
            func.lower(VerifiedPhone.holder_name) == holder_name.lower(),
            VerifiedPhone.verified_at > since,
        )
        .order_by(VerifiedPhone.verified_at.desc())
        .limit(1)
    )


async def new_request(
    session: AsyncSession, row: Sitting, purpose: str, phone: str, settings: PeopleSettings, *, now: Instant
) -> None:
    """Note the wish for a code and leave the sending to a job; an older code of the same purpose dies.

    Raises GatewayOff, TooManyCodes.
    """
    if not settings.people_sms_url:
        raise GatewayOff("Cơ sở chưa bật gửi mã qua tin nhắn.")
    asked = await session.scalar(
        select(func.count()).where(PhoneCode.sitting_id == row.id, PhoneCode.purpose == purpose)
    )
    if (asked or 0) >= settings.people_codes_per_sitting:
        raise TooManyCodes("Đã gửi mã nhiều lần trong lần ký này. Chọn cách ký khác hoặc mở lần ký mới.")
    await session.execute(
        update(PhoneCode)
        .where(PhoneCode.sitting_id == row.id, PhoneCode.purpose == purpose, PhoneCode.used_at.is_(None))
        .values(expires_at=now)
    )
    request = PhoneCode(
        id=new_id(),
        sitting_id=row.id,
        purpose=purpose,
        phone=phone,
        tries=0,
        asked_at=now,
        expires_at=now + timedelta(minutes=settings.people_code_minutes),
    )
    session.add(request)
    await session.flush()
    await enqueue(session, SEND, SendCode(request.id))


async def check_code(
    services: Services, sitting_id: UUID, purpose: str, typed: str, *, now: Instant
) -> PhoneCode:
    """Compare what was typed with the code last sent; a wrong try counts even though it is refused.

    Raises WrongCode, CodeDead.
    """
    tries = context_of(services).settings.people_code_tries
    async with services.sessions.begin() as session:
        row = await _take_try(session, sitting_id, purpose, tries, now=now)
    digits = "".join(typed.split())
    digits = digits if re.fullmatch(r"[0-9]{6}", digits) else "------"
    if not await anyio.to_thread.run_sync(_matches, row.code_hash, digits):
        left = tries - row.tries
        more = f" Còn {left} lần thử." if left > 0 else " Hãy gửi mã mới."
        raise WrongCode("Mã không đúng." + more, field="code")
    return row


async def _take_try(
    session: AsyncSession, sitting_id: UUID, purpose: str, tries: int, *, now: Instant
) -> PhoneCode:
    newest = (
        select(PhoneCode.id)
        .where(PhoneCode.sitting_id == sitting_id, PhoneCode.purpose == purpose)
        .order_by(PhoneCode.asked_at.desc(), PhoneCode.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    row: PhoneCode | None = await session.scalar(
        update(PhoneCode)
        .where(
            PhoneCode.id == newest,
            PhoneCode.tries < tries,
            PhoneCode.expires_at > now,
            PhoneCode.used_at.is_(None),
            PhoneCode.sent_at.is_not(None),
        )
        .values(tries=PhoneCode.tries + 1)
        .returning(PhoneCode)
    )
    if row is None:
        raise CodeDead("Mã đã hết hạn, đã dùng hoặc nhập sai quá số lần. Hãy gửi mã mới.", field="code")
    return row


async def use(session: AsyncSession, code_id: UUID, *, now: Instant) -> None:
    """Spend a code, once. Raises CodeDead."""
    used = await session.scalar(
        update(PhoneCode)
        .where(PhoneCode.id == code_id, PhoneCode.used_at.is_(None))
        .values(used_at=now)
        .returning(PhoneCode.id)
    )
    if used is None:
        raise CodeDead("Mã này vừa được dùng.", field="code")


async def prepare_message(sessions: Sessions, code_id: UUID, *, now: Instant) -> tuple[str, str, str] | None:
    """Make a code and keep its hash; returns phone, code and purpose, None if nothing is to be sent any more."""
    code = f"{secrets.randbelow(10**6):06d}"
    stored = await anyio.to_thread.run_sync(_hash, code)
    async with sessions.begin() as session:
        row = (
            await session.execute(
                update(PhoneCode)
                .where(PhoneCode.id == code_id, PhoneCode.expires_at > now, PhoneCode.used_at.is_(None))
                .values(code_hash=stored)
                .returning(PhoneCode.phone, PhoneCode.purpose)
            )
        ).first()
    return (row.phone, code, row.purpose) if row else None


async def _record(session: AsyncSession, row: Sitting, act: str, actor: Actor) -> None:
    entry = Entry(
        action=Action.CHANGE,
        subject=f"signing.sitting:{row.id}",
        patient_id=row.patient_id,
        detail={"act": act},
    )
    await record(session, entry, actor)


def _stretch(code: str, salt: bytes) -> bytes:
    return hashlib.scrypt(code.encode(), salt=salt, n=_SCRYPT_COST, r=8, p=1, dklen=32)


def _hash(code: str) -> bytes:
    salt = os.urandom(16)
    return salt + _stretch(code, salt)


def _matches(stored: bytes | None, code: str) -> bool:
    salt, wanted = (stored[:16], stored[16:]) if stored else (bytes(16), bytes(32))
    return hmac.compare_digest(_stretch(code, salt), wanted) and stored is not None
