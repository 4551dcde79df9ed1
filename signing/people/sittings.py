"""What every act on a sitting needs: find it by its link, lock it, compare, move it, tell the pages. Nothing here signs."""

import hashlib
import hmac
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.live import touch
from kernel.problems import Conflict, Forbidden, NotFound
from kernel.services import Services
from kernel.staff.api import Actor
from signing.documents.rules import read_code
from signing.documents.service import PEOPLE_TOPIC
from signing.people.models import Sitting
from signing.people.rules import Kind, Method, State, may_become
from signing.people.views import SittingNotFound, SittingView, view_of

TABLET = Actor(
    id=UUID(int=3),
    name="Người ký tại máy tính bảng",
    title="",
    roles=frozenset(),
    department="",
    session_id=None,
)
"""Who holds the tablet; the sitting says who that is."""


class WrongSittingState(Conflict):
    slug = "wrong-sitting-state"


class SittingExpired(Conflict):
    status, slug = 410, "sitting-expired"


class LinkUnknown(NotFound):
    slug = "link-unknown"


class LinkUsed(Forbidden):
    """Opened on another device already, or this is not that device."""

    slug = "link-used"


@asynccontextmanager
async def acting(
    services: Services, code: str, *, now: Instant, token: str | None = None
) -> AsyncGenerator[tuple[AsyncSession, Sitting]]:
    """Hold the sitting of a link, locked, in a transaction; one that ran out of time expires here, for good.

    Raises LinkUnknown, LinkUsed when a token is handed in that does not fit, SittingExpired, WrongSittingState.
    """
    async with services.sessions.begin() as session:
        row = await find_by_link(session, code)
        await expire(session, row.id, now=now)
    async with services.sessions.begin() as session:
        row = await find_by_link(session, code, lock=True)
        if token is not None:
            require_device(row, token)
        require_live(row)
        yield session, row


def require_live(row: Sitting) -> None:
    """Raises SittingExpired, WrongSittingState unless something may still be shown or signed."""
    if row.state == State.EXPIRED:
        raise SittingExpired("Lần ký đã hết thời gian. Nhờ nhân viên mở lần ký mới.")
    if State(row.state) not in (State.OPEN, State.SHOWN):
        raise WrongSittingState("Lần ký này đã xong hoặc đã huỷ.")


async def find_by_link(session: AsyncSession, code: str, *, lock: bool = False) -> Sitting:
    """Raises LinkUnknown."""
    plain = read_code(code)
    statement = select(Sitting).where(Sitting.code_hash == code_hash(plain or ""))
    row = await session.scalar(statement.with_for_update() if lock else statement) if plain else None
    if row is None:
        raise LinkUnknown("Không có lần ký nào mang mã này. Hãy kiểm tra lại từng ký tự.")
    return row


def require_device(row: Sitting, token: str) -> None:
    """Raises LinkUsed unless this is the device that opened the link."""
    if row.device_hash is None or not hmac.compare_digest(row.device_hash, token_hash(token)):
        raise LinkUsed("Lần ký này đang mở ở một máy khác. Nhờ nhân viên mở lần ký mới nếu máy đó bị mất.")


async def cancel_sitting(
    session: AsyncSession, sitting_id: UUID, reason: str, *, actor: Actor, now: Instant
) -> SittingView:
    """End a sitting before anything was signed: wrong list, lost tablet. Raises SittingNotFound, WrongSittingState."""
    row = await lock_sitting(session, sitting_id)
    if row.state == State.SIGNED:
        raise WrongSittingState("Đã ký, đang niêm phong. Không huỷ được nữa.")
    move(row, State.CANCELLED)
    row.reason, row.ended_at = reason.strip()[:500] or row.reason, now
    await session.flush()
    entry = Entry(
        action=Action.VOID,
        subject=f"signing.sitting:{row.id}",
        patient_id=row.patient_id,
        reason=reason or None,
    )
    await record(session, entry, actor)
    tell(session, row.id)
    return await view_of(session, row)


async def lock_sitting(session: AsyncSession, sitting_id: UUID) -> Sitting:
    """Raises SittingNotFound."""
    row = await session.get(Sitting, sitting_id, with_for_update=True)
    if row is None:
        raise SittingNotFound("Không có lần ký này.")
    return row


async def expire(session: AsyncSession, sitting_id: UUID, *, now: Instant) -> None:
    """End a sitting whose time is over and in which nothing was signed."""
    ended = await session.scalar(
        update(Sitting)
        .where(
            Sitting.id == sitting_id, Sitting.state.in_([State.OPEN, State.SHOWN]), Sitting.expires_at <= now
        )
        .values(state=State.EXPIRED, ended_at=now)
        .returning(Sitting.id)
        .execution_options(synchronize_session=False)
    )
    if ended is not None:
        tell(session, sitting_id)


def move(row: Sitting, target: State) -> None:
    """Change the state of a locked sitting. Raises WrongSittingState."""
    if not may_become(Kind(row.kind), State(row.state), target):
        raise WrongSittingState("Lần ký không còn ở bước này. Hãy tải lại trang.")
    row.state = target


def tell(session: AsyncSession, sitting_id: UUID) -> None:
    """Let the tablet's page and the staff's pages load anew."""
    touch(session, f"{PEOPLE_TOPIC}:{sitting_id}")
    touch(session, PEOPLE_TOPIC)


async def note(session: AsyncSession, row: Sitting, act: str, **detail: str) -> None:
    """Record what the person at the tablet did."""
    entry = Entry(
        action=Action.SIGN if act == "sign" else Action.VIEW if act == "show" else Action.CHANGE,
        subject=f"signing.sitting:{row.id}",
        patient_id=row.patient_id,
        detail={"act": act, "signer": row.signer_kind, **detail},
    )
    await record(session, entry, replace(TABLET, ip=row.device_ip))


def code_hash(code: str) -> bytes:
    return hmac.digest(b"lanh sitting link", code.encode(), hashlib.sha256)


def token_hash(token: str) -> bytes:
    return hmac.digest(b"lanh sitting device", token.encode(), hashlib.sha256)


def chosen(row: Sitting, method: Method) -> None:
    """Hold a sitting to the way it began with. Raises WrongSittingState."""
    if row.method is not None and row.method != method:
        raise WrongSittingState("Đã bắt đầu ký bằng cách khác trong lần này.")
