"""Reception: scan or type, register if need be, open the visit, hand out the number."""

from typing import Any
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, ServerSentEvent, Template
from msgspec import to_builtins
from msgspec.structs import asdict
from sqlalchemy.ext.asyncio import AsyncSession

from emr.catalogs.service import list_ethnic_groups
from emr.episodes.rules import IdentifiedBy, Payer, proposed_priority
from emr.episodes.service import visit_header
from emr.patients.rules import citizen_id_warnings, needs_guardian
from emr.patients.scan import BadScan, CitizenCard, Scan, parse_scan
from emr.patients.search import find_by_scan, find_patients, lookalikes
from emr.patients.service import open_chart, register_patient
from emr.patients.views import PatientHit, PatientView, RegisterPatient
from emr.places.service import get_room
from emr.reception.desk import desk, exam_options
from emr.reception.forms import InvalidForm, Prefill, prefill, read_opening, read_registration
from emr.visits.cards import cards_to_check
from emr.visits.service import get_visit, open_visit, patient_history
from emr.words import IDENTIFIED_BY, PAYER, QUEUE_PRIORITY, ROUTE, SEX
from kernel.clock import Instant, format_day, local_day, utc_now
from kernel.ids import new_id
from kernel.live import stream
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import Actor, Role, needs

FormBody = URLEncodedBody[dict[str, str]]
Session = NamedDependency[AsyncSession]
Who = NamedDependency[Actor]
ROUTES = [("", "Chọn"), *((code, f"{code} · {name}") for code, name in ROUTE.items())]


class ReceptionPages(Controller):
    path = "/reception"
    guards = (needs(Role.RECEPTION, Role.NURSE),)
    include_in_schema = False

    @get()
    async def start(self, session: Session) -> Template:
        return await desk_page(session)

    @get("/live")
    async def live(self, services: NamedDependency[Services], session: Session) -> ServerSentEvent:
        rooms = [room.code for room in await desk(session, now=utc_now())]
        return stream(services.wake, *(f"queue:{code}" for code in rooms))

    @get("/rooms")
    async def rooms(self, session: Session) -> Template:
        """The list of rooms alone, for a page that was told it changed."""
        return Template("emr/reception/_rooms.html", context={"rooms": await desk(session, now=utc_now())})

    @post(status_code=200)
    async def look_up(self, data: FormBody, session: Session, actor: Who) -> Template:
        """Take a scan, a number or words of a name to the next step."""
        return await look_up(session, data.get("text", ""), actor=actor, now=utc_now())

    @get("/patients/new")
    async def blank(self, session: Session) -> Template:
        return await registration_page(session, {"id": str(new_id())})

    @post("/patients")
    async def register(self, data: FormBody, session: Session, actor: Who) -> Template | Redirect:
        """Open a chart and go on to the visit; a refusal shows the same form."""
        now = utc_now()
        try:
            command = read_registration(data)
            alike = [] if data.get("not_duplicate") else await _alike(session, command)
            if alike:
                return await registration_page(session, data, alike=alike)
            async with session.begin_nested():
                patient = await register_patient(session, command, actor=actor, now=now)
        except InvalidForm as refusal:
            return await registration_page(session, data, refusal.errors)
        except Problem as problem:
            return await registration_page(session, data, {problem.field or "name": problem.detail})
        by = data.get("identified_by", "")
        known = by if by in list(IdentifiedBy) else IdentifiedBy.MANUAL.value
        return Redirect(f"/reception/patients/{patient.id}?by={known}", status_code=303)

    @get("/patients/{patient_id:uuid}")
    async def visit_form(
        self, patient_id: FromPath[UUID], session: Session, actor: Who, by: FromQuery[str] = ""
    ) -> Template:
        patient = await open_chart(session, patient_id, actor=actor, reason="Tiếp đón")
        known = Prefill(identified_by=by if by in list(IdentifiedBy) else IdentifiedBy.MANUAL.value)
        return await opening_page(session, patient, known, now=utc_now())

    @post("/patients/{patient_id:uuid}/visits")
    async def open(
        self, patient_id: FromPath[UUID], data: FormBody, session: Session, actor: Who
    ) -> Template | Redirect:
        """Open the visit and show its number; a refusal shows the same form."""
        now = utc_now()
        errors: dict[str, str]
        try:
            command = read_opening(data, patient_id, now=now)
            async with session.begin_nested():
                visit = await open_visit(session, command, actor=actor, now=now)
        except InvalidForm as refusal:
            errors = refusal.errors
        except Problem as problem:
            errors = {_field_of(problem): problem.detail}
        else:
            return Redirect(f"/reception/visits/{visit.id}", status_code=303)
        patient = await open_chart(session, patient_id, actor=actor, reason="Tiếp đón")
        return await opening_page(session, patient, Prefill(), now=now, typed=data, errors=errors)

    @get("/visits/{visit_id:uuid}")
    async def opened(self, visit_id: FromPath[UUID], session: Session) -> Template:
        """The number that was given, and what the person does next."""
        return Template("emr/reception/opened.html", context=await _ticket(session, visit_id))

    @get("/visits/{visit_id:uuid}/ticket")
    async def ticket(self, visit_id: FromPath[UUID], session: Session) -> Template:
        """The slip, as the 80 mm printer takes it."""
        return Template("emr/reception/ticket.html", context=await _ticket(session, visit_id))


