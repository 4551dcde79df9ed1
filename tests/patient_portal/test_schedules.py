"""Clinic hours: opened by the head of department, never over a duty, and who must be told when they close."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from emr.places.models import Duty
from hospital.settings import Settings
from kernel.audit.api import entries_of_patient
from kernel.clock import local_day, utc_now
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.staff.api import Role
from patient_portal.booking.service import Book, book
from patient_portal.booking.slots import PractitionerOnDuty, open_schedule
from tests.conftest import SignedIn
from tests.emr.builders import a_hospital
from tests.patient_portal.builders import a_doctor, a_patient, a_schedule, morning, open_slots
from tests.patient_portal.test_booking import ACTOR


def _form(doctor: object, **more: str) -> dict[str, str]:
    day = local_day(morning())
    given: dict[str, Any] = {
        "id": str(new_id()),
        "practitioner": str(doctor),
        "room": "PK1",
        "service": "KB01",
        "day": f"{day:%d/%m/%Y}",
        "from": "07:30",
        "to": "11:30",
        "minutes": "30",
        "capacity": "5",
    }
    return given | more


async def test_a_practitioner_on_duty_receives_no_booked_patients(
    session: AsyncSession, settings: Settings
) -> None:
    await a_hospital(session)
    doctor = await a_doctor(session, settings)
    duty = {"day": local_day(morning()), "kind": "DOCTOR", "department_code": "K04", "staff_id": doctor}
    hours = {"starts_at": morning() - timedelta(hours=1), "ends_at": morning() + timedelta(hours=23)}
    await session.execute(insert(Duty).values(id=new_id(), **duty, **hours))
    with pytest.raises(PractitionerOnDuty):
        await open_schedule(session, a_schedule(doctor), now=utc_now())


async def test_the_page_opens_and_closes_hours(
    client: httpx.AsyncClient, signed_in: SignedIn, sessions: Sessions, settings: Settings
) -> None:
    async with sessions.begin() as session:
        await a_hospital(session)
        doctor = await a_doctor(session, settings)
    await signed_in(Role.HEAD)
    assert "Chưa có buổi khám nào" in (await client.get("/schedules")).text
    opened = await client.post("/schedules", data=_form(doctor))
    assert "0 / 40" in opened.text
    clash = await client.post("/schedules", data=_form(doctor))
    assert (clash.status_code, "đã có buổi khám khác" in clash.text) == (409, True)
    for wrong in ({"day": "x"}, {"minutes": "x"}, {"room": "PK9"}, {"practitioner": "x"}, {"to": "07:00"}):
        answer = await client.post("/schedules", data=_form(doctor, **wrong))
        assert (answer.status_code, "Chưa mở được" in answer.text) == (422, True), wrong


async def test_closing_names_whom_to_tell_and_the_look_is_noted(
    client: httpx.AsyncClient, signed_in: SignedIn, sessions: Sessions, settings: Settings
) -> None:
    async with sessions.begin() as session:
        await a_hospital(session)
        schedule = a_schedule(await a_doctor(session, settings))
        slots = await open_slots(session, schedule)
        person = await a_patient(session)
        command = Book(id=new_id(), slot_id=slots[0])
        await book(session, command, patient_id=person.id, actor=ACTOR, now=utc_now())
    head = await signed_in(Role.HEAD)
    page = await client.post(f"/schedules/{schedule.id}/closing")
    assert "Cần báo 1 người" in page.text
    assert "0901 234 567" in page.text
    async with sessions() as session:
        last = next(iter(await entries_of_patient(session, person.id)))
    assert (last.action, last.actor_id) == ("view", head.id)


@pytest.mark.parametrize("role", [Role.DOCTOR, Role.RECEPTION, Role.CASHIER])
async def test_others_do_not_keep_clinic_hours(
    client: httpx.AsyncClient, signed_in: SignedIn, role: Role
) -> None:
    await signed_in(role)
    assert (await client.get("/schedules")).status_code == 403
