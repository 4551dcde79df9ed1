"""Open, find and lock accounts."""

from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import Account
from kernel.clock import Instant
from kernel.ids import new_id
from kernel.money import Vnd
from kernel.problems import NotFound
from kernel.statements import Row, Statement

Found = TypeVar("Found")


class HeldAccount(Struct, frozen=True):
    """An account locked for this transaction, as it was then: the till's hot way needs no mapper."""

    id: UUID
    episode_id: UUID
    patient_id: UUID
    state: str
    due: Vnd
    opened_at: Instant
    ended_at: Instant | None
    frozen_bill: dict[str, Any] | None


HOLD = select(*(getattr(Account, name) for name in HeldAccount.__struct_fields__)).with_for_update()
"""Ask it for one account; whoever adds a condition gets the columns of HeldAccount."""
_HOLD_BY_EPISODE = Statement(HOLD.where(Account.episode_id == bindparam("episode")))
_LOCKED = select(Account).with_for_update().execution_options(populate_existing=True)
_LOCK_BY_EPISODE = _LOCKED.where(Account.episode_id == bindparam("episode"))
_LOCK_BY_ID = _LOCKED.where(Account.id == bindparam("account"))


class NoAccount(NotFound):
    slug = "no-account"


async def open_account(session: AsyncSession, *, episode_id: UUID, patient_id: UUID, now: Instant) -> Account:
    """Return the account of an episode, opened on first use, locked for this transaction."""
    values = {
        "id": new_id(),
        "episode_id": episode_id,
        "patient_id": patient_id,
        "state": "OPEN",
        "due": 0,
        "opened_at": now,
    }
    await session.execute(
        insert(Account).values(values).on_conflict_do_nothing(index_elements=["episode_id"])
    )
    return await lock_account(session, episode_id)


async def lock_account(session: AsyncSession, episode_id: UUID) -> Account:
    """Return the account of an episode, locked: money of one account moves one step at a time. Raises NoAccount."""
    return _found(await session.scalar(_LOCK_BY_EPISODE, {"episode": episode_id}))


async def hold_account(session: AsyncSession, episode_id: UUID) -> HeldAccount:
    """Lock the account of an episode as lock_account does, to read it only. Raises NoAccount."""
    return held(await _HOLD_BY_EPISODE.first(session, episode=episode_id))


def held(row: Row | None) -> HeldAccount:
    """Read a row of HOLD. Raises NoAccount."""
    return HeldAccount(**_found(row))


async def lock_account_by_id(session: AsyncSession, account_id: UUID) -> Account:
    """Return an account by its own id, locked. Raises NoAccount."""
    return _found(await session.scalar(_LOCK_BY_ID, {"account": account_id}))


async def account_of(session: AsyncSession, episode_id: UUID) -> Account:
    """Return the account of an episode. Raises NoAccount."""
    return _found(await session.scalar(select(Account).where(Account.episode_id == episode_id)))


def _found(account: Found | None) -> Found:
    if account is None:
        raise NoAccount("Đợt khám chữa bệnh này chưa phát sinh chi phí nào.")
    return account
