"""/api/emergency-accesses."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from emr.care_teams.rules import MAY_BREAK
from emr.care_teams.service import (
    REVIEWERS,
    EmergencyView,
    Judge,
    OpenRecord,
    accesses_to_judge,
    judge_access,
    open_in_emergency,
)
from emr.settings import EmrSettings
from kernel.clock import utc_now
from kernel.refusals import act, refusals
from kernel.staff.api import Actor, needs


class EmergencyController(Controller):
    path = "/api/emergency-accesses"
    tags = ("access",)

    @post(
        operation_id="openRecordInEmergency",
        guards=[needs(*MAY_BREAK)],
        responses=refusals(401, 403, 404, 409),
    )
    async def open(
        self,
        data: JSONBody[OpenRecord],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        emr_settings: NamedDependency[EmrSettings],
    ) -> EmergencyView:
        """Open a person's record outside the care team, with a reason (mở khẩn)."""
        return await open_in_emergency(session, data, actor=actor, now=utc_now(), settings=emr_settings)

    @get(operation_id="listEmergencyAccesses", guards=[needs(*REVIEWERS)], responses=refusals(401, 403))
    async def waiting(self, session: NamedDependency[AsyncSession]) -> Sequence[EmergencyView]:
        """List what was opened in an emergency, what nobody judged yet first."""
        return await accesses_to_judge(session)

    @act("/{access_id:uuid}/judgement", "judgeEmergencyAccess", [needs(*REVIEWERS)])
    async def judge(
        self,
        access_id: FromPath[UUID],
        data: JSONBody[Judge],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> EmergencyView:
        """Say whether it was justified; a second person does."""
        return await judge_access(session, access_id, data, actor=actor, now=utc_now())
