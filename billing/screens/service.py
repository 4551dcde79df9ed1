"""Pair a second screen with a counter, and say what it shows."""

import hashlib
import secrets
from datetime import timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, convert
from sqlalchemy import bindparam, delete, func, literal, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from billing.requests.rules import RequestState
from billing.requests.service import NEWEST, counter_topic
from billing.requests.views import CounterCode, RequestView
from billing.screens.models import Screen
from billing.shifts.service import get_counter
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.ids import new_id
from kernel.live import touch
from kernel.problems import Conflict, Forbidden, Refused
from kernel.staff.api import Actor
from kernel.statements import Statement

COOKIE = "lanh_screen"
_CODE_LIFE = timedelta(minutes=10)
_WAITING_AT_ONCE = 10  # Codes a counter may have open: more is somebody playing.
_SHOWN = {
    RequestState.PAID: timedelta(seconds=8),
    RequestState.OVERPAID: timedelta(seconds=8),
    RequestState.CANCELLED: timedelta(seconds=8),
    RequestState.EXPIRED: timedelta(seconds=30),
    RequestState.UNDERPAID: timedelta(minutes=5),
}


_PAIRED = select(Screen.token_hash).where(
    Screen.counter == bindparam("counter"), Screen.paired_at.is_not(None), Screen.revoked_at.is_(None)
)
_ONE = select(literal(1).label("one")).subquery("one")
_NEWEST = NEWEST.subquery("newest")
_SHOWN_AT = Statement(
    select(func.array(_PAIRED.scalar_subquery()).label("tokens"), *_NEWEST.c).select_from(
        _ONE.outerjoin(_NEWEST, true())
    )
)


class PairScreen(Struct, frozen=True, forbid_unknown_fields=True):
    """The six digits a screen shows, typed by the cashier of its counter."""

    counter: CounterCode
    code: Annotated[str, Meta(pattern=r"^[0-9]{6}$")]


class NotPaired(Forbidden):
    slug = "screen-not-paired"


class WrongPairingCode(Refused):
    slug = "wrong-pairing-code"


class TooManyScreens(Conflict):
    slug = "too-many-screens"


class Asked(Struct, frozen=True):
    """A screen that waits to be paired."""

    token: str
    code: str


class Face(StrEnum):
    """What a second screen shows (DESIGN: each has its own screen)."""

    WAITING = "waiting"
    PAYING = "paying"
    PAID = "paid"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    TOO_LITTLE = "too_little"


class Shown(Struct, frozen=True):
    """A face, its request, and after how many seconds the screen must ask again."""

    face: Face
    request: RequestView | None = None
    again_seconds: int | None = None


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def ask_to_pair(session: AsyncSession, counter: str, *, now: Instant) -> Asked:
    """Give an unknown screen a token and a code to show. Raises NoSuchCounter, TooManyScreens."""
    await get_counter(session, counter)
    await session.execute(
        delete(Screen).where(Screen.paired_at.is_(None), Screen.asked_at < now - _CODE_LIFE)
    )
    waiting = select(func.count()).where(Screen.counter == counter, Screen.paired_at.is_(None))
    if (await session.scalar(waiting) or 0) >= _WAITING_AT_ONCE:
        raise TooManyScreens("Quá nhiều màn hình đang chờ ghép ở quầy này. Hãy chờ 10 phút.")
    asked = Asked(secrets.token_urlsafe(32), f"{secrets.randbelow(1_000_000):06d}")
    session.add(
        Screen(id=new_id(), counter=counter, token_hash=_hash(asked.token), code=asked.code, asked_at=now)
    )
    await session.flush()
    return asked


async def pairing_code(session: AsyncSession, token: str, counter: str, *, now: Instant) -> str | None:
    """Return the code a waiting screen shows; None if it is unknown, paired or too old."""
    query = select(Screen.code).where(
        Screen.token_hash == _hash(token),
        Screen.counter == counter,
        Screen.paired_at.is_(None),
        Screen.asked_at > now - _CODE_LIFE,
    )
    code: str | None = await session.scalar(query)
    return code


class Watched(Struct, frozen=True):
    """What the screens of a counter show, and which devices are its screens."""

    shown: Shown
    tokens: frozenset[bytes]

    def by(self, token: str) -> bool:
        """Say whether this token may watch the counter."""
        return _hash(token) in self.tokens


async def watch(session: AsyncSession, counter: str, *, now: Instant) -> Watched:
    """Return what the second screens of a counter show now, and to whom."""
    row = await _SHOWN_AT.first(session, counter=counter)
    assert row is not None, "one row, whatever it lacks"
    tokens = frozenset(row.pop("tokens"))
    request = convert(row, RequestView) if row["id"] else None
    return Watched(face_of(request, now=now), tokens)


async def pair_screen(session: AsyncSession, command: PairScreen, *, actor: Actor, now: Instant) -> UUID:
    """Pair the screen that shows this code; earlier screens of the counter go dark. Raises WrongPairingCode."""
    query = select(Screen).where(
        Screen.code == command.code,
        Screen.counter == command.counter,
        Screen.paired_at.is_(None),
        Screen.asked_at > now - _CODE_LIFE,
    )
    screen = await session.scalar(query.with_for_update())
    if screen is None:
        raise WrongPairingCode(
            "Mã ghép không đúng hoặc đã quá 10 phút. Hãy xem lại màn hình phụ.", field="code"
        )
    earlier = select(Screen).where(
        Screen.counter == command.counter, Screen.paired_at.is_not(None), Screen.revoked_at.is_(None)
    )
    for old in await session.scalars(earlier):
        old.revoked_at = now
    screen.paired_at, screen.paired_by = now, actor.id
    await session.flush()
    detail = {"counter": command.counter}
    await record(session, Entry(Action.CREATE, f"billing.screen:{screen.id}", detail=detail), actor)
    touch(session, counter_topic(command.counter))
    return screen.id


def face_of(request: RequestView | None, *, now: Instant) -> Shown:
    """Say what a counter's screen shows for its newest request."""
    if request is None:
        return Shown(Face.WAITING)
    if request.state is RequestState.PENDING:
        if now < request.expires_at:
            left = int((request.expires_at - now).total_seconds()) + 1
            return Shown(Face.PAYING, request, left)
        ended, faces = request.expires_at, Face.EXPIRED
        life = _SHOWN[RequestState.EXPIRED]
    else:
        assert request.closed_at is not None, "only an open request has no end"
        ended, life = request.closed_at, _SHOWN[request.state]
        faces = {
            RequestState.CANCELLED: Face.CANCELLED,
            RequestState.EXPIRED: Face.EXPIRED,
            RequestState.UNDERPAID: Face.TOO_LITTLE,
        }.get(request.state, Face.PAID)
    left = int((ended + life - now).total_seconds() + 0.999)
    return Shown(faces, request, left) if left > 0 else Shown(Face.WAITING)
