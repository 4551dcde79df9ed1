"""The page of one visit and its drafts."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from sqlalchemy.ext.asyncio import AsyncSession

from emr.settings import EmrSettings
from emr.sheets.service import InvalidSheet, SheetLocked, StaleDraft
from emr.workbench.desk import keep_drafts, open_desk
from emr.workbench.queue import queue_panel
from emr.workbench.side import side_of
from kernel.audit.api import Action, Entry, record
from kernel.clock import utc_now
from kernel.staff.api import Actor, Role, needs

AppRequest = Request[Any, Any, State]


class DeskPages(Controller):
    path = "/workbench/visits/{visit_id:uuid}"
    guards = (needs(Role.DOCTOR),)
    include_in_schema = False

    @get()
    async def desk(
        self,
        visit_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        emr_settings: NamedDependency[EmrSettings],
        go_on: FromQuery[bool] = False,
    ) -> Template:
        """The visit and its drafts; `go_on` opens the dialog of signing at once, after a wait at phone or token."""
        now = utc_now()
        page = await open_desk(session, visit_id, actor=actor, now=now, settings=emr_settings)
        entry = Entry(Action.VIEW, f"emr.visit:{visit_id}", page.header.patient_id)
        await record(session, entry, actor)
        context = {
            "page": page,
            "queue": await queue_panel(session, page.header.room, now=now),
            "open_visit": str(visit_id),
            "go_on": go_on and page.phase == "signing",
            "side": await side_of(session, page.header.patient_id, visit_id),
        }
        return Template("emr/workbench/visit.html", context=context)

    @post("/draft", status_code=200)
    async def save(
        self,
        request: AppRequest,
        visit_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        emr_settings: NamedDependency[EmrSettings],
    ) -> Response[dict[str, Any]]:
        """Keep what is written; a conflict or a lock is told, nothing is overwritten."""
        form = await request.form()
        pairs = [(name, text) for name, text in form.multi_items() if isinstance(text, str)]
        try:
            async with session.begin_nested():
                saved = await keep_drafts(
                    session, visit_id, pairs, actor=actor, now=utc_now(), settings=emr_settings
                )
        except (StaleDraft, SheetLocked) as refusal:
            return Response({"detail": refusal.detail}, status_code=409)
        except InvalidSheet as refusal:
            return Response({"detail": refusal.detail, "errors": refusal.errors}, status_code=422)
        return Response(
            {"revisions": saved.revisions, "saved_at": saved.saved_at, "errors": saved.errors},
            status_code=200,
        )
