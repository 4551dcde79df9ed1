"""The pages of signing: what waits for me, one confirmation, results; refuse with a reason."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import FormMultiDict, State
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, ServerSentEvent, Template
from msgspec import Struct, ValidationError, convert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant, utc_now
from kernel.live import stream
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import COOKIE, Actor, StaffView, signed_in
from signing.certificates.rules import days_left
from signing.certificates.unlocked import is_unlocked
from signing.certificates.watch import NoticeView, notices_of
from signing.documents.access import read_bytes
from signing.documents.ages import age_of
from signing.documents.service import INBOX_TOPIC, RefuseDocument, refuse_document
from signing.documents.views import DocumentView, inbox
from signing.key_kinds import KeyKind
from signing.remote.service import start_remote
from signing.remote.ways import way_of
from signing.rest import pdf_response
from signing.settings import SigningSettings
from signing.tasks.batch import SignState
from signing.tasks.behalf import inbox_for_others
from signing.tasks.handover import may_hand_over, who_may_take
from signing.tasks.reminders import Reminded, reminders_for
from signing.tasks.rules import Mandate
from signing.tasks.seal import seals_to_release
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
        signing_settings: NamedDependency[SigningSettings],
        signed: FromQuery[int] = 0,
        refused: FromQuery[int] = 0,
        handed: FromQuery[int] = 0,
    ) -> Template:
        """List what waits for me and show the oldest."""
        work = await _work(session, actor, signing_settings)
        chosen = work.documents[0] if work.documents else None
        takers = await _takers(session, chosen, actor)
        notices = await notices_of(session, actor.id)
        return _inbox(
            work, chosen, takers=takers, signed=signed, refused=refused, handed=handed, notices=notices
        )

    @get("/count")
    async def count(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        signing_settings: NamedDependency[SigningSettings],
    ) -> str:
        """How many wait, for the rail."""
        number = len((await _work(session, actor, signing_settings)).documents)
        return str(number) if number else ""

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
        signing_settings: NamedDependency[SigningSettings],
    ) -> Template | Redirect:
        """Show one of them; a document that no longer waits leads back to the list."""
        work = await _work(session, actor, signing_settings)
        chosen = work.find(document_id)
        if chosen is None:
            return Redirect("/sign", status_code=303)
        return _inbox(work, chosen, takers=await _takers(session, chosen, actor))

    @get("/{document_id:uuid}/file.pdf")
    async def file(
        self,
        document_id: FromPath[UUID],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> Response[bytes]:
        """The exact bytes that would be signed."""
        document, data = await read_bytes(services, document_id, actor, now=utc_now())
        return pdf_response(data, f"{document.code}.pdf")

    @get("/confirm")
    async def confirm(
        self,
        request: Wire,
        services: NamedDependency[Services],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        signing_settings: NamedDependency[SigningSettings],
        d: FromQuery[list[UUID] | None] = None,
    ) -> Template:
        """Ask once, for some documents or for all: what will be signed, and the PIN if the key is closed."""
        work = await _work(session, actor, signing_settings)
        picked = set(d) if d else {document.id for document in work.own}
        documents = [document for document in work.documents if not d or document.id in picked]
        unlocked = await _unlocked(session, request, signing_settings)
        way = await way_of(services, actor, [document.id for document in documents], utc_now())
        unlocked = unlocked and (way is None or way.kind is KeyKind.PKCS12)
        context = _confirm(documents, work, picked, unlocked, signing_settings) | {"way": way}
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
        picked = picked_documents(form)
        pin, token, now = str(form.get("pin", "")), request.cookies.get(COOKIE, ""), utc_now()
        way = await way_of(services, actor, picked, now)
        try:
            if way is not None and not way.at_once:
                otp = str(form.get("otp", ""))
                sitting = await start_remote(services, actor, picked, now, pin=pin, otp=otp)
                return Redirect(f"/sign/remote/{sitting.id}", status_code=303)
            keep = bool(form.get("keep"))
            results = await sign_documents(services, actor, picked, pin or None, now, token=token, keep=keep)
        except Problem as refused:
            async with services.sessions() as session:
                work = await _work(session, actor, signing_settings)
                documents = [document for document in work.documents if document.id in picked]
                unlocked = await _unlocked(session, request, signing_settings)
            unlocked = unlocked and (way is None or way.kind is KeyKind.PKCS12)
            context = _confirm(documents, work, set(picked), unlocked, signing_settings) | {
                "refusal": refused,
                "way": way,
            }
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
        signing_settings: NamedDependency[SigningSettings],
    ) -> Template | Redirect:
        """Refuse with a reason; the document returns to its author."""
        reason = (data.get("reason") or "").strip()
        if data.get("why") and data["why"] != "khac":
            reason = f"{data['why']}. {reason}".strip().rstrip(".")
        try:
            command = convert({"document_id": document_id, "reason": reason}, RefuseDocument)
        except ValidationError:
            work = await _work(session, actor, signing_settings)
            return _inbox(work, work.find(document_id), error="Hãy chọn hoặc ghi lý do từ chối.", status=422)
        await refuse_document(session, command, actor=actor, now=utc_now())
        return Redirect("/sign?refused=1", status_code=303)


class Work(Struct, frozen=True):
    """What a person finds at their desk: own debts, those of posts they stand in for, reminders, seals to release."""

    own: list[DocumentView]
    behalf: dict[UUID, Mandate]
    documents: list[DocumentView]
    reminded: dict[UUID, Reminded]
    seals: int

    @property
    def ids(self) -> set[UUID]:
        return {document.id for document in self.documents}

    def find(self, document_id: UUID) -> DocumentView | None:
        return next((document for document in self.documents if document.id == document_id), None)


async def _work(session: AsyncSession, actor: Actor, settings: SigningSettings) -> Work:
    now = utc_now()
    own = await inbox(session, actor)
    others = await inbox_for_others(session, actor, now=now)
    seals = await seals_to_release(session, actor, settings=settings, now=now)
    return Work(
        own=own,
        behalf={view.id: mandate for view, mandate in others},
        documents=[*own, *(view for view, _ in others)],
        reminded={one.document_id: one for one in await reminders_for(session, actor)},
        seals=len(seals),
    )


async def _takers(session: AsyncSession, chosen: DocumentView | None, actor: Actor) -> list[StaffView]:
    """People whom the chosen document may be handed to."""
    if chosen is None or chosen.next_slot is None or not may_hand_over(chosen, actor):
        return []
    return await who_may_take(session, chosen.next_slot)


def picked_documents(form: FormMultiDict) -> list[UUID]:
    """Return the documents that are ticked in a form; what is no document's number is left out."""
    found = []
    for value in form.getall("document", []):
        try:
            found.append(UUID(str(value)))
        except ValueError:
            continue
    return found


