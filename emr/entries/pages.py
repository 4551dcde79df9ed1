"""The treatment sheet of a stay: write an entry, sign many by one approval, assemble."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy.ext.asyncio import AsyncSession

from emr.access import CLINICAL, DOCTORS
from emr.entries.service import WriteEntry, assemble, assemblies_of, assembly_file, entries_of, write_entry
from emr.patients.service import get_patient
from emr.settings import EmrSettings
from emr.sheets.rules import STATE_WORDS, SheetState
from emr.sheets.service import InvalidSheet
from emr.stays.service import get_stay
from kernel.clock import format_instant, local, utc_now
from kernel.ids import new_id
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import Actor, Role

FormBody = URLEncodedBody[dict[str, str]]
Session = NamedDependency[AsyncSession]
Who = NamedDependency[Actor]
FIELDS = ("thoi_gian", "chan_doan", "chan_doan_phan_biet", "s", "o", "a", "p", "chi_dinh")


class EntryPages(Controller):
    path = "/stays/{stay_id:uuid}/entries"
    guards = CLINICAL
    include_in_schema = False

    @get()
    async def entries(
        self,
        stay_id: FromPath[UUID],
        services: NamedDependency[Services],
        actor: Who,
        written: FromQuery[int] = 0,
        assembled: FromQuery[int] = 0,
    ) -> Template:
        done = "Đã ghi. Diễn biến chờ bạn ký." if written else ""
        done = "Đã lập tờ điều trị, chờ dấu của cơ sở." if assembled else done
        return await _page(services, stay_id, actor, done=done)

    @post(guards=DOCTORS)
    async def write(
        self,
        stay_id: FromPath[UUID],
        data: FormBody,
        services: NamedDependency[Services],
        actor: Who,
        emr_settings: NamedDependency[EmrSettings],
    ) -> Template | Redirect:
        """Write one entry and finish it."""
        values = {key: data[key] for key in FIELDS if data.get(key, "").strip()}
        try:
            command = WriteEntry(UUID(data.get("id", "")), stay_id, values)
            await write_entry(services, command, actor=actor, now=utc_now(), settings=emr_settings)
        except InvalidSheet as wrong:
            return await _page(services, stay_id, actor, wrong.errors, data)
        except ValueError:
            return await _page(services, stay_id, actor, {"": "Trang đã cũ. Viết lại vào mẫu này."}, data)
        except Problem as refused:
            return await _page(services, stay_id, actor, {refused.field or "": refused.detail}, data)
        return Redirect(f"/stays/{stay_id}/entries?written=1", status_code=303)

    @post("/assembly", guards=DOCTORS)
    async def assemble(
        self, stay_id: FromPath[UUID], services: NamedDependency[Services], actor: Who
    ) -> Template | Redirect:
        """Assemble the signed entries into one treatment sheet."""
        try:
            await assemble(services, stay_id, actor=actor, now=utc_now())
        except Problem as refused:
            return await _page(services, stay_id, actor, {"": refused.detail})
        return Redirect(f"/stays/{stay_id}/entries?assembled=1", status_code=303)

    @get("/assembly.pdf")
    async def file(
        self, stay_id: FromPath[UUID], services: NamedDependency[Services], actor: Who
    ) -> Response[bytes]:
        data = await assembly_file(services, stay_id, actor=actor, now=utc_now())
        headers = {
            "content-disposition": 'inline; filename="to-dieu-tri.pdf"',
            "cache-control": "private, no-store",
        }
        return Response(data, media_type="application/pdf", headers=headers)


async def _page(
    services: Services,
    stay_id: UUID,
    actor: Actor,
    errors: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
    *,
    done: str = "",
) -> Template:
    now = utc_now()
    async with services.sessions.begin() as session:
        stay = await get_stay(session, stay_id)
        lines = await entries_of(session, stay_id, actor=actor, now=now)
        patient = await get_patient(session, stay.patient_id)
        assemblies = await assemblies_of(session, stay_id)
    mine = [
        line for line in lines if line.mine and line.state is SheetState.COMPLETED and not line.refused_reason
    ]
    last = next((line for line in reversed(lines) if line.values.get("chan_doan")), None)
    start = {
        "id": str(new_id()),
        "thoi_gian": f"{local(now):%d/%m/%Y %H:%M}",
        "chan_doan": str(last.values["chan_doan"]) if last else "",
    }
    context: dict[str, Any] = {
        "stay": stay,
        "patient": patient,
        "lines": lines,
        "when": _when,
        "words": STATE_WORDS,
        "to_sign": "/sign/confirm?" + urlencode([("d", line.document_id) for line in mine]),
        "mine": len(mine),
        "signed": sum(line.state is SheetState.SIGNED for line in lines),
        "assembly": assemblies[0] if assemblies else None,
        "doctor": actor.has(Role.DOCTOR, Role.HEAD),
        "errors": errors or {},
        "form": typed or start,
        "done": done,
    }
    return Template("emr/entries/entries.html", context=context, status_code=422 if errors else 200)


def _when(text: str) -> str:
    try:
        return format_instant(datetime.fromisoformat(text))
    except ValueError:
        return text or "–"
