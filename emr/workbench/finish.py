"""End a visit: complete its sheets, sign them, close the exam."""

from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import Outcome, UndoneOrders, VisitState, end_visit, get_visit
from emr.orders.rules import OrderState
from emr.orders.work import orders_of_visit
from emr.settings import EmrSettings
from emr.sheets.completion import complete_sheet, plan_completion
from emr.sheets.lists import orders_on_sheets
from emr.sheets.models import Sheet
from emr.sheets.rules import SheetState
from emr.sheets.service import InvalidSheet, open_sheet, sheets_of_visit
from emr.sheets.views import CompleteSheet, OpenSheet, SheetLine
from emr.workbench.desk import live_sheets, missing
from emr.workbench.rules import FORMS, NOTE, ORDER_SLIP, outcome_of, page_fields
from emr.workbench.signatures import Asked, Typed, sign_papers
from kernel.clock import Instant
from kernel.ids import new_id
from kernel.problems import Refused
from kernel.services import Services
from kernel.staff.api import Actor
from signing.api import owed_of

ENDINGS = {
    Outcome.HOME: "Người bệnh ra về, lượt khám kết thúc.",
    Outcome.ADMITTED: "Người bệnh nhập viện, lượt khám kết thúc.",
    Outcome.REFERRED: "Người bệnh chuyển cơ sở khác, lượt khám kết thúc.",
}


class NothingOrdered(Refused):
    slug = "nothing-ordered"


class Paper(Struct, frozen=True):
    """One document that is about to be signed; `kind` decides by which key."""

    title: str
    kind: str


class Ending(Struct, frozen=True):
    """What Ctrl+Enter is about to do."""

    errors: dict[str, str]
    papers: list[Paper]
    words: str
    undone: list[str]


class Finished(Struct, frozen=True):
    room: str
    number: str


async def what_is_missing(
    session: AsyncSession, visit_id: UUID, *, actor: Actor, now: Instant, settings: Any
) -> dict[str, str]:
    """Return everything that keeps the drafts of a visit from being completed, by field of the page.

    All drafts are asked before the first is locked. `settings` are the installation's.
    """
    found = dict(await missing(session, visit_id))
    for code, line in (await live_sheets(session, visit_id)).items():
        if line.state is not SheetState.DRAFT or code not in FORMS:
            continue
        try:
            command = CompleteSheet()
            await plan_completion(
                session, line.id, command, actor=actor, now=now, kernel=settings.kernel, settings=settings.emr
            )
        except InvalidSheet as refusal:
            found = page_fields(refusal.errors, code) | found
    return found


async def plan_ending(
    session: AsyncSession, visit_id: UUID, *, actor: Actor, now: Instant, settings: Any
) -> Ending:
    """Say what is missing, what will be signed and how the visit ends. Raises NoSuchVisit."""
    lines = await live_sheets(session, visit_id)
    orders = [o for o in await orders_of_visit(session, visit_id) if o.kind != "EXAM"]
    live = [o for o in orders if o.state is not OrderState.VOIDED]
    sheets = [*(lines[code] for code in FORMS if code in lines), *await slips_of(session, visit_id)]
    owed = await owed_of(session, actor, [line.document_id for line in sheets if line.document_id])
    papers = [
        Paper(line.title, line.form_code)
        for line in sheets
        if line.state is SheetState.DRAFT or line.document_id in owed
    ]
    if await _needs_slip(session, visit_id):
        papers.append(Paper("Phiếu chỉ định", ORDER_SLIP))
    outcome = (
        outcome_of((await session.get_one(Sheet, lines[NOTE].id)).data) if NOTE in lines else Outcome.HOME
    )
    return Ending(
        errors=await what_is_missing(session, visit_id, actor=actor, now=now, settings=settings),
        papers=papers,
        words=ENDINGS[outcome],
        undone=[o.service_name for o in live if o.state in (OrderState.HELD, OrderState.RELEASED)],
    )


def _unsigned(line: SheetLine) -> bool:
    return line.state in (SheetState.DRAFT, SheetState.COMPLETED)


