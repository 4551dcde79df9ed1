"""/api/catalogs: code lists, for comboboxes and other systems."""

from collections.abc import Sequence

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from sqlalchemy.ext.asyncio import AsyncSession

from emr.catalogs.service import (
    list_ethnic_groups,
    list_provinces,
    search_drugs,
    search_icd10,
    search_services,
    search_wards,
)
from emr.catalogs.views import Drug, Icd10, Place, Service
from emr.places.service import list_departments, list_rooms
from emr.places.views import DepartmentView, RoomView
from kernel.clock import local_day, utc_now
from kernel.refusals import refusals
from kernel.staff.api import signed_in


class CatalogController(Controller):
    path = "/api/catalogs"
    tags = ("catalogs",)
    guards = (signed_in,)

    @get("/icd10", operation_id="searchIcd10", responses=refusals(401, 403))
    async def icd10(
        self, session: NamedDependency[AsyncSession], q: FromQuery[str] = "", limit: FromQuery[int] = 20
    ) -> Sequence[Icd10]:
        """Find diagnosis codes by code or words without marks."""
        return await search_icd10(session, q, limit)

    @get("/services", operation_id="searchServices", responses=refusals(401, 403))
    async def services(
        self, session: NamedDependency[AsyncSession], q: FromQuery[str] = "", limit: FromQuery[int] = 20
    ) -> Sequence[Service]:
        """Find services in force today."""
        return await search_services(session, q, limit, on=local_day(utc_now()))

    @get("/drugs", operation_id="searchDrugs", responses=refusals(401, 403))
    async def drugs(
        self, session: NamedDependency[AsyncSession], q: FromQuery[str] = "", limit: FromQuery[int] = 20
    ) -> Sequence[Drug]:
        """Find drugs by trade name, substance or code."""
        return await search_drugs(session, q, limit)

    @get("/provinces", operation_id="listProvinces", responses=refusals(401, 403))
    async def provinces(self, session: NamedDependency[AsyncSession]) -> Sequence[Place]:
        """List provinces since 07/2025."""
        return await list_provinces(session)

    @get("/wards", operation_id="searchWards", responses=refusals(401, 403))
    async def wards(
        self,
        session: NamedDependency[AsyncSession],
        q: FromQuery[str],
        province: FromQuery[str | None] = None,
    ) -> Sequence[Place]:
        """Find communes and wards by the beginning of the name."""
        return await search_wards(session, q, province=province)

    @get("/ethnic-groups", operation_id="listEthnicGroups", responses=refusals(401, 403))
    async def ethnic_groups(self, session: NamedDependency[AsyncSession]) -> Sequence[Place]:
        """List ethnic groups."""
        return await list_ethnic_groups(session)

    @get("/departments", operation_id="listDepartments", responses=refusals(401, 403))
    async def departments(self, session: NamedDependency[AsyncSession]) -> Sequence[DepartmentView]:
        """List departments."""
        return await list_departments(session)

    @get("/rooms", operation_id="listRooms", responses=refusals(401, 403))
    async def rooms(
        self, session: NamedDependency[AsyncSession], area: FromQuery[str | None] = None
    ) -> Sequence[RoomView]:
        """List rooms, those of one board with `area`."""
        return await list_rooms(session, area=area)
