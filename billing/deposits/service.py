"""Move money that waits to be given back (nộp thừa chờ hoàn) to tạm ứng, when the person wants it kept."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.service import lock_account
from billing.ledger.rules import Book, EntryKind, sides
from billing.ledger.service import NewEntry, balances, post
from billing.requests.service import TILL_TOPIC
from billing.settings import BillingSettings
from billing.settlements.service import release_covered
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.live import touch
from kernel.money import PositiveVnd
from kernel.problems import Conflict
from kernel.staff.api import Actor

_DEFAULTS = BillingSettings()


class KeepExcess(Struct, frozen=True, forbid_unknown_fields=True):
    """The patient's choice, recorded by the cashier: keep this much as tạm ứng instead of taking it back."""

    episode_id: UUID
    amount: PositiveVnd
    reason: Annotated[str, Meta(min_length=3, max_length=300)]


class NotThatMuchExcess(Conflict):
    slug = "not-that-much-excess"


class EpisodeOver(Conflict):
    slug = "episode-over"


async def keep_excess_as_deposit(
    session: AsyncSession,
    command: KeepExcess,
    *,
    actor: Actor,
    now: Instant,
    settings: BillingSettings = _DEFAULTS,
) -> None:
    """Move excess to tạm ứng. Raises NoAccount, EpisodeOver once settled, NotThatMuchExcess."""
    account = await lock_account(session, command.episode_id)
    if account.state == "SETTLED":
        raise EpisodeOver("Đợt này đã quyết toán: tiền thừa chỉ còn hoàn trả, không chuyển thành tạm ứng.")
    if command.amount > (await balances(session, account.id)).excess:
        raise NotThatMuchExcess("Số tiền lớn hơn phần nộp thừa đang chờ hoàn.", field="amount")
    await post(
        session,
        NewEntry(
            kind=EntryKind.MOVE,
            sides=sides((Book.EXCESS, command.amount), (Book.DEPOSIT, -command.amount)),
            actor_id=actor.id,
            at=now,
            account_id=account.id,
            reason=command.reason,
        ),
    )
    await release_covered(session, account, now=now, settings=settings)
    detail = {"amount": command.amount}
    subject = f"billing.account:{account.id}"
    entry = Entry(Action.CHANGE, subject, account.patient_id, reason=command.reason, detail=detail)
    await record(session, entry, actor)
    touch(session, TILL_TOPIC, {"episode_id": str(command.episode_id)})
