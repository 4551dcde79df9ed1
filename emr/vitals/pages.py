"""The nurse's page before the exam (đo dấu hiệu sinh tồn): who waits, and the form."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, ServerSentEvent, Template
from msgspec import ValidationError, convert
from sqlalchemy.ext.asyncio import AsyncSession

from emr.episodes.service import look_at_visit, visit_header
from emr.patients.rules import birth_text
from emr.vitals.service import TakeVitals, take_vitals, to_measure, vitals_of_visit
from emr.words import SEX
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.live import stream
from kernel.problems import Problem, Refused
from kernel.services import Services
from kernel.staff.api import Actor, Role, needs
from kernel.web.forms import Form, form_id

FIELDS: dict[str, tuple[str, str, float, float]] = {
    "pulse": ("Mạch", "l/ph", 20, 250),
    "temperature": ("Nhiệt độ", "°C", 30, 44),
    "systolic": ("Huyết áp tối đa", "mmHg", 40, 300),
    "diastolic": ("Huyết áp tối thiểu", "mmHg", 20, 200),
    "respiration": ("Nhịp thở", "l/ph", 5, 100),
    "spo2": ("SpO₂", "%", 30, 100),
    "weight": ("Cân nặng", "kg", 0.3, 400),
    "height": ("Chiều cao", "cm", 20, 250),
}
_WHOLE = ("pulse", "systolic", "diastolic", "respiration", "spo2")


class BadFigures(Refused):
    """What was typed is no number, or outside what a person can have."""

    slug = "bad-figures"

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("Số đo chưa đúng.")
        self.errors = errors


def read_figures(form: Form) -> dict[str, float]:
    """Read the typed figures, "36,8" or "36.8". Raises BadFigures naming each field."""
    figures: dict[str, float] = {}
    errors: dict[str, str] = {}
    for name, (label, unit, least, most) in FIELDS.items():
        typed = form.get(name, "").strip().replace(",", ".")
        if not typed:
            continue
        try:
            value = int(typed) if name in _WHOLE else float(typed)
        except ValueError:
            errors[name] = f"{label} phải là số" + (" nguyên." if name in _WHOLE else ", ví dụ 36,8.")
            continue
        if least <= value <= most:
            figures[name] = value
        else:
            errors[name] = f"{label} ngoài khoảng {least:g}–{most:g} {unit}. Hãy đo lại hoặc gõ lại."
    if errors:
        raise BadFigures(errors)
    return figures


class TriagePages(Controller):
    path = "/triage"
    guards = [needs(Role.NURSE, Role.DOCTOR)]
    include_in_schema = False

    @get()
    async def waiting(self, session: NamedDependency[AsyncSession]) -> Template:
        """List who waits for a doctor, those nobody measured first."""
        rows = await to_measure(session, now=utc_now())
        return Template("emr/vitals/list.html", context={"rows": rows})

    @get("/rows")
    async def rows(self, session: NamedDependency[AsyncSession]) -> Template:
        """The table alone, for a page that was told it changed."""
        rows = await to_measure(session, now=utc_now())
        return Template("emr/vitals/_list.html", context={"rows": rows})

    @get("/live")
    async def live(self, services: NamedDependency[Services]) -> ServerSentEvent:
        """Tell the list when somebody was measured."""
        return stream(services.wake, "triage")

    @get("/{visit_id:uuid}")
    async def form(
        self, visit_id: FromPath[UUID], session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> Template:
        """The form of one person, with what was measured before."""
        await look_at_visit(session, visit_id, actor=actor, reason="Đo dấu hiệu sinh tồn")
        return await _page(session, visit_id, {"id": str(new_id())})

    @post("/{visit_id:uuid}")
    async def take(
        self,
        visit_id: FromPath[UUID],
        data: URLEncodedBody[Form],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Response[Any]:
        """Keep the figures and go back to the list."""
        try:
            given: dict[str, Any] = {
                "id": form_id(data),
                "visit_id": visit_id,
                "note": data.get("note", "")[:300],
            }
            command = convert(given | read_figures(data), TakeVitals)
            async with session.begin_nested():
                await take_vitals(session, command, actor=actor, now=utc_now())
        except BadFigures as refusal:
            return await _page(session, visit_id, data, refusal.errors)
        except ValidationError:
            return await _page(session, visit_id, data, {"pulse": "Số đo chưa đúng. Hãy xem lại từng ô."})
        except Problem as problem:
            return await _page(session, visit_id, data, {problem.field or "pulse": problem.detail})
        return Redirect("/triage", status_code=303)


async def _page(
    session: AsyncSession, visit_id: UUID, form: Form, errors: dict[str, str] | None = None
) -> Template:
    header = await visit_header(session, visit_id)
    context = {
        "header": header,
        "born": birth_text(header.birth_date, header.birth_precision),
        "sex": SEX[header.sex],
        "form": form,
        "errors": errors or {},
        "fields": FIELDS,
        "earlier": await vitals_of_visit(session, visit_id),
    }
    return Template("emr/vitals/form.html", context=context, status_code=422 if errors else 200)
