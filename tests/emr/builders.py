"""Build only what a test reads."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from emr.catalogs.models import ServiceItem
from emr.episodes.rules import Payer
from emr.episodes.views import CardCheck, OpenVisit, VisitView
from emr.patients.scan import Sex
from emr.patients.service import register_patient
from emr.patients.views import PatientView, RegisterPatient
from emr.places.models import Bed, Department, Room
from emr.visits.service import open_visit
from kernel.ids import new_id
from kernel.staff.api import Actor, Role
from kernel.text import fold

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
"""09:00 in Vietnam."""
LATER = NOW + timedelta(minutes=30)

ROOMS = [
    ("PK1", "Phòng khám 1", "K01", "EXAM", "A"),
    ("PK2", "Phòng khám 2", "K01", "EXAM", "A"),
    ("CC1", "Phòng cấp cứu", "K04", "EMERGENCY", "B"),
    ("XN1", "Phòng xét nghiệm 1", "K05", "LAB", "C"),
    ("B201", "Buồng 201", "K02", "WARD", "D"),
]
SERVICES = [
    ("KB01", "Khám Nội", "EXAM", "13", None, True, None, None),
    ("XN01", "Glucose máu", "LAB", "1", "XN1", True, "3.9", "6.4"),
    ("XN02", "Định lượng vitamin D", "LAB", "1", "XN1", False, None, None),
    ("TT01", "Thay băng", "PROCEDURE", "8", None, True, None, None),
]


def an_actor(*roles: Role, name: str = "BS Thử", staff_id: UUID | None = None) -> Actor:
    return Actor(
        id=staff_id or new_id(),
        name=name,
        title="BS",
        roles=frozenset(roles),
        department="K01",
        ip="127.0.0.1",
    )


DOCTOR = an_actor(Role.DOCTOR)
RECEPTION = an_actor(Role.RECEPTION, name="Lê Tiếp Đón")
LAB = an_actor(Role.LAB, name="Phạm Xét Nghiệm")


async def a_hospital(session: AsyncSession) -> None:
    """Departments K01, K02, K04, K05, a few rooms, two beds, four services."""
    departments = [
        ("K01", "Khoa Khám bệnh"),
        ("K02", "Khoa Tâm thần"),
        ("K04", "Cấp cứu"),
        ("K05", "Xét nghiệm"),
    ]
    await session.execute(
        insert(Department),
        [
            {"code": c, "name": n, "kind": "CLINICAL", "insurance_code": "", "active": True}
            for c, n in departments
        ],
    )
    keys = ("code", "name", "department_code", "kind", "area")
    await session.execute(
        insert(Room),
        [dict(zip(keys, room, strict=True)) | {"place": "Tầng 1", "active": True} for room in ROOMS],
    )
    beds = [("B201-1", 1), ("B201-2", 2)]
    await session.execute(
        insert(Bed),
        [
            {"code": c, "number": n, "room_code": "B201", "department_code": "K02", "active": True}
            for c, n in beds
        ],
    )
    keys = ("code", "name", "kind", "claim_group", "room_code", "in_scope", "low", "high")  # type: ignore[assignment]  # longer
    common = {"unit": "lần", "result_unit": "mmol/L", "valid_from": date(2026, 1, 1), "valid_to": None}
    await session.execute(
        insert(ServiceItem),
        [
            dict(zip(keys, row, strict=True)) | common | {"key": fold(f"{row[1]} {row[0]}")}
            for row in SERVICES
        ],
    )


def a_registration(**more: Any) -> RegisterPatient:
    given: dict[str, Any] = {
        "id": new_id(),
        "name": "Trần Thị Mẫu",
        "birth_date": date(1999, 2, 1),
        "sex": Sex.FEMALE,
    }
    return RegisterPatient(**(given | more))


async def a_patient(session: AsyncSession, **more: Any) -> PatientView:
    return await register_patient(session, a_registration(**more), actor=RECEPTION, now=NOW)


def a_card(**more: Any) -> CardCheck:
    given: dict[str, Any] = {
        "card_number": "DN4515120000001",
        "valid_from": date(2026, 1, 1),
        "valid_to": date(2026, 12, 31),
        "benefit_level": "4",
        "route": "1.1",
    }
    return CardCheck(**(given | more))


def an_opening(patient_id: UUID, **more: Any) -> OpenVisit:
    given: dict[str, Any] = {
        "id": new_id(),
        "patient_id": patient_id,
        "payer": Payer.SELF_PAY,
        "room": "PK1",
        "service_code": "KB01",
        "reason": "Mất ngủ",
    }
    if more.get("payer") is Payer.BHYT:
        given["insurance"] = a_card()
    return OpenVisit(**(given | more))


async def a_visit(session: AsyncSession, now: datetime = NOW, **more: Any) -> VisitView:
    """A visit of a new patient, unless `patient_id` names one."""
    patient_id = more.pop("patient_id", None) or (await a_patient(session)).id
    return await open_visit(session, an_opening(patient_id, **more), actor=RECEPTION, now=now)
