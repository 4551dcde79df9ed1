"""Sign-in, sign-out and the person behind a session token."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import anyio.to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Struct
from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.problems import NotFound, NotSignedIn, Refused
from kernel.settings import KernelSettings
from kernel.staff.known import KnownStaff, SignInRow, tell_accounts_changed
from kernel.staff.models import StaffAccount, StaffSession
from kernel.staff.rules import Actor, Role, password_refusal, session_is_live
from kernel.statements import Statement

COOKIE = "lanh_session"


class NewAccount(Struct, frozen=True):
    id: UUID
    username: str
    name: str
    title: str
    department: str
    roles: frozenset[Role]
    password: str
    citizen_id: str | None = None
    practice_license: str | None = None


class SignIn(Struct, frozen=True):
    username: str
    password: str


class SignInRefused(NotSignedIn):
    slug = "sign-in-refused"


class WeakPassword(Refused):
    slug = "weak-password"


class NoSuchAccount(NotFound):
    slug = "no-such-account"


class StaffView(Struct, frozen=True):
    id: UUID
    username: str
    name: str
    title: str
    department: str
    roles: frozenset[Role]
    citizen_id: str | None
    practice_license: str | None


@lru_cache
def _hasher(memory_kib: int, rounds: int) -> PasswordHasher:
    return PasswordHasher(time_cost=rounds, memory_cost=memory_kib)


def hash_password(password: str, settings: KernelSettings) -> str:
    """Return an argon2id hash; takes about 0.16 s of one core with the default cost."""
    return _hasher(settings.argon2_memory_kib, settings.argon2_rounds).hash(password)


@lru_cache
def _nobody(memory_kib: int, rounds: int) -> str:
    """A hash to check against when the name is unknown, so that the answer takes as long."""
    return _hasher(memory_kib, rounds).hash(secrets.token_hex(16))


def _matches(stored: str, password: str, settings: KernelSettings) -> bool:
    try:
        return _hasher(settings.argon2_memory_kib, settings.argon2_rounds).verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


async def add_account(
    session: AsyncSession, command: NewAccount, *, settings: KernelSettings, now: Instant
) -> StaffView:
    """Create a personal account. Raises WeakPassword."""
    refusal = password_refusal(command.password, command.username)
    if refusal:
        raise WeakPassword(refusal, field="password")
    hashed = await anyio.to_thread.run_sync(hash_password, command.password, settings)
    account = StaffAccount(
        id=command.id,
        username=command.username,
        name=command.name,
        title=command.title,
        department=command.department,
        roles=sorted(command.roles),
        citizen_id=command.citizen_id,
        practice_license=command.practice_license,
        password_hash=hashed,
        failed_tries=0,
        created_at=now,
    )
    session.add(account)
    await session.flush()
    return _view(account)


def _view(account: StaffAccount) -> StaffView:
    return StaffView(
        id=account.id,
        username=account.username,
        name=account.name,
        title=account.title,
        department=account.department,
        roles=frozenset(Role(role) for role in account.roles),
        citizen_id=account.citizen_id,
        practice_license=account.practice_license,
    )


async def get_staff(session: AsyncSession, staff_id: UUID) -> StaffView:
    """Raises NoSuchAccount."""
    account = await session.get(StaffAccount, staff_id)
    if account is None:
        raise NoSuchAccount("Không có tài khoản này.")
    return _view(account)


async def list_staff(session: AsyncSession) -> list[StaffView]:
    rows = await session.scalars(
        select(StaffAccount).where(StaffAccount.disabled_at.is_(None)).order_by(StaffAccount.username)
    )
    return [_view(row) for row in rows]


async def sign_in(
    sessions: Sessions, command: SignIn, *, ip: str, settings: KernelSettings, now: Instant
) -> tuple[str, StaffView]:
    """Check name and password and open a session; returns its token, which is stored nowhere.

    Raises SignInRefused, the same way for an unknown name, a wrong password and a locked or disabled account.
    """
    async with sessions() as session:
        account = await session.scalar(
            select(StaffAccount).where(StaffAccount.username == command.username.strip().lower())
        )
    stored = account.password_hash if account else _nobody(settings.argon2_memory_kib, settings.argon2_rounds)
    right = await anyio.to_thread.run_sync(_matches, stored, command.password, settings)
    if account is None or account.disabled_at is not None:
        raise SignInRefused("Tên đăng nhập hoặc mật khẩu không đúng.")
    if account.locked_until and account.locked_until > now:
        raise SignInRefused("Tài khoản tạm khoá vì nhập sai nhiều lần. Chờ ít phút hoặc gọi quản trị.")
    if not right:
        await _count_failure(sessions, account, ip=ip, settings=settings, now=now)
        raise SignInRefused("Tên đăng nhập hoặc mật khẩu không đúng.")
    token, session_id = secrets.token_urlsafe(32), new_id()
    async with sessions.begin() as session:
        await session.execute(
            update(StaffAccount)
            .where(StaffAccount.id == account.id)
            .values(failed_tries=0, locked_until=None)
        )
        session.add(
            StaffSession(
                id=session_id,
                token_hash=token_hash(token),
                account_id=account.id,
                ip=ip or None,
                created_at=now,
                last_seen_at=now,
            )
        )
        actor = _actor(account, session_id=session_id, ip=ip)
        await record(session, Entry(action=Action.LOGIN, subject=f"kernel.staff:{account.id}"), actor)
    return token, _view(account)


def _actor(account: Any, *, session_id: UUID | None, ip: str) -> Actor:
    return Actor(
        id=account.id,
        name=account.name,
        title=account.title,
        roles=frozenset(Role(role) for role in account.roles),
        department=account.department,
        session_id=session_id,
        ip=ip,
    )


async def _count_failure(
    sessions: Sessions, account: StaffAccount, *, ip: str, settings: KernelSettings, now: datetime
) -> None:
    """In a transaction of its own: the refusal rolls the request's back."""
    mine = update(StaffAccount).where(StaffAccount.id == account.id)
    async with sessions.begin() as session:
        tries = await session.scalar(
            mine.values(failed_tries=StaffAccount.failed_tries + 1).returning(StaffAccount.failed_tries)
        )
        if tries is not None and tries >= settings.sign_in_tries:
            until = now + timedelta(minutes=settings.sign_in_lock_minutes)
            await session.execute(mine.values(failed_tries=0, locked_until=until))
        failure = Entry(
            action=Action.FAILURE, subject=f"kernel.staff:{account.id}", detail={"what": "sign-in"}
        )
        await record(session, failure, _actor(account, session_id=None, ip=ip))


