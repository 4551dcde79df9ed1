"""Check a card that was taken unseen: at the kiosk, or while the BHXH portal did not answer (NĐ 188/2025 Đ37-38)."""

from datetime import date, timedelta
from typing import Annotated, Any, cast
from uuid import UUID

from msgspec import Meta, Struct, to_builtins
from sqlalchemy import Table, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from emr.episodes.models import Visit
from emr.episodes.rules import Payer, VisitState
from emr.episodes.service import NoSuchVisit
from emr.episodes.views import CardCheck, VisitView
from emr.events import CardChecked
from emr.orders.models import Order
from emr.patients.models import Patient
from emr.visits.insurance import InvalidVisit, require_route, with_threshold
from emr.visits.service import get_visit
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant, local_day
from kernel.live import touch
from kernel.outbox.api import publish
from kernel.problems import Conflict
from kernel.staff.api import Actor

_VISITS = cast(Table, Visit.__table__)
CARD_TOPIC = "reception:cards"
KEPT_FOR = timedelta(days=7)
_PAGE = 100


class CheckCard(Struct, frozen=True, forbid_unknown_fields=True):
    """What the portal said, or that there is no valid card: then the person pays (viện phí), with the reason."""

    insurance: CardCheck | None = None
    reason: Annotated[str, Meta(max_length=500)] = ""


class CardToCheck(Struct, frozen=True):
    """A BHYT visit whose card nobody has looked up, or whose route nobody chose."""

    visit_id: UUID
    number: str
    name: str
    code: str
    room: str
    opened_at: Instant
    card_number: str
    why: str


class NotInsured(Conflict):
    slug = "visit-not-insured"


async def cards_to_check(session: AsyncSession, *, now: Instant) -> list[CardToCheck]:
    """Return the last week's BHYT visits that wait for a look-up, the oldest first."""
    route, down = Visit.insurance["route"].astext, Visit.insurance["portal_down"].astext
    query = (
        select(Visit, Patient.name, Patient.code)
        .join(Patient, Patient.id == Visit.patient_id)
        .where(
            Visit.payer == Payer.BHYT.value,
            Visit.state != VisitState.CANCELLED.value,
            Visit.opened_at > now - KEPT_FOR,
            or_(route == "", down != ""),
        )
        .order_by(Visit.opened_at)
        .limit(_PAGE)
    )
    return [_waiting(visit, name, code) for visit, name, code in await session.execute(query)]


def _waiting(visit: Visit, name: str, code: str) -> CardToCheck:
    card = visit.insurance or {}
    return CardToCheck(
        visit_id=visit.id,
        number=visit.number,
        name=name,
        code=code,
        room=visit.room_code,
        opened_at=visit.opened_at,
        card_number=card.get("card_number", ""),
        why=card.get("portal_down") or "Chưa chọn đến khám theo tuyến nào",
    )


async def check_card(
    session: AsyncSession, visit_id: UUID, command: CheckCard, *, actor: Actor, now: Instant
) -> VisitView:
    """Write down what the look-up said; the bill is computed again. Without a valid card the person pays.

    Raises NoSuchVisit, NotInsured, InvalidVisit naming the field: no route, a card out of date, no reason.
    """
    row = (await session.execute(select(_VISITS).where(_VISITS.c.id == visit_id).with_for_update())).first()
    if row is None:
        raise NoSuchVisit("Không có lượt khám này.")
    if row.payer != Payer.BHYT or row.state == VisitState.CANCELLED:
        raise NotInsured("Lượt khám này không phải đối tượng BHYT, hoặc đã hủy.")
    values = await _result(session, command, on=local_day(row.opened_at))
    await session.execute(update(_VISITS).where(_VISITS.c.id == visit_id).values(**values))
    orders = select(Order.id).where(Order.visit_id == visit_id)
    await publish(
        session,
        CardChecked(
            visit_id=visit_id,
            episode_id=row.episode_id,
            payer=values.get("payer", row.payer),
            order_ids=tuple(await session.scalars(orders)),
            at=now,
        ),
    )
    detail = {"part": "card", "payer": values.get("payer", row.payer)}
    entry = Entry(Action.CHANGE, f"emr.visit:{visit_id}", row.patient_id, command.reason or None, detail)
    await record(session, entry, actor)
    touch(session, CARD_TOPIC, {"visit_id": str(visit_id)})
    return await get_visit(session, visit_id)


async def _result(session: AsyncSession, command: CheckCard, *, on: date) -> dict[str, Any]:
    card = command.insurance
    if card is None:
        if len(command.reason.strip()) < 3:
            raise InvalidVisit(
                "Ghi lý do không dùng thẻ BHYT: hết hạn, sai số, người bệnh không có.", field="reason"
            )
        return {"payer": Payer.SELF_PAY.value}
    require_route(card)
    if card.valid_to is not None and card.valid_to < on:
        raise InvalidVisit("Thẻ BHYT đã hết hạn vào ngày khám. Chuyển sang viện phí.", field="insurance")
    return {"insurance": to_builtins(await with_threshold(session, card, on))}
