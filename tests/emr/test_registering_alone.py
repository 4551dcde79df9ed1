"""Registering as the session's only work: one statement that is its own transaction, and refuses as a whole."""

import asyncio

import pytest
from sqlalchemy import text

from emr.once import IdReused
from emr.patients.service import PatientExists, register_patient
from emr.patients.views import PatientView, RegisterPatient
from kernel.audit.api import entries_of_patient
from kernel.ids import new_id
from tests.conftest import RealDatabase
from tests.emr.builders import NOW, RECEPTION, a_registration

NUMBER = "079188001234"


async def alone(real_db: RealDatabase, command: RegisterPatient) -> PatientView:
    async with real_db.sessions() as session:
        return await register_patient(session, command, actor=RECEPTION, now=NOW, alone=True)


async def counts(real_db: RealDatabase) -> tuple[int, int, int]:
    """How many charts, numbers and audit rows of charts there are."""
    tables = ("emr_patient", "emr_patient_identifier", "kernel_audit WHERE subject LIKE 'emr.patient:%'")
    async with real_db.sessions() as session:
        found = [await session.scalar(text(f"SELECT count(*) FROM {table}")) for table in tables]
    return found[0] or 0, found[1] or 0, found[2] or 0


async def test_it_is_committed_with_its_number_and_its_audit_row(real_db: RealDatabase) -> None:
    made = await alone(real_db, a_registration(citizen_id=NUMBER))
    assert await counts(real_db) == (1, 1, 1)
    async with real_db.sessions() as session:
        [entry] = await entries_of_patient(session, made.id)
    assert (entry.action, entry.actor_id, entry.detail) == ("create", RECEPTION.id, {})


async def test_the_same_command_again_answers_the_same_and_writes_nothing(real_db: RealDatabase) -> None:
    command = a_registration(citizen_id=NUMBER)
    assert await alone(real_db, command) == await alone(real_db, command)
    assert await counts(real_db) == (1, 1, 1)


async def test_another_person_under_the_same_id_is_refused(real_db: RealDatabase) -> None:
    command = a_registration()
    await alone(real_db, command)
    with pytest.raises(IdReused):
        await alone(real_db, a_registration(id=command.id, name="Lê Văn Khác"))


async def test_a_number_of_another_chart_leaves_nothing_behind(real_db: RealDatabase) -> None:
    first = await alone(real_db, a_registration(citizen_id=NUMBER))
    with pytest.raises(PatientExists) as refusal:
        await alone(real_db, a_registration(id=new_id(), citizen_id=NUMBER, passport_no="B1234567"))
    assert refusal.value.field == "citizen_id"
    assert refusal.value.extra == {"patient_id": str(first.id), "code": first.code}
    assert await counts(real_db) == (1, 1, 1)


async def test_two_desks_registering_one_person_at_once_make_one_chart(real_db: RealDatabase) -> None:
    commands = [a_registration(id=new_id(), citizen_id=NUMBER) for _ in range(4)]
    results = await asyncio.gather(*(alone(real_db, command) for command in commands), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["PatientExists"] * 3 + ["PatientView"]
    assert await counts(real_db) == (1, 1, 1)
