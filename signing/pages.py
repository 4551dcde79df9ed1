"""The pages of signing: what waits for me, one confirmation, results; refuse with a reason."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, ServerSentEvent, Template
from msgspec import ValidationError, convert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant, utc_now
from kernel.live import stream
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import COOKIE, Actor, Role, needs, signed_in
from signing.certificates.service import is_unlocked, unlock
from signing.documents.access import read_bytes
from signing.documents.debt import signature_debt
from signing.documents.service import INBOX_TOPIC, RefuseDocument, refuse_document
from signing.documents.views import DocumentView, inbox
from signing.rest import pdf_response
from signing.settings import SigningSettings
from signing.tasks.batch import SignState
from signing.tasks.service import sign_documents

Wire = Request[Any, Any, State]


class SigningPages(Controller):
    path = "/sign"
    guards = (signed_in,)
    include_in_schema = False

    @get()
    async def inbox(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        signed: FromQuery[int] = 0,
        refused: FromQuery[int] = 0,
    ) -> Template:
        """List what waits for me and show the oldest."""
        documents = await inbox(session, actor)
        chosen = documents[0] if documents else None
        return _inbox(documents, chosen, signed=signed, refused=refused)

    @get("/count")
    async def count(self, session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]) -> str:
        """How many wait, for the rail."""
        number = len(await inbox(session, actor))
        return str(number) if number else ""

    @get("/debt", guards=[needs(Role.HEAD, Role.DIRECTOR, Role.ADMIN)])
    async def debt(self, session: NamedDependency[AsyncSession]) -> Template:
        """Who owes signatures, the oldest first."""
        now = utc_now()
        context = {"debts": await signature_debt(session), "age": lambda since: age_of(since, now)}
        return Template("signing/debt.html", context=context)

    @get("/live")
    async def live(
        self, services: NamedDependency[Services], actor: NamedDependency[Actor]
    ) -> ServerSentEvent:
        return stream(services.wake, INBOX_TOPIC, f"{INBOX_TOPIC}:{actor.id}")

    @get("/{document_id:uuid}")
    async def one(
        self,
        document_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Template | Redirect:
        """Show one of them; a document that no longer waits leads back to the list."""
        documents = await inbox(session, actor)
        chosen = next((document for document in documents if document.id == document_id), None)
        return _inbox(documents, chosen) if chosen else Redirect("/sign", status_code=303)

    @get("/{document_id:uuid}/file.pdf")
    async def file(
        self,
        document_id: FromPath[UUID],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> Response[bytes]:
        """The exact bytes that would be signed."""
        document, data = await read_bytes(services, document_id, actor)
        return pdf_response(data, f"{document.code}.pdf")

    @get("/confirm")
    async def confirm(
        self,
        request: Wire,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        signing_settings: NamedDependency[SigningSettings],
        d: FromQuery[UUID | None] = None,
    ) -> Template:
        """Ask once, for one document or for all: what will be signed, and the PIN if the key is closed."""
        documents = await inbox(session, actor)
        picked = {d} if d else {document.id for document in documents}
        unlocked = await _unlocked(session, request, signing_settings)
        context = _confirm(documents, picked, unlocked, signing_settings)
        if request.headers.get("hx-request"):
            return Template("signing/_confirm.html", context=context)
        return Template("signing/confirm.html", context=context)

    @post()
    async def sign(
        self,
        request: Wire,
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
        signing_settings: NamedDependency[SigningSettings],
    ) -> Template | Redirect:
        """Sign what was confirmed; all well leads back to the list, else each result is told."""
        form = await request.form()
        picked = _ids(form.getall("document", []))
        pin, token, now = str(form.get("pin", "")), request.cookies.get(COOKIE, ""), utc_now()
        try:
            if pin and form.get("keep"):
                await unlock(services, pin, token, actor=actor, now=now)
                pin = ""
            results = await sign_documents(services, actor, picked, pin or None, now, token=token)
        except Problem as refused:
            async with services.sessions() as session:
                documents = await inbox(session, actor)
                unlocked = await _unlocked(session, request, signing_settings)
            context = _confirm(documents, set(picked), unlocked, signing_settings) | {"refusal": refused}
            return Template("signing/confirm.html", context=context, status_code=422)
        if all(result.state is SignState.SIGNED and not result.warning for result in results):
            return Redirect(f"/sign?signed={len(results)}", status_code=303)
        return Template("signing/results.html", context={"results": results, "SignState": SignState})

    @post("/{document_id:uuid}/refusal")
    async def refuse(
        self,
        document_id: FromPath[UUID],
        data: URLEncodedBody[dict[str, str]],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Template | Redirect:
        """Refuse with a reason; the document returns to its author."""
        reason = (data.get("reason") or "").strip()
        if data.get("why") and data["why"] != "khac":
            reason = f"{data['why']}. {reason}".strip().rstrip(".")
        try:
            command = convert({"document_id": document_id, "reason": reason}, RefuseDocument)
        except ValidationError:
            documents = await inbox(session, actor)
            chosen = next((document for document in documents if document.id == document_id), None)
            return _inbox(documents, chosen, error="Hãy chọn hoặc ghi lý do từ chối.", status=422)
        await refuse_document(session, command, actor=actor, now=utc_now())
        return Redirect("/sign?refused=1", status_code=303)


def _ids(values: list[Any]) -> list[UUID]:
    found = []
    for value in values:
        try:
            found.append(UUID(str(value)))
        except ValueError:
            continue
    return found


async def _unlocked(session: AsyncSession, request: Wire, settings: SigningSettings) -> bool:
    token = request.cookies.get(COOKIE, "")
    return await is_unlocked(session, token, idle_minutes=settings.idle_minutes, now=utc_now())


def _confirm(
    documents: list[DocumentView], picked: set[UUID], unlocked: bool, settings: SigningSettings
) -> dict[str, Any]:
    return {
        "documents": documents,
        "picked": picked,
        "unlocked": unlocked,
        "idle_minutes": settings.idle_minutes,
        "refusal": None,
    }


def _inbox(
    documents: list[DocumentView],
    chosen: DocumentView | None,
    *,
    signed: int = 0,
    refused: int = 0,
    error: str = "",
    status: int = 200,
) -> Template:
    now = utc_now()
    context = {
        "documents": documents,
        "waits": {document.id: waits(document, now) for document in documents},
        "chosen": chosen,
        "signed": signed,
        "refused": refused,
        "error": error,
    }
    return Template("signing/inbox.html", context=context, status_code=status)


def waits(document: DocumentView, now: Instant) -> str:
    """Say how long a document has waited for this signature."""
    slot = document.next_slot
    return age_of((slot and slot.open_since) or document.created_at, now)


def age_of(since: Instant, now: Instant) -> str:
    """Say how long something has waited: "chờ 3 giờ"."""
    minutes = int((now - since).total_seconds() // 60)
    if minutes < 1:
        return "vừa gửi"
    if minutes < 60:
        return f"chờ {minutes} phút"
    return f"chờ {minutes // 60} giờ" if minutes < 2880 else f"chờ {minutes // 1440} ngày"
