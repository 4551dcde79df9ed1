"""/api/visits."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import Controller, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from emr.access import CLINICAL, DOCTORS, FRONT, LEADERS, READ
from emr.care_teams.service import require_care
from emr.episodes.rules import Outcome
from emr.episodes.service import look_at_visit
from emr.episodes.views import Credit, OpenVisit, VisitHeader, VisitView
from emr.orders.credit import grant_credit
from emr.orders.views import OrderView
from emr.orders.work import orders_of_visit
from emr.patients.service import open_chart
from emr.visits.cards import CardToCheck, CheckCard, cards_to_check, check_card
from emr.visits.service import cancel_visit, end_visit, get_visit, open_visit, patient_history, start_visit
from kernel.audit.api import Action, Entry, record
from kernel.clock import utc_now
from kernel.refusals import act, reading, refusals
from kernel.staff.api import Actor


class EndVisit(Struct, frozen=True, forbid_unknown_fields=True):
    outcome: Outcome
    void_undone: bool = False
    """Void orders nobody has begun instead of refusing."""


class CancelVisit(Struct, frozen=True, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(min_length=3, max_length=500)]


class VisitController(Controller):
    path = "/api/visits"
    tags = ("visits",)

    @post(operation_id="openVisit", guards=FRONT, responses=refusals(401, 403, 404, 409, 422))
    async def open(
        self, data: JSONBody[OpenVisit], session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> VisitView:
        """Open an exam visit (mở lượt khám): episode, exam order, ticket."""
        return await open_visit(session, data, actor=actor, now=utc_now())

    @reading("/{visit_id:uuid}", "getVisit", READ)
    async def read(
        self, visit_id: FromPath[UUID], session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> VisitView:
        """Read a visit with its ticket."""
        visit = await get_visit(session, visit_id)
        await record(session, Entry(Action.VIEW, f"emr.visit:{visit_id}", visit.patient_id), actor)
        return visit

    @reading("/{visit_id:uuid}/header", "getVisitHeader", READ)
    async def header(
        self, visit_id: FromPath[UUID], session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> VisitHeader:
        """Read what the patient banner shows."""
        return await look_at_visit(session, visit_id, actor=actor)

    @reading("/{visit_id:uuid}/orders", "listOrdersOfVisit", READ)
    async def orders(
        self, visit_id: FromPath[UUID], session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> Sequence[OrderView]:
        """List a visit's orders with their last results."""
        broken = await require_care(session, actor, visit_id, now=utc_now())
        emergency = {"emergency": str(broken)} if broken else {}
        await look_at_visit(session, visit_id, actor=actor, part="orders", **emergency)
        return await orders_of_visit(session, visit_id)

    @act("/{visit_id:uuid}/start", "startVisit", DOCTORS)
    async def start(
        self, visit_id: FromPath[UUID], session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> VisitView:
        """Begin the exam (bắt đầu khám)."""
        return await start_visit(session, visit_id, actor=actor, now=utc_now())

    @act("/{visit_id:uuid}/end", "endVisit", DOCTORS)
    async def end(
        self,
        visit_id: FromPath[UUID],
        data: JSONBody[EndVisit],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> VisitView:
        """End the exam (kết thúc khám)."""
        return await end_visit(
            session, visit_id, data.outcome, actor=actor, now=utc_now(), void_undone=data.void_undone
        )

    @act("/{visit_id:uuid}/cancellation", "cancelVisit", FRONT)
    async def cancel(
        self,
        visit_id: FromPath[UUID],
        data: JSONBody[CancelVisit],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> VisitView:
        """Cancel a visit nobody has begun (hủy lượt khám)."""
        return await cancel_visit(session, visit_id, data.reason, actor=actor, now=utc_now())

    @put(
        "/{visit_id:uuid}/card",
        operation_id="checkCard",
        guards=FRONT,
        responses=refusals(401, 403, 404, 409, 422),
    )
    async def check_card(
        self,
        visit_id: FromPath[UUID],
        data: JSONBody[CheckCard],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> VisitView:
        """Write down what the BHXH portal said of a card taken unseen (tra cứu thẻ)."""
        return await check_card(session, visit_id, data, actor=actor, now=utc_now())

    @get("/cards", operation_id="listCardsToCheck", guards=FRONT, responses=refusals(401, 403))
    async def cards(self, session: NamedDependency[AsyncSession]) -> Sequence[CardToCheck]:
        """List the BHYT visits whose card waits for a look-up."""
        return await cards_to_check(session, now=utc_now())


class HistoryController(Controller):
    path = "/api"
    tags = ("visits",)

    @reading("/patients/{patient_id:uuid}/visits", "listVisitsOfPatient", CLINICAL)
    async def history(
        self,
        patient_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Sequence[VisitView]:
        """List a person's visits, the latest first."""
        await open_chart(session, patient_id, actor=actor, reason="Lịch sử khám")
        return await patient_history(session, patient_id)

    @post(
        "/episodes/{episode_id:uuid}/credit",
        operation_id="grantCredit",
        guards=LEADERS,
        status_code=200,
        responses=refusals(401, 403, 404),
    )
    async def credit(
        self,
        episode_id: FromPath[UUID],
        data: JSONBody[Credit],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Sequence[UUID]:
        """Let an episode go on before payment (cho nợ); only the leader on duty. Returns the orders released."""
        return await grant_credit(session, episode_id, data, actor=actor, now=utc_now())
