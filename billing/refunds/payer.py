"""Whose account a transfer came from, as the bank's notice tells: proposed where the money goes back."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.ledger.models import Entry
from billing.notices.models import Evidence, Notice
from billing.notices.rules import BadNotice
from billing.notices.service import event_of
from billing.receipts.models import Receipt
from billing.refunds.rules import same_holder
from billing.vietqr.banks import bank_name
from kernel.text import mask_name


class Payer(Struct, frozen=True):
    """The account a receipt's money came from."""

    receipt_id: UUID
    bank: str
    account: str
    holder: str
    """Empty where the gateway does not say."""

    def may_receive(self, name: str) -> bool:
        """Tell whether it may be proposed for this person: money goes to an account of their own."""
        return not self.holder or same_holder(self.holder, name)

    @property
    def masked_holder(self) -> str:
        return mask_name(self.holder)


async def payers_of_episode(session: AsyncSession, episode_id: UUID) -> Sequence[Payer]:
    """Return the accounts that paid, the last transfer first; read from the kept notices, stored nowhere else."""
    query = (
        select(Receipt.id, Notice.provider, Notice.raw)
        .join(Entry, Entry.id == Receipt.entry_id)
        .join(Evidence, Evidence.transaction_id == Entry.transaction_id)
        .join(Notice, Notice.id == Evidence.notice_id)
        .where(Receipt.episode_id == episode_id, Receipt.method == "TRANSFER")
        .order_by(Receipt.issued_at.desc())
    )
    rows = (await session.execute(query)).all()
    found = [_payer(row.id, row.provider, row.raw) for row in rows]
    return [payer for payer in found if payer is not None]


def _payer(receipt_id: UUID, provider: str, raw: bytes) -> Payer | None:
    try:
        event = event_of(provider, raw)
    except BadNotice:
        return None
    if not event.counterparty_account:
        return None
    bank = bank_name(event.counterparty_bank)
    return Payer(receipt_id, bank, event.counterparty_account, event.counterparty_name)
