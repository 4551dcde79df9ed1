"""/api/visits/{id}/vitals."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from emr.access import CLINICAL
from emr.care_teams.service import require_care
from emr.episodes.service import look_at_visit
from emr.vitals.service import (
    TakeVitals,
    VitalsView,
    VoidVitals,
    take_vitals,
    vitals_of_visit,
    void_vitals,
)
from kernel.clock import utc_now
from kernel.refusals import act, reading, refusals
from kernel.staff.api import Actor, Role, needs

NURSES = (needs(Role.NURSE, Role.DOCTOR),)


class VitalsController(Controller):
    path = "/api/vitals"
    tags = ("visits",)

    @post(operation_id="takeVitals", guards=NURSES, responses=refusals(401, 403, 404, 409, 422))
    async def take(
        self,
        data: JSONBody[TakeVitals],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> VitalsView:
        """Keep one taking of dấu hiệu sinh tồn."""
        return await take_vitals(session, data, actor=actor, now=utc_now())

    @reading("/of-visit/{visit_id:uuid}", "listVitals", CLINICAL)
    async def of_visit(
        self, visit_id: FromPath[UUID], session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> Sequence[VitalsView]:
        """List the takings of a visit, the latest first."""
        await require_care(session, actor, visit_id, now=utc_now())
        await look_at_visit(session, visit_id, actor=actor, part="vitals")
        return await vitals_of_visit(session, visit_id)

    @act("/{vitals_id:uuid}/void", "voidVitals", NURSES, status_code=204)
    async def void(
        self,
        vitals_id: FromPath[UUID],
        data: JSONBody[VoidVitals],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> None:
        """Void a wrong taking, with the reason."""
        await void_vitals(session, vitals_id, data, actor=actor, now=utc_now())
