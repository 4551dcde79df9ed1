"""What the tablet does: open the link once, fetch pages, show them to the end, refuse."""

import secrets
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant
from kernel.problems import Conflict
from kernel.services import Services
from signing.context import context_of
from signing.people.models import Sitting, SittingDocument
from signing.people.rules import State, device_words
from signing.people.sittings import LinkUsed, SittingExpired, acting, move, note, tell, token_hash
from signing.people.views import SittingView, view_of


class NotShown(Conflict):
    slug = "not-shown"


async def join(
    services: Services, code: str, *, user_agent: str, ip: str, now: Instant
) -> tuple[SittingView, str]:
    """Bind a sitting to the device that opens its link first; returns the token that the device keeps.

    Raises LinkUnknown, LinkUsed, SittingExpired, WrongSittingState.
    """
    settings = context_of(services).settings
    token = secrets.token_urlsafe(32)
    async with acting(services, code, now=now) as (session, row):
        if row.device_hash is not None:
            raise LinkUsed("Liên kết này đã mở ở một máy khác. Nhờ nhân viên mở lần ký mới.")
        if now > row.opened_at + timedelta(minutes=settings.people_link_minutes):
            raise SittingExpired("Liên kết đã quá hạn mở. Nhờ nhân viên mở lần ký mới.")
        row.device_hash, row.joined_at = token_hash(token), now
        row.device, row.device_ip = device_words(user_agent), ip
        await note(session, row, "join")
        tell(session, row.id)
        await session.flush()
        return await view_of(session, row), token


async def note_page(
    services: Services, code: str, token: str, position: int, page: int, *, now: Instant
) -> str:
    """Note that the device fetches a page's picture; returns the hash of the file it is of.

    Raises what `acting` raises, NotShown for a page that isn't there.
    """
    async with acting(services, code, now=now, token=token) as (session, row):
        listed = await _listed_at(session, row, position)
        if not 1 <= page <= listed.pages:
            raise NotShown("Văn bản không có trang này.")
        if page not in listed.pages_shown:
            listed.pages_shown = sorted({*listed.pages_shown, page})
        return listed.sha256


async def show(
    services: Services, code: str, token: str, position: int, sha256: str, *, now: Instant
) -> SittingView:
    """Note that one document was shown to its end; after the last one the person may sign.

    Raises what `acting` raises, NotShown when a page was not fetched or another file was on the screen.
    """
    async with acting(services, code, now=now, token=token) as (session, row):
        listed = await _listed_at(session, row, position)
        if listed.sha256 != sha256:
            raise NotShown("Văn bản trên màn hình không phải bản đang chờ ký. Hãy tải lại trang.")
        if set(listed.pages_shown) < set(range(1, listed.pages + 1)):
            raise NotShown("Chưa xem hết các trang của văn bản này.")
        listed.shown_at = listed.shown_at or now
        await session.flush()
        await note(session, row, "show", document=str(listed.document_id), sha256=sha256)
        view = await view_of(session, row)
        if view.unseen is None and row.state == State.OPEN:
            move(row, State.SHOWN)
            await session.flush()
            view = await view_of(session, row)
        tell(session, row.id)
        return view


async def _listed_at(session: AsyncSession, row: Sitting, position: int) -> SittingDocument:
    found = await session.scalar(
        select(SittingDocument).where(
            SittingDocument.sitting_id == row.id, SittingDocument.position == position
        )
    )
    if found is None:
        raise NotShown("Lần ký không có văn bản này.")
    return found


async def refuse_at_tablet(
    services: Services, code: str, token: str, reason: str, *, now: Instant
) -> SittingView:
    """Let the person refuse; the documents go on waiting and staff decides what follows. Raises what `acting` raises."""
    async with acting(services, code, now=now, token=token) as (session, row):
        move(row, State.REFUSED)
        row.reason, row.ended_at = reason.strip()[:500], now
        await session.flush()
        await note(session, row, "refuse", reason=row.reason)
        tell(session, row.id)
        return await view_of(session, row)
