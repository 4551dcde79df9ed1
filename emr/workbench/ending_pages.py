"""The end of a visit: the papers as they will be signed, what is missing, the PIN."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template
from sqlalchemy.ext.asyncio import AsyncSession

from emr.sheets.completion import preview_sheet
from emr.sheets.rules import SheetState
from emr.sheets.service import InvalidSheet
from emr.workbench.desk import live_sheets
from emr.workbench.finish import finish_visit, plan_ending, what_is_missing
from emr.workbench.rules import FORMS
from kernel.clock import utc_now
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import Actor, Role, needs

AppRequest = Request[Any, Any, State]


class EndingPages(Controller):
    path = "/workbench/visits/{visit_id:uuid}"
    guards = (needs(Role.DOCTOR),)
    include_in_schema = False

    @get("/preview")
    async def preview(
        self,
        visit_id: FromPath[UUID],
        services: NamedDependency[Services],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Template:
        """Show the papers as they would be signed, or what they still lack."""
        lines = await live_sheets(session, visit_id)
        errors = await what_is_missing(
            session, visit_id, actor=actor, now=utc_now(), settings=services.settings
        )
        papers = [
            {"title": lines[code].title, "url": f"/workbench/visits/{visit_id}/papers/{code}"}
            for code in FORMS
            if code in lines and not (errors and lines[code].state is SheetState.DRAFT)
        ]
        return Template("emr/workbench/_preview.html", context={"papers": papers, "errors": errors})

    @get("/papers/{code:str}")
    async def paper(
        self,
        visit_id: FromPath[UUID],
        code: FromPath[str],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> Response[bytes]:
        """The very bytes: of a draft as rendered now, of a completed sheet as kept."""
        now = utc_now()
        async with services.sessions.begin() as session:
            line = (await live_sheets(session, visit_id)).get(code)
        if line is None:
            raise InvalidSheet({"note": "Chưa lập phiếu này."})
        pdf = await preview_sheet(services, line.id, actor=actor, now=now)
        headers = {"content-disposition": "inline", "cache-control": "no-store"}
        return Response(pdf, media_type="application/pdf", headers=headers)

    @get("/complete")
    async def ask(
        self,
        visit_id: FromPath[UUID],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> Template:
        """Ask for the PIN, or say what is missing."""
        return await ending_dialog(services, visit_id, actor)

    @post("/complete", status_code=200)
    async def complete(
        self,
        request: AppRequest,
        visit_id: FromPath[UUID],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> Response[Any]:
        """Sign and end; a refusal comes back into the dialog with what is still to do."""
        form = await request.form()
        try:
            done = await finish_visit(
                services,
                visit_id,
                str(form.get("pin", "")),
                void_undone=form.get("void_undone") == "1",
                actor=actor,
                now=utc_now(),
            )
        except Problem as problem:
            return await ending_dialog(services, visit_id, actor, refusal=problem)
        where = f"/workbench/rooms/{done.room}?finished={done.number}"
        return Response(b"", headers={"HX-Redirect": where}, media_type="text/html")


async def ending_dialog(
    services: Services, visit_id: UUID, actor: Actor, *, refusal: Problem | None = None
) -> Template:
    """Draw the dialog in a transaction of its own: a refusal has undone the other."""
    async with services.sessions() as session:
        ending = await plan_ending(session, visit_id, actor=actor, now=utc_now(), settings=services.settings)
    errors = refusal.errors if isinstance(refusal, InvalidSheet) else ending.errors
    context = {
        "visit_id": visit_id,
        "errors": errors,
        "titles": ending.titles,
        "ending": ending.words,
        "undone": ending.undone,
        "refusal": refusal.detail if refusal else "",
    }
    return Template("emr/workbench/_complete.html", context=context, status_code=422 if refusal else 200)