_FIELDS = {"insurance": "card_number", "guardian": "guardian_name", "room": "exam", "service_code": "exam"}


def _field_of(problem: Problem) -> str:
    """The field of the form that a field of the command was typed into."""
    return _FIELDS.get(problem.field or "", problem.field or "exam")


async def desk_page(
    session: AsyncSession, *, text: str = "", error: str = "", nobody: bool = False
) -> Template:
    now = utc_now()
    context = {
        "rooms": await desk(session, now=now),
        "cards": len(await cards_to_check(session, now=now)),
        "text": text,
        "error": error,
        "nobody": nobody,
    }
    return Template("emr/reception/desk.html", context=context, status_code=422 if error else 200)


async def look_up(session: AsyncSession, typed: str, *, actor: Actor, now: Instant) -> Template:
    """Show the visit form of the one who was found, a choice of several, or a registration."""
    scan: Scan | None = None
    try:
        if "|" in typed:
            scan = parse_scan(typed)
            hits = await find_by_scan(session, scan)
        else:
            hits = await find_patients(session, typed)
    except BadScan as refusal:
        return await desk_page(session, error=refusal.detail)
    known = prefill(scan) if scan else Prefill()
    if len(hits) == 1:
        patient = await open_chart(session, hits[0].id, actor=actor, reason="Tiếp đón")
        return await opening_page(session, patient, known, now=now)
    if hits:
        context = {"hits": hits, "text": "" if scan else typed, "sex": SEX}
        return Template("emr/reception/choose.html", context=context)
    if scan is None:
        return await desk_page(session, text=typed, nobody=True)
    form = asdict(known) | {"id": str(new_id())}
    return await registration_page(session, form, scan=scan)


async def registration_page(
    session: AsyncSession,
    form: dict[str, str],
    errors: dict[str, str] | None = None,
    *,
    scan: Scan | None = None,
    alike: list[PatientHit] | None = None,
) -> Template:
    warnings = []
    if isinstance(scan, CitizenCard):
        warnings = citizen_id_warnings(scan.citizen_id, sex=scan.sex, birth=scan.birth_date)
    ethnic = [(group.code, group.name) for group in await list_ethnic_groups(session)]
    context = {
        "form": {"id": str(new_id())} | form,
        "errors": errors or {},
        "warnings": warnings,
        "alike": alike or [],
        "sexes": list(SEX.items()),
        "sex": SEX,
        "ethnic": [("", "Chưa ghi"), *ethnic],
        "from_scan": scan is not None,
    }
    status = 422 if errors or alike else 200
    return Template("emr/reception/register.html", context=context, status_code=status)


async def _alike(session: AsyncSession, command: RegisterPatient) -> list[PatientHit]:
    """Charts that may be this person's, unless a retry of the same command."""
    found = await lookalikes(session, name=command.name, birth_date=command.birth_date)
    return [hit for hit in found if hit.id != command.id and not _told_apart(hit, command)]


def _told_apart(hit: PatientHit, command: RegisterPatient) -> bool:
    """Two different personal numbers are two people."""
    return bool(hit.citizen_id and command.citizen_id and hit.citizen_id != command.citizen_id)


async def opening_page(
    session: AsyncSession,
    patient: PatientView,
    known: Prefill,
    *,
    now: Instant,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Template:
    today = local_day(now)
    context: dict[str, Any] = {
        "patient": patient,
        "form": typed or await _proposed(session, patient, known, now=now),
        "errors": errors or {},
        "payers": list(PAYER.items()),
        "exams": await exam_options(session, now=now),
        "priorities": list(QUEUE_PRIORITY.items()),
        "methods": list(IDENTIFIED_BY.items()),
        "routes": ROUTES,
        "child": needs_guardian(patient.birth_date, today),
        "sex": SEX,
        "payer_words": PAYER,
    }
    return Template("emr/reception/open.html", context=context, status_code=422 if errors else 200)


async def _proposed(
    session: AsyncSession, patient: PatientView, known: Prefill, *, now: Instant
) -> dict[str, str]:
    """What the form starts with: the scan, else the last visit's card and guardian."""
    last = next(iter(await patient_history(session, patient.id, limit=1)), None)
    card = last.insurance if last else None
    guardian = to_builtins(last.guardian) if last and last.guardian else {}
    insured = patient.insurance_no or known.insurance_no
    form = {
        "id": str(new_id()),
        "payer": Payer.BHYT.value if insured else Payer.SELF_PAY.value,
        "priority": proposed_priority(patient.birth_date, local_day(now)).value,
        "identified_by": known.identified_by,
        "card_number": known.insurance_no or patient.insurance_no or "",
        "facility_code": known.facility_code or (card.facility_code if card else ""),
        "valid_from": known.valid_from or (format_day(card.valid_from) if card and card.valid_from else ""),
        "valid_to": known.valid_to or (format_day(card.valid_to) if card and card.valid_to else ""),
        "five_years_from": known.five_years_from,
        "benefit_level": card.benefit_level if card else "",
        "route": "",  # Chosen each time: it decides the benefit.
    }
    return form | {f"guardian_{key}": str(value) for key, value in guardian.items()}


async def _ticket(session: AsyncSession, visit_id: UUID) -> dict[str, Any]:
    visit = await get_visit(session, visit_id)
    return {
        "visit": visit,
        "header": await visit_header(session, visit_id),
        "room": await get_room(session, visit.room),
        "payer_words": PAYER,
        "sex": SEX,
    }
