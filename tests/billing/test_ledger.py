"""What the database itself refuses; all of it happens at commit, so on a database of its own."""

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.service import open_account
from billing.ledger.rules import Book, EntryKind, Side, sides
from billing.ledger.service import AlreadyReversed, NewEntry, NoSuchEntry, balances, post, reverse
from kernel.clock import utc_now
from kernel.ids import new_id
from tests.billing.builders import a_request, an_episode
from tests.conftest import RealDatabase


async def an_account(session: AsyncSession) -> UUID:
    account = await open_account(session, episode_id=new_id(), patient_id=new_id(), now=utc_now())
    return account.id


def an_entry(account: UUID, *all_sides: Side, kind: EntryKind = EntryKind.PAYMENT) -> NewEntry:
    return NewEntry(kind=kind, sides=all_sides, actor_id=UUID(int=1), at=utc_now(), account_id=account)


async def test_an_entry_must_sum_to_zero_when_it_commits(real_db: RealDatabase) -> None:
    for wrong in (
        (Side(Book.BANK, 5), Side(Book.PATIENT, -4)),
        (Side(Book.BANK, 5),),
    ):
        with pytest.raises(IntegrityError, match="does not balance"):
            async with real_db.sessions.begin() as session:
                await post(session, an_entry(await an_account(session), *wrong))
    async with real_db.sessions.begin() as session:
        account = await an_account(session)
        await post(session, an_entry(account, Side(Book.BANK, 5), Side(Book.PATIENT, -5)))
    async with real_db.sessions.begin() as session:
        assert (await balances(session, account)).paid == 5


async def test_an_entry_without_sides_is_refused(real_db: RealDatabase) -> None:
    with pytest.raises(IntegrityError, match="does not balance"):
        async with real_db.sessions.begin() as session:
            await session.execute(
                text(
                    "INSERT INTO billing_ledger_entry (id, kind, reason, actor_id, at)"
                    " VALUES (gen_random_uuid(), 'PAYMENT', '', gen_random_uuid(), now())"
                )
            )


async def test_nobody_gets_back_more_than_is_held(real_db: RealDatabase) -> None:
    async with real_db.sessions.begin() as session:
        account = await an_account(session)
        await post(session, an_entry(account, *sides((Book.BANK, 10), (Book.DEPOSIT, -10))))
    refund = sides((Book.DEPOSIT, 11), (Book.BANK, -11))
    with pytest.raises(IntegrityError, match="gives back more"):
        async with real_db.sessions.begin() as session:
            await post(session, an_entry(account, *refund, kind=EntryKind.REFUND))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE billing_ledger_posting SET amount = amount + 1",
        "DELETE FROM billing_ledger_posting",
        "TRUNCATE billing_ledger_posting",
        "UPDATE billing_ledger_entry SET reason = 'x'",
        "DELETE FROM billing_ledger_entry",
        "DELETE FROM billing_request",
        "UPDATE billing_request SET amount = amount + 1",
        "UPDATE billing_request SET reference = 'VP10000000146'",
        "UPDATE billing_charge SET unit_price = 1",
        "DELETE FROM billing_charge",
        "DELETE FROM billing_account",
    ],
)
async def test_money_is_never_edited_nor_deleted_by_anybody(real_db: RealDatabase, statement: str) -> None:
    async with real_db.sessions.begin() as session:
        request = await a_request(session, await an_episode(session))
        account = await an_account(session)
        await post(session, an_entry(account, Side(Book.BANK, 5), Side(Book.PATIENT, -5)))
    assert request
    with pytest.raises(DBAPIError):
        async with real_db.sessions.begin() as session:
            await session.execute(text(statement))


async def test_a_mistake_is_reversed_once_by_its_mirror(session: AsyncSession) -> None:
    account = await an_account(session)
    entry = await post(session, an_entry(account, Side(Book.BANK, 5), Side(Book.PATIENT, -5)))
    await reverse(session, entry, reason="ghi nhầm", actor_id=UUID(int=1), now=utc_now())
    assert (await balances(session, account)).paid == 0
    with pytest.raises(AlreadyReversed):
        await reverse(session, entry, reason="lần nữa", actor_id=UUID(int=1), now=utc_now())
    with pytest.raises(NoSuchEntry):
        await reverse(session, new_id(), reason="không có", actor_id=UUID(int=1), now=utc_now())
