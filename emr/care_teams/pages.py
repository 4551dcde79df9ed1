"""Open a record in an emergency, and the list where such openings are judged."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from msgspec import ValidationError, convert
from sqlalchemy.ext.asyncio import AsyncSession

from emr.care_teams.rules import MAY_BREAK
from emr.care_teams.service import (
    REVIEWERS,
    Judge,
    OpenRecord,
    accesses_to_judge,
    judge_access,
    open_in_emergency,
)
from emr.patients.service import get_patient
from emr.settings import EmrSettings
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.problems import Problem
from kernel.staff.api import Actor, needs, safe_next
from kernel.web.forms import Form


class EmergencyPages(Controller):
    path = "/emergency-access"
    include_in_schema = False

    @get("/{patient_id:uuid}", guards=[needs(*MAY_BREAK)])
    async def ask(
        self, patient_id: FromPath[UUID], session: NamedDependency[AsyncSession], then: FromQuery[str] = "/"
    ) -> Template:
        """Say what opening means, and ask why. The person is named by code only: nothing is open yet."""
        return await _page(session, patient_id, {"id": str(new_id()), "then": safe_next(then)})

    @post("/{patient_id:uuid}", guards=[needs(*MAY_BREAK)])
    async def open(
        self,
        patient_id: FromPath[UUID],
        data: URLEncodedBody[Form],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        emr_settings: NamedDependency[EmrSettings],
    ) -> Response[Any]:
        """Open the record and go to where the person came from."""
        try:
            given = {
                "id": data.get("id"),
                "patient_id": str(patient_id),
                "reason": data.get("reason", "").strip(),
            }
            command = convert(given, OpenRecord)
        except ValidationError:
            errors = {"reason": "Ghi lý do cụ thể, từ 10 ký tự: việc gì, vì sao phải xem ngay."}
            return await _page(session, patient_id, data, errors)
        await open_in_emergency(session, command, actor=actor, now=utc_now(), settings=emr_settings)
        return Redirect(safe_next(data.get("then", "/")), status_code=303)

    @get(guards=[needs(*REVIEWERS)])
    async def waiting(
        self, session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> Template:
        """List what was opened in an emergency."""
        context = {"rows": await accesses_to_judge(session), "me": actor.id, "refusal": None}
        return Template("emr/access/list.html", context=context)

    @post("/{access_id:uuid}/judgement", guards=[needs(*REVIEWERS)])
    async def judge(
        self,
        access_id: FromPath[UUID],
        data: URLEncodedBody[Form],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Response[Any]:
        """Say whether it was justified."""
        command = Judge(data.get("justified") == "yes", data.get("note", "")[:500])
        try:
            async with session.begin_nested():
                await judge_access(session, access_id, command, actor=actor, now=utc_now())
        except Problem as refusal:
            context = {"rows": await accesses_to_judge(session), "me": actor.id, "refusal": refusal}
            return Template("emr/access/list.html", context=context, status_code=422)
        return Redirect("/emergency-access", status_code=303)


async def _page(
    session: AsyncSession, patient_id: UUID, form: Form, errors: dict[str, str] | None = None
) -> Template:
    patient = await get_patient(session, patient_id)
    context = {"code": patient.code, "form": form, "errors": errors or {}}
    return Template("emr/access/open.html", context=context, status_code=422 if errors else 200)
