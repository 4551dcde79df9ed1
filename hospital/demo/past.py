"""The demo's past: a year of ended visits with orders and results, and the people in the wards now."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.catalogs.load import copy_rows
from emr.catalogs.models import ServiceItem
from emr.episodes.models import Episode, Visit
from emr.orders.models import Order, Result
from emr.patients.bulk import next_codes
from emr.patients.models import Patient
from emr.places.models import Bed
from emr.stays.models import BedUse, Stay
from hospital.demo.known import staff_rows
from kernel.clock import Instant, local_day, start_of_day
from kernel.ids import new_id

VISITS_MOST = 7
IN_THE_WARDS = 70
EXAMS = [("PK1", "KB01"), ("PK2", "KB02"), ("PK2", "KB02"), ("PK3", "KB03")]
REASONS = [
    "Mất ngủ",
    "Đau đầu",
    "Lo âu, hồi hộp",
    "Ho, sốt",
    "Đau bụng",
    "Tái khám theo hẹn",
    "Mệt mỏi, chán ăn",
    "Tăng huyết áp",
]


@dataclass
class Rows:
    """What will be copied, table by table, parents first."""

    episodes: list[dict[str, Any]] = field(default_factory=list)
    visits: list[dict[str, Any]] = field(default_factory=list)
    stays: list[dict[str, Any]] = field(default_factory=list)
    beds: list[dict[str, Any]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Staff:
    id: UUID
    name: str


async def write_past(session: AsyncSession, *, now: Instant) -> None:
    """Write a year of visits for the people on file, the same ones each time."""
    staff = {row["username"]: Staff(UUID(row["id"]), row["name"]) for row in staff_rows()}
    patients = (await session.execute(select(Patient).order_by(Patient.code))).scalars().all()
    tests = (
        (
            await session.execute(
                select(ServiceItem).where(ServiceItem.kind == "LAB", ServiceItem.low.is_not(None))
            )
        )
        .scalars()
        .all()
    )
    exams = {
        row.code: row.name
        for row in await session.execute(
            select(ServiceItem.code, ServiceItem.name).where(ServiceItem.kind == "EXAM")
        )
    }
    rows, dice = Rows(), random.Random(2)  # noqa: S311  (the dice of the demo)
    maker = _Maker(rows, dice, staff, list(tests), exams)
    for patient in patients:
        for days in maker.days_ago():
            maker.visit(patient, start_of_day(local_day(now) - timedelta(days=days)))
    beds = (
        (await session.execute(select(Bed).where(Bed.code.like("B%")).order_by(Bed.number))).scalars().all()
    )
    lying = maker.random.sample(list(patients), k=min(IN_THE_WARDS, len(patients), len(beds)))
    for patient, bed in zip(lying, beds, strict=False):
        maker.stay(patient, bed, now)
    await _number(session, rows, local_day(now).year)
    for model, some in (
        (Episode, rows.episodes),
        (Visit, rows.visits),
        (Stay, rows.stays),
        (BedUse, rows.beds),
        (Order, rows.orders),
        (Result, rows.results),
    ):
        await copy_rows(session, model, some)


async def _number(session: AsyncSession, rows: Rows, year: int) -> None:
    for some, kind, prefix, column in (
        (rows.episodes, "episode", "DK", "code"),
        (rows.visits, "visit", "KB", "number"),
        (rows.stays, "stay", "NT", "number"),
        (rows.orders, "order", "CD", "number"),
    ):
        codes = await next_codes(session, kind, prefix, year, len(some))
        for row, code in zip(some, codes, strict=True):
            row[column] = code


class _Maker:
    """Invents visits; holds the dice."""

    def __init__(
        self,
        rows: Rows,
        dice: random.Random,
        staff: dict[str, Staff],
        tests: list[ServiceItem],
        exams: dict[str, str],
    ) -> None:
        self.rows, self.random, self.staff, self.tests, self.exams = rows, dice, staff, tests, exams

    def days_ago(self) -> Iterator[int]:
        """On which days a person came: the oldest first, never today."""
        count = self.random.choice([1, 1, 2, 2, 3, 4, VISITS_MOST])
        yield from sorted(self.random.sample(range(2, 364), count), reverse=True)

    def visit(self, patient: Patient, day: datetime) -> None:
        """An exam that ended the same day, with its orders and results."""
        opened = day + timedelta(hours=7, minutes=self.random.randrange(30, 520))
        ended = opened + timedelta(minutes=self.random.randrange(25, 120))
        episode, visit = self._open(patient, opened, ended=ended, outcome="HOME")
        self._order(
            episode, visit, "EXAM", visit["service_code"], self.exams[visit["service_code"]], opened, ended
        )
        for test in self.random.sample(self.tests, self.random.choice([0, 0, 1, 2, 3])):
            order = self._order(episode, visit, "LAB", test.code, test.name, opened, ended)
            self._result(order, test, ended)

    def stay(self, patient: Patient, bed: Bed, now: Instant) -> None:
        """Somebody in a ward since a few days."""
        admitted = now - timedelta(days=self.random.randrange(1, 20), minutes=self.random.randrange(600))
        opened = admitted - timedelta(hours=1)
        episode, visit = self._open(patient, opened, ended=admitted, outcome="ADMITTED")
        episode |= {"state": "OPEN", "closed_at": None, "stay_open": True}
        self._order(
            episode, visit, "EXAM", visit["service_code"], self.exams[visit["service_code"]], opened, admitted
        )
        doctor = self.staff["bacsi2"]
        stay = {
            "id": new_id(),
            "number": "",
            "episode_id": episode["id"],
            "visit_id": visit["id"],
            "patient_id": patient.id,
            "department_code": bed.department_code,
            "state": "OPEN",
            "reason": visit["reason"],
            "diagnosis_code": self.random.choice(["F20.0", "F32.1", "F31.2", "I10", "E11.9", "J18.9"]),
            "fingerprint": b"",
            "admitted_at": admitted,
            "admitted_by": doctor.id,
        }
        self.rows.stays.append(stay)
        self.rows.beds.append(
            {
                "id": new_id(),
                "stay_id": stay["id"],
                "bed_code": bed.code,
                "bed_number": bed.number,
                "during": _since(admitted),
                "placed_by": doctor.id,
            }
        )

    def _open(
        self, patient: Patient, opened: datetime, *, ended: datetime, outcome: str
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        room, service = self.random.choice(EXAMS)
        doctor = self.staff["bacsi2" if room == "PK2" else "bacsi"]
        insured = patient.insurance_no is not None and self.random.random() < 0.9
        episode: dict[str, Any] = {
            "id": new_id(),
            "code": "",
            "patient_id": patient.id,
            "state": "CLOSED",
            "stay_open": False,
            "opened_at": opened,
            "closed_at": ended,
        }
        visit: dict[str, Any] = {
            "id": new_id(),
            "number": "",
            "episode_id": episode["id"],
            "patient_id": patient.id,
            "payer": "BHYT" if insured else "SELF_PAY",
            "setting": "OUTPATIENT",
            "room_code": room,
            "department_code": "K01",
            "service_code": service,
            "reason": self.random.choice(REASONS),
            "state": "ENDED",
            "insurance": _card(patient, opened) if insured else None,
            "guardian": None,
            "identified_by": self.random.choice(["QR_CCCD", "QR_CCCD", "VNEID_APP", "MANUAL"]),
            "identified_reply": "",
            "identified_staff": self.staff["tiepdon"].id,
            "fingerprint": b"",
            "opened_at": opened,
            "opened_by": self.staff["tiepdon"].id,
            "started_at": opened + (ended - opened) / 3,
            "doctor_id": doctor.id,
            "doctor_name": doctor.name,
            "ended_at": ended,
            "outcome": outcome,
            "cancel_reason": "",
        }
        self.rows.episodes.append(episode)
        self.rows.visits.append(visit)
        return episode, visit

    def _order(
        self,
        episode: dict[str, Any],
        visit: dict[str, Any],
        kind: str,
        code: str,
        name: str,
        placed: datetime,
        done: datetime,
    ) -> dict[str, Any]:
        lab = kind == "LAB"
        technician, head = self.staff["xetnghiem"], self.staff["truongkhoa"]
        order = {
            "id": new_id(),
            "number": "",
            "visit_id": visit["id"],
            "episode_id": episode["id"],
            "patient_id": visit["patient_id"],
            "service_code": code,
            "service_name": name,
            "kind": kind,
            "quantity": 1,
            "payer": visit["payer"],
            "setting": visit["setting"],
            "priority": "ROUTINE",
            "in_scope": True,
            "on_demand": False,
            "room_code": "XN1" if lab else visit["room_code"],
            "note": "",
            "state": "DONE",
            "released_by": "RULE" if visit["payer"] == "BHYT" else "PAYMENT",
            "fingerprint": b"",
            "ordered_by": visit["doctor_id"],
            "ordered_name": visit["doctor_name"],
            "placed_at": placed,
            "released_at": placed,
            "performed_at": placed + (done - placed) / 2,
            "performed_by": technician.id if lab else visit["doctor_id"],
            "reported_at": done if lab else None,
            "reported_by": technician.id if lab else None,
            "approved_at": done if lab else None,
            "approved_by": head.id if lab else None,
            "approved_name": head.name if lab else None,
            "voided_at": None,
            "voided_by": None,
            "void_reason": "",
        }
        self.rows.orders.append(order)
        return order

    def _result(self, order: dict[str, Any], test: ServiceItem, at: datetime) -> None:
        low, high = float(test.low or 0), float(test.high or 1)
        value = round(self.random.uniform(low - (high - low) * 0.1, high + (high - low) * 0.3), 1)
        value = max(value, 0.1)
        self.rows.results.append(
            {
                "id": new_id(),
                "order_id": order["id"],
                "version": 1,
                "text": "",
                "value": str(value),
                "unit": test.result_unit,
                "abnormal": "H" if value > high else "L" if value < low else "",
                "reason": "",
                "measured_at": None,
                "reported_at": at,
                "reported_by": order["reported_by"],
                "reported_name": self.staff["xetnghiem"].name,
            }
        )


def _card(patient: Patient, day: datetime) -> str:
    card = {
        "card_number": patient.insurance_no,
        "facility_code": "99999",
        "valid_from": f"{day.year}-01-01",
        "valid_to": f"{day.year}-12-31",
        "benefit_level": (patient.insurance_no or "DN4")[2],
        "route": "1.1",
        "reply_code": "000",
    }
    return msgspec.json.encode(card).decode()


def _since(moment: datetime) -> Any:
    """A range without an end, as COPY takes it."""
    return (moment, None)
