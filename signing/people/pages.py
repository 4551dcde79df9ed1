"""Staff's pages of patients who sign: who has papers to sign, open a sitting, follow it, witness, take a scan."""

import re
from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import State as AppState
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, ServerSentEvent, Template
from markupsafe import Markup
from msgspec import ValidationError, convert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.live import stream
from kernel.paper.marks import qr
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import Actor, Role, needs
from signing.documents.access import note_view
from signing.documents.rules import SlotOwner
from signing.documents.service import PEOPLE_TOPIC
from signing.documents.views import get_document
from signing.people.absence import NewScan, attach_scan, statement_for, witness
from signing.people.offers import methods_of
from signing.people.opening import NotForThePatient, OpenSitting, open_sitting
from signing.people.phones import ask_proof, prove_phone
from signing.people.rules import (
    ABSENCE_WORDS,
    METHOD_WORDS,
    RELATIONS,
    STANDING_WORDS,
    STATE_WORDS,
    Kind,
    SignerKind,
    State,
)
from signing.people.sittings import cancel_sitting
from signing.people.views import SittingView, get_sitting, live_sittings, waiting_patients
from signing.rest import pdf_response
from signing.settings import SigningSettings

Wire = Request[Any, Any, AppState]
Form = URLEncodedBody[dict[str, str]]
BEDSIDE = needs(Role.DOCTOR, Role.NURSE, Role.RECEPTION, Role.HEAD, Role.DIRECTOR)
_FIELDS = (
    "signer_kind",
    "name",
    "number",
    "relation",
    "standing",
    "standing_note",
    "kind",
    "absence",
    "reason",
)
WORDS: dict[str, Any] = {
    "state_words": STATE_WORDS,
    "method_words": METHOD_WORDS,
    "absence_words": ABSENCE_WORDS,
    "standing_words": STANDING_WORDS,
    "relations": RELATIONS,
    "State": State,
    "Kind": Kind,
    "SignerKind": SignerKind,
}