def token_hash(token: str) -> bytes:
    return hmac.digest(b"lanh staff session", token.encode(), hashlib.sha256)


_LOGIN = Statement(
    select(
        StaffSession.id.label("session_id"),
        StaffSession.created_at,
        StaffSession.last_seen_at,
        StaffAccount.id,
        StaffAccount.name,
        StaffAccount.title,
        StaffAccount.roles,
        StaffAccount.department,
        StaffAccount.disabled_at,
    )
    .join(StaffAccount, StaffAccount.id == StaffSession.account_id)
    .where(StaffSession.token_hash == bindparam("token_hash"), StaffSession.ended_at.is_(None))
)
"""It runs before every request."""


async def actor_of_token(
    sessions: Sessions,
    token: str,
    *,
    ip: str,
    settings: KernelSettings,
    now: Instant,
    known: KnownStaff | None = None,
) -> Actor | None:
    """Return who holds this token, or None if it is unknown, ended or too old. Notes "last seen" once a minute."""
    key = token_hash(token)

    async def read() -> SignInRow | None:
        async with sessions() as session:
            row = await _LOGIN.first(session, token_hash=key)
            if row and now - row["last_seen_at"] > timedelta(minutes=1) and _may_enter(row, settings, now):
                seen = update(StaffSession).where(StaffSession.id == row["session_id"])
                await session.execute(seen.values(last_seen_at=now))
                await session.commit()
        return row

    row = await (read() if known is None else known.find(key, read))
    if row is None or not _may_enter(row, settings, now):
        return None
    return Actor(
        id=row["id"],
        name=row["name"],
        title=row["title"],
        roles=frozenset(Role(role) for role in row["roles"]),
        department=row["department"],
        session_id=row["session_id"],
        ip=ip,
    )


def _may_enter(row: SignInRow, settings: KernelSettings, now: Instant) -> bool:
    return row["disabled_at"] is None and session_is_live(
        created_at=row["created_at"],
        last_seen_at=row["last_seen_at"],
        now=now,
        hours=settings.session_hours,
        idle_minutes=settings.session_idle_minutes,
    )


async def sign_out(session: AsyncSession, actor: Actor, *, now: Instant) -> None:
    """End the session this person came with."""
    await session.execute(
        update(StaffSession).where(StaffSession.id == actor.session_id).values(ended_at=now)
    )
    tell_accounts_changed(session)
    await record(session, Entry(action=Action.LOGOUT, subject=f"kernel.staff:{actor.id}"), actor)