async def _unlocked(session: AsyncSession, request: Wire, settings: SigningSettings) -> bool:
    token = request.cookies.get(COOKIE, "")
    return await is_unlocked(session, token, idle_minutes=settings.idle_minutes, now=utc_now())


def _confirm(
    documents: list[DocumentView], work: Work, picked: set[UUID], unlocked: bool, settings: SigningSettings
) -> dict[str, Any]:
    return {
        "documents": documents,
        "behalf": work.behalf,
        "picked": picked,
        "unlocked": unlocked,
        "idle_minutes": settings.idle_minutes,
        "refusal": None,
    }


def _inbox(
    work: Work,
    chosen: DocumentView | None,
    *,
    signed: int = 0,
    refused: int = 0,
    handed: int = 0,
    error: str = "",
    takers: list[StaffView] | None = None,
    notices: list[NoticeView] | None = None,
    status: int = 200,
) -> Template:
    now = utc_now()
    context = {
        "documents": work.documents,
        "own": work.own,
        "behalf": work.behalf,
        "reminded": work.reminded,
        "late": [one for one in work.reminded.values() if one.document_id not in work.ids],
        "seals": work.seals,
        "waits": {document.id: waits(document, now) for document in work.documents},
        "chosen": chosen,
        "signed": signed,
        "refused": refused,
        "handed": handed,
        "error": error,
        "takers": [(str(person.id), f"{person.title} {person.name}".strip()) for person in takers or []],
        "age": lambda since: age_of(since, now),
        "notices": notices or [],
        "left": lambda view: days_left(view.not_after, now),
        "seen_url": "/sign/certificates/notices/",
    }
    return Template("signing/inbox.html", context=context, status_code=status)


def waits(document: DocumentView, now: Instant) -> str:
    """Say how long a document has waited for this signature."""
    slot = document.next_slot
    return age_of((slot and slot.open_since) or document.created_at, now)
