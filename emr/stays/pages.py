"""The wards: who lies where, admission, beds, discharge."""

from typing import Any
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, ServerSentEvent, Template
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.access import CLINICAL, DOCTORS
from emr.episodes.models import Visit
from emr.episodes.rules import Outcome
from emr.episodes.service import NoSuchVisit
from emr.episodes.views import Admit
from emr.places.models import Bed
from emr.places.service import get_department, list_departments
from emr.stays.service import admit, beds_of, discharge, open_stays, place_in_bed
from emr.words import OUTCOME, SEX
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.live import stream
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import Actor, Role

FormBody = URLEncodedBody[dict[str, str]]
Session = NamedDependency[AsyncSession]
Who = NamedDependency[Actor]


class StayPages(Controller):
    path = "/stays"
    guards = CLINICAL
    include_in_schema = False

    @get()
    async def wards(self, session: Session, actor: Who) -> Redirect:
        """Go to the person's own ward, else to the first one that has beds."""
        wards = await _wards(session)
        mine = actor.department if actor.department in wards else wards[0] if wards else ""
        return Redirect(f"/stays/wards/{mine}" if mine else "/patients", status_code=303)

    @get("/wards/{department:str}")
    async def ward(self, department: FromPath[str], session: Session, actor: Who) -> Template:
        return await ward_page(session, department, actor)

    @get("/wards/{department:str}/live")
    async def live(self, department: FromPath[str], services: NamedDependency[Services]) -> ServerSentEvent:
        return stream(services.wake, f"beds:{department}")

    @post("/wards/{department:str}", guards=DOCTORS)
    async def admit(
        self, department: FromPath[str], data: FormBody, session: Session, actor: Who
    ) -> Template | Redirect:
        """Admit from an exam, by the number on its slip."""
        number = data.get("visit_number", "").strip().upper()
        try:
            visit_id = await session.scalar(select(Visit.id).where(Visit.number == number))
            if visit_id is None:
                raise NoSuchVisit("Không có lượt khám mang số này.")
            command = Admit(
                id=UUID(data.get("id", "")),
                visit_id=visit_id,
                department=department,
                reason=data.get("reason", "")[:500],
                diagnosis_code=data.get("diagnosis_code", ""),
                bed=data.get("bed") or None,
            )
            async with session.begin_nested():
                await admit(session, command, actor=actor, now=utc_now())
        except Problem as problem:
            field = "bed" if problem.field == "bed" else "visit_number"
            return await ward_page(session, department, actor, {field: problem.detail}, typed=data)
        return Redirect(f"/stays/wards/{department}", status_code=303)

    @post("/{stay_id:uuid}/bed")
    async def bed(
        self, stay_id: FromPath[UUID], data: FormBody, session: Session, actor: Who
    ) -> Template | Redirect:
        department = data.get("department", "")
        try:
            async with session.begin_nested():
                await place_in_bed(session, stay_id, data.get("bed", ""), actor=actor, now=utc_now())
        except Problem as problem:
            return await ward_page(session, department, actor, {f"bed-{stay_id}": problem.detail})
        return Redirect(f"/stays/wards/{department}", status_code=303)

    @post("/{stay_id:uuid}/discharge", guards=DOCTORS)
    async def discharge(
        self, stay_id: FromPath[UUID], data: FormBody, session: Session, actor: Who
    ) -> Template | Redirect:
        department, outcome = data.get("department", ""), data.get("outcome", "")
        known = outcome if outcome in list(Outcome) else Outcome.ADMITTED.value
        try:
            async with session.begin_nested():
                void = data.get("void_undone") == "1"
                await discharge(
                    session, stay_id, Outcome(known), actor=actor, now=utc_now(), void_undone=void
                )
        except Problem as problem:
            return await ward_page(session, department, actor, {f"outcome-{stay_id}": problem.detail})
        return Redirect(f"/stays/wards/{department}", status_code=303)


async def _wards(session: AsyncSession) -> list[str]:
    return list(await session.scalars(select(Bed.department_code).distinct().order_by(Bed.department_code)))


async def ward_page(
    session: AsyncSession,
    department: str,
    actor: Actor,
    errors: dict[str, str] | None = None,
    *,
    typed: dict[str, str] | None = None,
) -> Template:
    beds = await beds_of(session, department)
    names = {one.code: one.name for one in await list_departments(session)}
    outcomes = [(one.value, words) for one, words in OUTCOME.items() if one is not Outcome.ADMITTED]
    context: dict[str, Any] = {
        "department": await get_department(session, department),
        "wards": [(code, names.get(code, code)) for code in await _wards(session)],
        "lines": await open_stays(session, department=department),
        "beds": beds,
        "free": [(bed.code, bed.code) for bed in beds if bed.stay_id is None],
        "outcomes": [("", "Chọn"), *outcomes],
        "errors": errors or {},
        "form": typed or {"id": str(new_id())},
        "sex": SEX,
        "doctor": actor.has(Role.DOCTOR, Role.HEAD),
    }
    return Template("emr/stays/ward.html", context=context, status_code=422 if errors else 200)
