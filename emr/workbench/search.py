"""Answers of the comboboxes: diagnoses, services, drugs, as fragments."""

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template
from sqlalchemy.ext.asyncio import AsyncSession

from emr.catalogs.service import search_drugs, search_icd10, search_services
from emr.catalogs.views import Drug, Icd10, Service
from emr.workbench.views import Option
from kernel.clock import local_day, utc_now
from kernel.staff.api import Role, needs

ORDERABLE = ("LAB", "IMAGING", "FUNCTION", "PROCEDURE", "OTHER")
MOST = 12


def diagnosis_option(found: Icd10) -> Option:
    note = "chọn mã chi tiết hơn" if found.needs_detail else "không làm bệnh chính" if found.not_main else ""
    data = {"data-code": found.code, "data-name": found.name}
    return Option(value=found.code, label=found.name, note=note, code=found.code, data=data)


def service_option(found: Service) -> Option:
    note = " · ".join(part for part in (found.room or "", "" if found.in_scope else "ngoài BHYT") if part)
    return Option(value=found.code, label=found.name, note=note)


def drug_option(found: Drug) -> Option:
    """Carry what a row of the prescription is filled with."""
    fills = {
        "ma": found.code,
        "ten": found.name,
        "ham_luong": found.strength,
        "don_vi": found.unit,
        "duong_dung": found.route,
    }
    data = {f"data-{key}": text for key, text in fills.items()}
    label = f"{found.name} {found.strength}".strip()
    return Option(value=found.code, label=label, note=f"{found.inn} · {found.form}", data=data)


class SearchPages(Controller):
    path = "/workbench/search"
    guards = (needs(Role.DOCTOR),)
    include_in_schema = False

    @get("/icd10")
    async def icd10(self, session: NamedDependency[AsyncSession], q: FromQuery[str] = "") -> Template:
        found = await search_icd10(session, q[:80], MOST)
        return options([diagnosis_option(one) for one in found], q)

    @get("/services")
    async def services(self, session: NamedDependency[AsyncSession], q: FromQuery[str] = "") -> Template:
        found = await search_services(session, q[:80], MOST, on=local_day(utc_now()), kinds=ORDERABLE)
        return options([service_option(one) for one in found], q)

    @get("/drugs")
    async def drugs(self, session: NamedDependency[AsyncSession], q: FromQuery[str] = "") -> Template:
        found = await search_drugs(session, q[:80], MOST)
        return options([drug_option(one) for one in found], q)


def options(items: list[Option], text: str) -> Template:
    return Template("emr/workbench/_options.html", context={"items": items, "text": text})
