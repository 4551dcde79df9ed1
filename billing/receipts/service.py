"""Write receipts and read them."""

from uuid import UUID

from msgspec import Struct
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.receipts.models import Receipt
from billing.receipts.views import Method, ReceiptKind, ReceiptView
from kernel.clock import Instant, local
from kernel.ids import new_id
from kernel.money import PositiveVnd, Vnd
from kernel.problems import NotFound
from kernel.statements import Statement

# One statement takes the number and writes the receipt: its lock on the book lasts until commit, so it comes last.
_ISSUE = Statement(
    text(
        """
    WITH book AS (
        INSERT INTO billing_book (code, year, next_number) VALUES (:book, :year, 2)
        ON CONFLICT (code, year) DO UPDATE SET next_number = billing_book.next_number + 1
        RETURNING next_number - 1 AS number
    )
    INSERT INTO billing_receipt (id, book, year, sequence, kind, method, account_id, episode_id, patient_id,
        request_id, entry_id, reference, title, amount, excess, cashier_name, issued_at)
    SELECT :id, :book, :year, number, :kind, :method, :account_id, :episode_id, :patient_id,
        :request_id, :entry_id, :reference, :title, :amount, :excess, :cashier_name, :issued_at FROM book
    RETURNING sequence
    """
    )
)


class NewReceipt(Struct, frozen=True, kw_only=True):
    """A receipt to issue for one posted entry."""

    book: str
    kind: ReceiptKind
    method: Method
    account_id: UUID
    episode_id: UUID
    patient_id: UUID
    entry_id: UUID
    title: str
    amount: PositiveVnd
    issued_at: Instant
    excess: Vnd = 0
    request_id: UUID | None = None
    reference: str = ""
    cashier_name: str = ""


class NoSuchReceipt(NotFound):
    slug = "no-such-receipt"


def receipt_number(book: str, year: int, sequence: int) -> str:
    """Return a number as printed: book, two digits of the year, six digits."""
    return f"{book}-{year % 100:02d}-{sequence:06d}"


async def issue(session: AsyncSession, receipt: NewReceipt) -> UUID:
    """Issue a receipt with the next number of its book and return its id. Call it last in the transaction."""
    values = {name: getattr(receipt, name) for name in receipt.__struct_fields__}
    receipt_id = new_id()
    await _ISSUE.rows(session, **values, id=receipt_id, year=local(receipt.issued_at).year)
    return receipt_id


def _view(row: Receipt) -> ReceiptView:
    return ReceiptView(
        id=row.id,
        number=receipt_number(row.book, row.year, row.sequence),
        book=row.book,
        sequence=row.sequence,
        kind=ReceiptKind(row.kind),
        method=Method(row.method),
        episode_id=row.episode_id,
        patient_id=row.patient_id,
        request_id=row.request_id,
        reference=row.reference,
        title=row.title,
        amount=row.amount,
        excess=row.excess,
        issued_at=row.issued_at,
        cashier_name=row.cashier_name,
    )


async def get_receipt(session: AsyncSession, receipt_id: UUID) -> ReceiptView:
    """Return a receipt. Raises NoSuchReceipt."""
    row = await session.get(Receipt, receipt_id)
    if row is None:
        raise NoSuchReceipt("Không có phiếu thu này.")
    return _view(row)


async def receipts_of_patient(
    session: AsyncSession, patient_id: UUID, *, limit: int = 100
) -> list[ReceiptView]:
    """Return a person's receipts, newest first."""
    query = (
        select(Receipt)
        .where(Receipt.patient_id == patient_id)
        .order_by(Receipt.issued_at.desc())
        .limit(limit)
    )
    return [_view(row) for row in await session.scalars(query)]


async def receipts_of_episode(session: AsyncSession, episode_id: UUID) -> list[ReceiptView]:
    """Return the receipts of one đợt khám chữa bệnh, oldest first."""
    query = (
        select(Receipt).where(Receipt.episode_id == episode_id).order_by(Receipt.issued_at, Receipt.sequence)
    )
    return [_view(row) for row in await session.scalars(query)]


async def receipts_of_request(session: AsyncSession, request_id: UUID) -> list[ReceiptView]:
    """Return the receipts that money for a request was given, oldest first."""
    query = (
        select(Receipt).where(Receipt.request_id == request_id).order_by(Receipt.issued_at, Receipt.sequence)
    )
    return [_view(row) for row in await session.scalars(query)]
