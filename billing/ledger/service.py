"""Write entries and read balances."""

from uuid import UUID

from msgspec import Struct
from sqlalchemy import ARRAY, BigInteger, Text, Uuid, bindparam, cast, column, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.ledger.models import Entry, Posting
from billing.ledger.rules import Balances, Book, EntryKind, Side, balances_of
from kernel.clock import Instant
from kernel.ids import new_id
from kernel.problems import Conflict, NotFound
from kernel.statements import Statement


class NewEntry(Struct, frozen=True, kw_only=True):
    """A movement to post. Sides on BANK, CASH and SUSPENSE belong to nobody; the others to `account_id`."""

    kind: EntryKind
    sides: tuple[Side, ...]
    actor_id: UUID
    at: Instant
    account_id: UUID | None = None
    request_id: UUID | None = None
    transaction_id: UUID | None = None
    shift_id: UUID | None = None
    reverses_id: UUID | None = None
    reason: str = ""


_HEAD = ("id", *(name for name in NewEntry.__struct_fields__ if name != "sides"))
_ENTERED = insert(Entry).values({name: bindparam(name) for name in _HEAD}).returning(Entry.id).cte("entered")
_SIDE = (
    func.unnest(bindparam("books", type_=ARRAY(Text)), bindparam("amounts", type_=ARRAY(BigInteger)))
    .table_valued(column("book", Text), column("amount", BigInteger))
    .render_derived("side")
)
_POST = Statement(
    insert(Posting).from_select(
        ["entry_id", "book", "account_id", "amount"],
        select(_ENTERED.c.id, _SIDE.c.book, bindparam("account_id", type_=Uuid), _SIDE.c.amount),
    )
)
BOOKS = (
    select(Posting.book, cast(func.sum(Posting.amount), BigInteger).label("total"))
    .where(Posting.account_id == bindparam("account"))
    .group_by(Posting.book)
)
"""The sums of an account's books, for whoever reads them together with their own rows."""
_BALANCES = Statement(BOOKS)


class AlreadyReversed(Conflict):
    slug = "entry-already-reversed"


class NoSuchEntry(NotFound):
    slug = "no-such-entry"


async def post(session: AsyncSession, entry: NewEntry) -> UUID:
    """Append an entry and return its id. The database refuses at commit what does not sum to zero."""
    entry_id = new_id()
    head = {name: getattr(entry, name) for name in entry.__struct_fields__ if name != "sides"}
    books, amounts = [side.book for side in entry.sides], [side.amount for side in entry.sides]
    await _POST.rows(session, id=entry_id, **head, books=books, amounts=amounts)
    return entry_id


async def reverse(
    session: AsyncSession, entry_id: UUID, *, reason: str, actor_id: UUID, now: Instant
) -> UUID:
    """Undo an entry by its mirror; a posted amount is never edited. Raises NoSuchEntry, AlreadyReversed."""
    entry = await session.get(Entry, entry_id)
    if entry is None:
        raise NoSuchEntry("Không có bút toán này.")
    if await session.scalar(select(Entry.id).where(Entry.reverses_id == entry_id)):
        raise AlreadyReversed("Bút toán này đã được huỷ bằng một bút toán đảo.")
    postings = await session.execute(select(Posting.book, Posting.amount).where(Posting.entry_id == entry_id))
    mirror = NewEntry(
        kind=EntryKind.REVERSAL,
        sides=tuple(Side(Book(book), -amount) for book, amount in postings),
        actor_id=actor_id,
        at=now,
        account_id=entry.account_id,
        request_id=entry.request_id,
        transaction_id=entry.transaction_id,
        shift_id=entry.shift_id,
        reverses_id=entry_id,
        reason=reason,
    )
    return await post(session, mirror)


async def balances(session: AsyncSession, account_id: UUID) -> Balances:
    """Sum an account's books."""
    rows = await _BALANCES.rows(session, account=account_id)
    return balances_of({row["book"]: row["total"] for row in rows})


async def drawer(session: AsyncSession, shift_id: UUID) -> int:
    """Return the cash that moved through a shift, đồng; the float is not in it."""
    query = (
        select(func.coalesce(func.sum(Posting.amount), 0))
        .join(Entry, Entry.id == Posting.entry_id)
        .where(Entry.shift_id == shift_id, Posting.book == "CASH")
    )
    return int(await session.scalar(query) or 0)
