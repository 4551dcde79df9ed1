"""/api/stays."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from emr.access import CLINICAL, DOCTORS
from emr.episodes.rules import Outcome
from emr.episodes.views import Admit, StayView
from emr.stays.service import StayLine, admit, discharge, get_stay, open_stays, place_in_bed
from kernel.audit.api import Action, Entry, record
from kernel.clock import utc_now
from kernel.refusals import act, reading, refusals
from kernel.staff.api import Actor


class PlaceInBed(Struct, frozen=True, forbid_unknown_fields=True):
    bed: str


class Discharge(Struct, frozen=True, forbid_unknown_fields=True):
    outcome: Outcome
    void_undone: bool = False
    """Void orders that nobody has begun; else they stand in the way."""


class StayController(Controller):
    path = "/api/stays"
    tags = ("stays",)

    @post(operation_id="admit", guards=DOCTORS, responses=refusals(401, 403, 404, 409))
    async def admit(
        self, data: JSONBody[Admit], session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> StayView:
        """Admit from an exam (nhập viện)."""
        return await admit(session, data, actor=actor, now=utc_now())

    @get(operation_id="listStays", guards=CLINICAL, responses=refusals(401, 403))
    async def read_all(
        self, session: NamedDependency[AsyncSession], department: FromQuery[str | None] = None
    ) -> Sequence[StayLine]:
        """List who is in the wards now."""
        return await open_stays(session, department=department)

    @reading("/{stay_id:uuid}", "getStay", CLINICAL)
    async def read(
        self, stay_id: FromPath[UUID], session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> StayView:
        """Read a stay."""
        stay = await get_stay(session, stay_id)
        await record(session, Entry(Action.VIEW, f"emr.stay:{stay_id}", stay.patient_id), actor)
        return stay

    @act("/{stay_id:uuid}/bed", "placeInBed", CLINICAL)
    async def bed(
        self,
        stay_id: FromPath[UUID],
        data: JSONBody[PlaceInBed],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> StayView:
        """Put a person in a bed (xếp giường)."""
        return await place_in_bed(session, stay_id, data.bed, actor=actor, now=utc_now())

    @act("/{stay_id:uuid}/discharge", "discharge", DOCTORS, 422)
    async def discharge(
        self,
        stay_id: FromPath[UUID],
        data: JSONBody[Discharge],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> StayView:
        """End a stay (ra viện)."""
        return await discharge(
            session, stay_id, data.outcome, actor=actor, now=utc_now(), void_undone=data.void_undone
        )