class PeoplePages(Controller):
    path = "/consents"
    guards = (BEDSIDE,)
    include_in_schema = False

    @get()
    async def listing(
        self, session: NamedDependency[AsyncSession], patient: FromQuery[UUID | None] = None
    ) -> Template:
        """List patients with papers to sign, and the form that opens a sitting for one of them."""
        return await _listing(session, patient)

    @get("/live")
    async def live_list(self, services: NamedDependency[Services]) -> ServerSentEvent:
        return stream(services.wake, PEOPLE_TOPIC)

    @post(status_code=200)
    async def open(
        self, request: Wire, services: NamedDependency[Services], actor: NamedDependency[Actor]
    ) -> Template | Redirect:
        """Open a sitting; the link of a tablet is shown this once."""
        form = await request.form()
        data = {key: str(form.get(key, "")).strip() for key in form}
        patient = UUID(data["patient"]) if re.fullmatch(r"[0-9a-f-]{36}", data.get("patient", "")) else None
        try:
            command = _command(data, [str(value) for value in form.getall("document", [])])
            opened = await open_sitting(services, command, actor=actor, now=utc_now())
        except ValidationError:
            errors = [("document", "Chọn ít nhất một văn bản và điền đủ các ô bắt buộc.")]
        except Problem as refused:
            errors = [(refused.field or "", refused.detail)]
        else:
            if not opened.code:
                return Redirect(f"/consents/{opened.sitting.id}", status_code=303)
            base = services.settings.kernel.base_url.rstrip("/")
            link = f"{base}/tablet/{opened.code}"
            return await _sitting(services, opened.sitting, actor, link=link, code=opened.code)
        async with services.sessions() as session:
            return await _listing(session, patient, data=data, errors=errors, status=422)

    @get("/documents/{document_id:uuid}")
    async def paper(
        self, document_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
    ) -> Response[bytes]:
        """The exact bytes of a document whose turn is the patient's, to explain or to print."""
        async with services.sessions.begin() as session:
            document = await get_document(session, document_id)
            slot = document.next_slot
            if slot is None or slot.owner_kind is not SlotOwner.PATIENT:
                raise NotForThePatient("Văn bản này không chờ người bệnh ký.")
            await note_view(session, document, actor)
        return pdf_response(await services.objects.get(document.head_sha256), f"{document.code}.pdf")

    @get("/{sitting_id:uuid}")
    async def one(
        self, sitting_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
    ) -> Template:
        """Follow one sitting."""
        async with services.sessions() as session:
            view = await get_sitting(session, sitting_id)
        return await _sitting(services, view, actor)

    @get("/{sitting_id:uuid}/live")
    async def live(self, sitting_id: FromPath[UUID], services: NamedDependency[Services]) -> ServerSentEvent:
        return stream(services.wake, f"{PEOPLE_TOPIC}:{sitting_id}")

    @post("/{sitting_id:uuid}/cancellation")
    async def cancel(
        self,
        sitting_id: FromPath[UUID],
        data: Form,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Redirect:
        """End a sitting before anything was signed; the same papers may be opened again at once."""
        view = await cancel_sitting(session, sitting_id, data.get("reason", ""), actor=actor, now=utc_now())
        return Redirect(f"/consents?patient={view.patient_id}", status_code=303)

    @post("/{sitting_id:uuid}/phone")
    async def phone(
        self,
        sitting_id: FromPath[UUID],
        data: Form,
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> Template | Redirect:
        """Send a code to a phone, or take the code that was read out as proof."""

        async def act() -> SittingView:
            if data.get("code"):
                return await prove_phone(services, sitting_id, data["code"], actor=actor, now=utc_now())
            return await ask_proof(services, sitting_id, data.get("phone", ""), actor=actor, now=utc_now())

        return await _act(services, sitting_id, actor, act, asked_phone=data.get("phone", ""))

    @post("/{sitting_id:uuid}/witnesses")
    async def witnesses(
        self,
        sitting_id: FromPath[UUID],
        data: Form,
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> Template | Redirect:
        """Witness with the own key."""

        async def act() -> SittingView:
            return await witness(services, sitting_id, data.get("pin", ""), actor=actor, now=utc_now())

        return await _act(services, sitting_id, actor, act)

    @post("/{sitting_id:uuid}/scans")
    async def scan(
        self,
        sitting_id: FromPath[UUID],
        request: Wire,
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> Template | Redirect:
        """Take the scan of a paper with a fingerprint."""
        form = await request.form()
        file = form.get("scan")
        raw = await file.read() if isinstance(file, UploadFile) else b""
        values = {"document_id": str(form.get("document", "")), "paper_kept": str(form.get("paper_kept", ""))}

        async def act() -> SittingView:
            command = convert(values | {"data": raw}, NewScan)
            return await attach_scan(services, sitting_id, command, actor=actor, now=utc_now())

        return await _act(services, sitting_id, actor, act)


def _command(data: dict[str, str], documents: list[str]) -> OpenSitting:
    """Read the form. Raises ValidationError."""
    kind, signer = data.get("kind") or "TABLET", data.get("signer_kind") or "PATIENT"
    who: dict[str, Any] = {"kind": signer, "name": data.get("patient_name", "")}
    if signer == "REPRESENTATIVE":
        who |= {key: data.get(key, "") for key in ("name", "number", "relation", "standing_note")}
        who["standing"] = data.get("standing") or None
    absent = kind == "ABSENCE"
    values = {
        "id": data.get("id", ""),
        "documents": documents,
        "who": who,
        "kind": kind,
        "absence": (data.get("absence") or None) if absent else None,
        "reason": data.get("reason", "") if absent else "",
    }
    return convert(values, OpenSitting)


async def _listing(
    session: AsyncSession,
    patient: UUID | None,
    *,
    data: dict[str, str] | None = None,
    errors: list[tuple[str, str]] | None = None,
    status: int = 200,
) -> Template:
    waiting = await waiting_patients(session)
    chosen = next((person for person in waiting if person.patient_id == patient), None)
    if chosen is None and patient is None and waiting:
        chosen = waiting[0]
    context = WORDS | {
        "waiting": waiting,
        "chosen": chosen,
        "sittings": await live_sittings(session),
        "id": new_id(),
        "data": dict.fromkeys(_FIELDS, "") | (data or {}),
        "errors": errors or [],
    }
    return Template("signing/people/list.html", context=context, status_code=status)


async def _act(
    services: Services, sitting_id: UUID, actor: Actor, act: Any, *, asked_phone: str = ""
) -> Template | Redirect:
    """Do something to a sitting and lead back to it; a refusal is told on its page."""
    try:
        await act()
    except (Problem, ValidationError) as refused:
        async with services.sessions() as session:
            view = await get_sitting(session, sitting_id)
        words = refused.detail if isinstance(refused, Problem) else "Hãy điền đủ các ô."
        field = (refused.field or "") if isinstance(refused, Problem) else ""
        return await _sitting(services, view, actor, errors=[(field, words)], phone=asked_phone)
    suffix = "?sent=1" if asked_phone else ""
    return Redirect(f"/consents/{sitting_id}{suffix}", status_code=303)


async def _sitting(
    services: Services,
    view: SittingView,
    actor: Actor,
    *,
    link: str = "",
    code: str = "",
    errors: list[tuple[str, str]] | None = None,
    phone: str = "",
) -> Template:
    settings: SigningSettings = services.settings.signing
    context = WORDS | {
        "view": view,
        "link": link,
        "code": code,
        "qr": qr_svg(link) if link else "",
        "methods": methods_of(view, settings),
        "gateway": bool(settings.people_sms_url),
        "mine": any(one.staff_id == actor.id for one in view.witnesses),
        "statement": statement_for(view) if view.absence else "",
        "errors": errors or [],
        "phone": phone,
    }
    return Template("signing/people/sitting.html", context=context, status_code=422 if errors else 200)


def qr_svg(text: str) -> Markup:
    """Draw a QR code for a page, with its quiet zone."""
    side, operators = qr(text)
    path = "".join(
        f"M{x} {side - 1 - int(y)}h{length}v1h-{length}z"
        for x, y, length in re.findall(r"(\d+) (\d+) (\d+) 1 re", operators)
    )
    whole = side + 8
    return Markup('<svg viewBox="-4 -4 {0} {0}" shape-rendering="crispEdges"><path d="{1}"/></svg>').format(
        whole, path
    )
