"""The pages of a sheet: entry from its form, the exact paper, the next version."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from msgspec import ValidationError, convert
from sqlalchemy.ext.asyncio import AsyncSession

from emr.settings import EmrSettings
from emr.sheets.check import Errors, Values, unflatten
from emr.sheets.completion import complete_sheet, paper_of_document, preview_sheet
from emr.sheets.rest import READERS, WRITERS
from emr.sheets.screen import pairs, sheet_page, typed_day, typed_moment, visit_context
from emr.sheets.service import (
    InvalidSheet,
    NoSuchSheet,
    SheetLocked,
    StaleDraft,
    amend_sheet,
    cancel_draft,
    form_of,
    get_sheet,
    open_sheet,
    read_sheet,
    save_draft,
)
from emr.sheets.views import AmendSheet, CompleteSheet, OpenSheet, SaveDraft, SheetView
from kernel.clock import local, utc_now
from kernel.ids import new_id
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import Actor

AppRequest = Request[Any, Any, State]
Fields = URLEncodedBody[dict[str, str]]


def pdf_response(data: bytes, name: str) -> Response[bytes]:
    """Answer with a PDF to be looked at in the page, never kept by the browser."""
    headers = {"content-disposition": f'inline; filename="{name}"', "cache-control": "private, no-store"}
    return Response(data, media_type="application/pdf", headers=headers)


async def _typed(request: AppRequest, sheet: SheetView) -> tuple[int, Values]:
    """Read a posted form: the revision the person saw, and the fields of the sheet."""
    form = await request.form()
    sent = [(name, text) for name, text in form.multi_items() if isinstance(text, str)]
    revision = next((text for name, text in sent if name == "revision"), "")
    data = unflatten(form_of(sheet), sheet.stage, sent)
    return int(revision) if revision.isdigit() else 0, data


def _template(page: Any, status: int = 200) -> Template:
    name = "emr/sheets/entry.html" if page.editable else "emr/sheets/locked.html"
    context = {"page": page, "pairs": pairs, "shown": typed_day, "typed_moment": typed_moment}
    return Template(name, context=context, status_code=status)


class SheetPages(Controller):
    path = "/sheets"
    guards = (READERS,)
    include_in_schema = False

    @post(guards=[WRITERS])
    async def open(
        self,
        data: Fields,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        emr_settings: NamedDependency[EmrSettings],
    ) -> Redirect:
        """Begin a sheet and go to it."""
        sent = {name: text for name, text in data.items() if name != "_csrf_token"}
        try:
            command = convert({"id": str(new_id())} | sent, OpenSheet)
        except ValidationError as error:
            raise NoSuchSheet("Thiếu lượt khám hoặc mẫu phiếu. Mở lại từ trang của lượt khám.") from error
        sheet = await open_sheet(session, command, actor=actor, now=utc_now(), settings=emr_settings)
        return Redirect(f"/sheets/{sheet.id}", status_code=303)

    @get()
    async def of_visit(
        self,
        visit_id: FromQuery[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        emr_settings: NamedDependency[EmrSettings],
    ) -> Template:
        """List a visit's sheets and the forms that may be begun."""
        context = await visit_context(session, visit_id, actor=actor, now=utc_now(), settings=emr_settings)
        return Template("emr/sheets/list.html", context=context)

    @get("/{sheet_id:uuid}")
    async def show(
        self,
        sheet_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Template:
        sheet = await read_sheet(session, sheet_id, actor=actor, now=utc_now())
        return _template(await sheet_page(session, sheet))

    @post("/{sheet_id:uuid}/draft", status_code=200, guards=[WRITERS])
    async def autosave(
        self,
        request: AppRequest,
        sheet_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Response[dict[str, Any]]:
        """Keep what is written; a conflict or a lock is told, nothing is overwritten."""
        now = utc_now()
        revision, data = await _typed(request, await get_sheet(session, sheet_id, now=now))
        try:
            async with session.begin_nested():
                saved = await save_draft(session, SaveDraft(sheet_id, revision, data), actor=actor, now=now)
        except (StaleDraft, SheetLocked) as refusal:
            return Response({"detail": refusal.detail}, status_code=409)
        except InvalidSheet as refusal:
            return Response({"detail": refusal.detail, "errors": refusal.errors}, status_code=422)
        told = {"revision": saved.revision, "saved_at": f"{local(now):%H:%M:%S}"}
        return Response(told, status_code=200)

    @post("/{sheet_id:uuid}", guards=[WRITERS])
    async def save(
        self,
        request: AppRequest,
        sheet_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Redirect | Template:
        """Save without JavaScript."""
        now = utc_now()
        sheet = await get_sheet(session, sheet_id, now=now)
        revision, data = await _typed(request, sheet)
        try:
            async with session.begin_nested():
                await save_draft(session, SaveDraft(sheet_id, revision, data), actor=actor, now=now)
        except (StaleDraft, InvalidSheet) as refusal:
            return await _refused(session, sheet, refusal, data)
        return Redirect(f"/sheets/{sheet_id}", status_code=303)

    @post("/{sheet_id:uuid}/completion", guards=[WRITERS])
    async def complete(
        self,
        request: AppRequest,
        sheet_id: FromPath[UUID],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> Redirect | Template:
        """Save what is on the page, complete it and go to sign it."""
        now = utc_now()
        async with services.sessions.begin() as session:
            sheet = await get_sheet(session, sheet_id, now=now)
        revision, data = await _typed(request, sheet)
        try:
            async with services.sessions.begin() as session:
                saved = await save_draft(session, SaveDraft(sheet_id, revision, data), actor=actor, now=now)
            done = await complete_sheet(
                services, sheet_id, CompleteSheet(saved.revision), actor=actor, now=now
            )
        except (StaleDraft, InvalidSheet) as refusal:
            async with services.sessions.begin() as session:
                return await _refused(session, await get_sheet(session, sheet_id, now=now), refusal, data)
        return Redirect(f"/sign/{done.document_id}", status_code=303)

    @post("/{sheet_id:uuid}/amendments", guards=[WRITERS])
    async def amend(
        self,
        data: Fields,
        sheet_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Redirect | Template:
        """Begin the next version."""
        now, reason = utc_now(), data.get("reason", "").strip()
        try:
            command = convert({"id": data.get("id"), "reason": reason}, AmendSheet)
        except ValidationError:
            sheet = await get_sheet(session, sheet_id, now=now)
            errors = {"reason": "Ghi lý do, từ 3 đến 500 ký tự."}
            page = await sheet_page(session, sheet, errors=errors, amend_reason=reason)
            return _template(page, 422)
        sheet = await amend_sheet(session, sheet_id, command, actor=actor, now=now)
        return Redirect(f"/sheets/{sheet.id}", status_code=303)

    @post("/{sheet_id:uuid}/cancellation", guards=[WRITERS])
    async def cancel(
        self,
        sheet_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Redirect:
        """Give up the draft."""
        await cancel_draft(session, sheet_id, actor=actor, now=utc_now())
        return Redirect(f"/sheets/{sheet_id}", status_code=303)

    @get("/{sheet_id:uuid}/preview")
    async def preview(
        self,
        sheet_id: FromPath[UUID],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> Response[bytes]:
        """Show the paper: of a draft as it would be, of a finished sheet the very bytes."""
        pdf = await preview_sheet(services, sheet_id, actor=actor, now=utc_now())
        return pdf_response(pdf, f"{sheet_id}.pdf")


async def _refused(session: AsyncSession, sheet: SheetView, refusal: Problem, typed: Values) -> Template:
    """Show the page again with what was typed and what is wrong with it."""
    errors: Errors = refusal.errors if isinstance(refusal, InvalidSheet) else {"revision": refusal.detail}
    title = "Chưa hoàn tất được, hãy sửa:" if isinstance(refusal, InvalidSheet) else "Chưa lưu được:"
    page = await sheet_page(session, sheet, errors=errors, error_title=title, data=typed)
    return _template(page, refusal.status)


class DocumentPages(Controller):
    path = "/documents"
    guards = (READERS,)
    include_in_schema = False

    @get("/{name:str}")
    async def document(
        self,
        name: FromPath[str],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
        print: FromQuery[bool] = False,  # the word in the address
    ) -> Response[bytes]:
        """Return a sheet's document as it stands, signatures included; looking and printing are recorded."""
        try:
            document_id = UUID(name.removesuffix(".pdf"))
        except ValueError:
            raise NoSuchSheet("Không có văn bản này.") from None
        pdf = await paper_of_document(services, document_id, actor=actor, now=utc_now(), printed=print)
        return pdf_response(pdf, f"{document_id}.pdf")
