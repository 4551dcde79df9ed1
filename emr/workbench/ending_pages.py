"""The end of a visit: the papers as they will be signed, what is missing, the PIN or the wait for phone and token."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template
from sqlalchemy.ext.asyncio import AsyncSession

from emr.sheets.completion import preview_sheet
from emr.sheets.rules import SheetState
from emr.sheets.service import InvalidSheet
from emr.workbench.desk import live_sheets, open_desk
from emr.workbench.finish import finish_visit, plan_ending, slips_of, what_is_missing
from emr.workbench.rules import FORMS
from emr.workbench.signatures import Asked, Typed
from kernel.audit.api import Action, Entry, record
from kernel.clock import utc_now
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import Actor, Role, needs
from signing.api import SittingNotFound, cancel_sitting, get_sitting, sitting_page, steps_of

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
        """Sign and end; a refusal comes back into the dialog with what is still to do.

        What a phone or token signs leads to its waiting page, and that page comes back here.
        """
        form = await request.form()
        typed = Typed(*(str(form.get(name, "")) for name in ("pin", "remote_pin", "otp")))
        void = form.get("void_undone") == "1"
        try:
            done = await finish_visit(services, visit_id, typed, void_undone=void, actor=actor, now=utc_now())
        except Problem as problem:
            if form.get("from") == "sitting":
                return _lead(request, f"/workbench/visits/{visit_id}?go_on=true")
            return await ending_dialog(services, visit_id, actor, refusal=problem)
        if isinstance(done, Asked):
            more = "?void_undone=true" if void else ""
            return _lead(request, f"{_waiting(visit_id, done.sitting_id)}{more}")
        return _lead(request, f"/workbench/rooms/{done.room}?finished={done.number}")


class WaitingPages(Controller):
    """While the doctor approves on the phone or signs with the token; then the visit ends by itself."""

    path = "/workbench/visits/{visit_id:uuid}/sittings/{sitting_id:uuid}"
    guards = (needs(Role.DOCTOR),)
    include_in_schema = False

    @get()
    async def wait(
        self,
        request: AppRequest,
        visit_id: FromPath[UUID],
        sitting_id: FromPath[UUID],
        services: NamedDependency[Services],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        void_undone: FromQuery[bool] = False,
    ) -> Template:
        """Say what is waited for; afterwards end the visit, or lead back to the desk."""
        sitting = await get_sitting(session, sitting_id, actor)
        sheets = [*(await live_sheets(session, visit_id)).values(), *await slips_of(session, visit_id)]
        papers = {line.document_id for line in sheets}
        if not any(item.document_id in papers for item in sitting.items):
            raise SittingNotFound("Phiên ký này không phải của lượt khám này.")
        page = await open_desk(session, visit_id, actor=actor, now=utc_now(), settings=services.settings.emr)
        if not request.headers.get("hx-request"):
            await record(session, Entry(Action.VIEW, f"emr.visit:{visit_id}", page.header.patient_id), actor)
        query = "?void_undone=true" if void_undone else ""
        more = {"page": page, "visit_id": visit_id, "void_undone": void_undone, "query": query}
        return sitting_page(
            sitting,
            services.settings.signing,
            here=_waiting(visit_id, sitting_id),
            template="emr/workbench/waiting.html",
            more=more,
        )

    @post("/cancellation")
    async def cancel(
        self,
        visit_id: FromPath[UUID],
        sitting_id: FromPath[UUID],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> Redirect:
        """Cancel: nothing is signed, the papers of the visit wait again."""
        await cancel_sitting(services, actor, sitting_id, utc_now())
        return Redirect(_waiting(visit_id, sitting_id), status_code=303)


def _waiting(visit_id: UUID, sitting_id: UUID) -> str:
    return f"/workbench/visits/{visit_id}/sittings/{sitting_id}"


def _lead(request: AppRequest, where: str) -> Response[Any]:
    """Send the browser on: htmx by its header, a plain form by a redirect."""
    if request.headers.get("hx-request"):
        return Response(b"", headers={"HX-Redirect": where}, media_type="text/html")
    return Redirect(where, status_code=303)


async def ending_dialog(
    services: Services, visit_id: UUID, actor: Actor, *, refusal: Problem | None = None
) -> Template:
    """Draw the dialog in a transaction of its own: a refusal has undone the other."""
    now = utc_now()
    async with services.sessions() as session:
        ending = await plan_ending(session, visit_id, actor=actor, now=now, settings=services.settings)
    steps = await steps_of(services, actor, [paper.kind for paper in ending.papers], now)
    field = refusal.field if refusal and refusal.field else "pin"
    asked = next((step for step in steps if not step.at_once), None)
    here = any(step.at_once for step in steps)
    if field == "pin" and not here:
        field = "remote_pin"
    errors = refusal.errors if isinstance(refusal, InvalidSheet) else ending.errors
    context = {
        "visit_id": visit_id,
        "errors": errors,
        "papers": ending.papers,
        "steps": [(step, [p.title for p in ending.papers if p.kind in step.kinds]) for step in steps],
        "here": here,
        "way": asked.way if asked else None,
        "first_kind": min(asked.kinds) if asked else "",
        "ending": ending.words,
        "undone": ending.undone,
        "refusal": refusal.detail if refusal else "",
        "refused_field": field,
    }
    return Template("emr/workbench/_complete.html", context=context, status_code=422 if refusal else 200)