async def finish_visit(
    services: Services, visit_id: UUID, typed: Typed, *, void_undone: bool, actor: Actor, now: Instant
) -> Finished | Asked:
    """Complete what is written, sign it all, end the visit. Tried again it goes on where it stopped.

    `Asked`: the doctor approves on the phone or token first; then it is tried again. Raises InvalidSheet,
    UndoneOrders, and what `sign_papers` raises.
    """
    settings: EmrSettings = services.settings.emr
    async with services.sessions.begin() as session:
        ending = await plan_ending(session, visit_id, actor=actor, now=now, settings=services.settings)
        _refuse(ending, void_undone=void_undone)
        await _add_order_slip(session, visit_id, actor=actor, now=now, settings=settings)
        lines = await live_sheets(session, visit_id)
        slips = await slips_of(session, visit_id)
    for line in [*(lines[code] for code in FORMS if code in lines), *slips]:
        if line.state is SheetState.DRAFT:
            await _complete(services, line, actor=actor, now=now)
    async with services.sessions.begin() as session:
        lines = await live_sheets(session, visit_id)
        outcome = outcome_of((await session.get_one(Sheet, lines[NOTE].id)).data)
        papers = [*(lines[code] for code in FORMS if code in lines), *await slips_of(session, visit_id)]
    asked = await sign_papers(services, papers, typed, actor=actor, now=now)
    if asked is not None:
        return asked
    async with services.sessions.begin() as session:
        visit = await get_visit(session, visit_id)
        if visit.state is VisitState.IN_PROGRESS:
            await end_visit(session, visit_id, outcome, actor=actor, now=now, void_undone=void_undone)
        number = f"{visit.ticket.number:03d}" if visit.ticket else ""
        return Finished(room=visit.room, number=number)


def _refuse(ending: Ending, *, void_undone: bool) -> None:
    """Raises InvalidSheet or UndoneOrders before anything is locked, rather than after the signature."""
    if ending.errors:
        raise InvalidSheet(ending.errors)
    if ending.undone and not void_undone:
        names = ", ".join(ending.undone[:3])
        raise UndoneOrders(
            f"Còn chỉ định chưa làm: {names}. Đánh dấu huỷ các chỉ định này, hoặc chờ kết quả."
        )


async def slips_of(session: AsyncSession, visit_id: UUID) -> list[SheetLine]:
    """Return the order slips of a visit that stand, the first first."""
    gone = (SheetState.CANCELLED, SheetState.SUPERSEDED)
    lines = await sheets_of_visit(session, visit_id)
    return [line for line in reversed(lines) if line.form_code == ORDER_SLIP and line.state not in gone]


async def _needs_slip(session: AsyncSession, visit_id: UUID) -> bool:
    """Tell whether an order stands on no slip, and no slip is being written."""
    slips = await slips_of(session, visit_id)
    if any(line.state is SheetState.DRAFT for line in slips):
        return False
    on_paper = await orders_on_sheets(session, [line.id for line in slips])
    orders = await orders_of_visit(session, visit_id)
    return any(
        order.id not in on_paper and order.kind != "EXAM" and order.state is not OrderState.VOIDED
        for order in orders
    )


async def _add_order_slip(
    session: AsyncSession, visit_id: UUID, *, actor: Actor, now: Instant, settings: EmrSettings
) -> None:
    """Begin the order slip (phiếu chỉ định) of orders no slip names yet."""
    if await _needs_slip(session, visit_id):
        command = OpenSheet(id=new_id(), visit_id=visit_id, form_code=ORDER_SLIP)
        await open_sheet(session, command, actor=actor, now=now, settings=settings)


async def write_order_slip(services: Services, visit_id: UUID, *, actor: Actor, now: Instant) -> UUID:
    """Put the orders no slip names on paper now, and return the document to sign: nobody waits for the visit's end.

    Raises NothingOrdered, InvalidSheet (no diagnosis yet), NotTheWriter, NotYourPatient.
    """
    settings: EmrSettings = services.settings.emr
    async with services.sessions.begin() as session:
        await _add_order_slip(session, visit_id, actor=actor, now=now, settings=settings)
        slips = await slips_of(session, visit_id)
    waiting = next((line for line in slips if line.state is SheetState.DRAFT), None)
    if waiting is not None:
        done = await complete_sheet(services, waiting.id, CompleteSheet(), actor=actor, now=now)
        assert done.document_id is not None, "a completed sheet has a document"
        return done.document_id
    unsigned = next((line for line in slips if line.document_id and _unsigned(line)), None)
    if unsigned is None or unsigned.document_id is None:
        raise NothingOrdered("Mọi chỉ định đã nằm trên phiếu đã ký.")
    return unsigned.document_id


async def _complete(services: Services, line: SheetLine, *, actor: Actor, now: Instant) -> None:
    """Raises InvalidSheet with the fields named as the page names them."""
    try:
        await complete_sheet(services, line.id, CompleteSheet(), actor=actor, now=now)
    except InvalidSheet as refusal:
        raise InvalidSheet(page_fields(refusal.errors, line.form_code)) from refusal
