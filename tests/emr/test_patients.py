"""Registering, finding and correcting people."""

import asyncio
from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from emr.once import IdReused
from emr.patients.scan import BadScan, Sex, parse_scan
from emr.patients.search import asked_for, find_by_scan, find_patients, lookalikes, name_pairs, pair_query
from emr.patients.service import (
    InvalidPatient,
    NoSuchPatient,
    PatientExists,
    StalePatient,
    as_change,
    change_patient,
    get_patient,
    identifiers_of,
    open_chart,
    register_patient,
)
from emr.patients.views import PatientView
from kernel.audit.api import entries_of_patient
from kernel.ids import new_id
from tests.conftest import RealDatabase
from tests.emr.builders import LATER, NOW, RECEPTION, a_patient, a_registration

CARD = "051199000123|123456789|Trần Thị Mẫu|01021999|Nữ|Thôn Mẫu, Xã Thử Nghiệm|15042021"


async def test_a_person_is_registered_with_a_printed_code(session: AsyncSession) -> None:
    patient = await a_patient(
        session, citizen_id="051199000123", phone="0901 234 567", insurance_no="5120000001"
    )
    assert patient.code.startswith("BN26")
    assert (patient.phone, patient.revision) == ("+84901234567", 1)
    assert await get_patient(session, patient.id) == patient
    [entry] = await entries_of_patient(session, patient.id)
    assert (entry.action, entry.actor_name) == ("create", RECEPTION.name)


async def test_sending_a_registration_twice_makes_one_chart(session: AsyncSession) -> None:
    command = a_registration(citizen_id="051199000123")
    first = await register_patient(session, command, actor=RECEPTION, now=NOW)
    assert await register_patient(session, command, actor=RECEPTION, now=LATER) == first
    other = a_registration(id=command.id, name="Người Khác")
    with pytest.raises(IdReused):
        await register_patient(session, other, actor=RECEPTION, now=NOW)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "Trần 2"}, "name"),
        ({"name": "Tr?n"}, "name"),
        ({"name": "..."}, "name"),
        ({"name": "Trần\x00"}, "name"),
        ({"birth_date": date(2026, 11, 22)}, "birth_date"),
        ({"birth_date": date(1880, 1, 1)}, "birth_date"),
        ({"citizen_id": "12345"}, "citizen_id"),
        ({"insurance_no": "DN9515120000001"}, "insurance_no"),
        ({"phone": "0123"}, "phone"),
        ({"address": "Thôn\x07"}, "address"),
    ],
)
async def test_refused_registrations_name_the_field(
    session: AsyncSession, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidPatient) as refusal:
        await a_patient(session, **changes)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("number", "field"),
    [
        ({"citizen_id": "051199000123"}, "citizen_id"),
        ({"insurance_no": "5120000001"}, "insurance_no"),
        ({"insurance_no": "HT3515120000001"}, "insurance_no"),
        ({"passport_no": "C1234567"}, "passport_no"),
    ],
)
async def test_a_number_names_one_chart(session: AsyncSession, number: dict[str, str], field: str) -> None:
    first = await a_patient(
        session, citizen_id="051199000123", insurance_no="DN4515120000001", passport_no="C1234567"
    )
    with pytest.raises(PatientExists) as refusal:
        await a_patient(session, name="Người Khác", **number)
    assert refusal.value.field == field
    assert refusal.value.extra["code"] == first.code


async def test_two_receptionists_registering_one_person_make_one_chart(real_db: RealDatabase) -> None:
    async def register() -> PatientView:
        async with real_db.sessions.begin() as session:
            return await a_patient(session, citizen_id="051199000123")

    answers = await asyncio.gather(register(), register(), return_exceptions=True)
    assert sum(isinstance(answer, PatientView) for answer in answers) == 1
    assert sum(isinstance(answer, PatientExists) for answer in answers) == 1


@pytest.mark.parametrize(
    "typed",
    [
        "051199000123",
        "123456789",
        "DN4515120000001",
        "5120000001",
        "0901234567",
        "+84 901 234 567",
        "4567",
        "tran thi mau",
        "TRẦN THỊ",
        "mau tran",
        "mau tr",
        "thi mau tran",
        "tran mau 1999",
        "mau 34567",
        CARD,
    ],
)
async def test_people_are_found_by_any_number_and_any_words(session: AsyncSession, typed: str) -> None:
    patient = await a_patient(
        session,
        citizen_id="051199000123",
        old_id="123456789",
        insurance_no="DN4515120000001",
        phone="0901234567",
    )
    await a_patient(session, name="Lê Văn Khác", phone="0909999999", birth_date=date(1980, 1, 1))
    assert [hit.id for hit in await find_patients(session, typed)] == [patient.id]
    assert [hit.id for hit in await find_patients(session, patient.code.lower())] == [patient.id]


@pytest.mark.parametrize("typed", ["", "  ", "%", "_", "khong co ai", "tran 2001", "0000", "VP10000000123"])
async def test_a_search_for_nobody_finds_nobody(session: AsyncSession, typed: str) -> None:
    await a_patient(session, phone="0901234567")
    assert await find_patients(session, typed) == []


async def test_a_ruined_scan_in_the_search_field_is_refused(session: AsyncSession) -> None:
    with pytest.raises(BadScan):
        await find_patients(session, CARD.replace("Trần", "Tr?n"))


async def test_a_chart_made_with_an_old_number_is_found_by_the_new_card(session: AsyncSession) -> None:
    patient = await a_patient(session, old_id="123456789")
    assert [hit.id for hit in await find_by_scan(session, parse_scan(CARD))] == [patient.id]


async def test_names_sort_before_given_names_and_the_limit_holds(session: AsyncSession) -> None:
    for name in ("Trần An", "Lê Trần", "Trần Bình"):
        await a_patient(session, name=name)
    assert [hit.name for hit in await find_patients(session, "tran")] == ["Trần An", "Trần Bình", "Lê Trần"]
    assert len(await find_patients(session, "tran", 2)) == 2


def test_pairs_hold_both_orders_of_every_two_words() -> None:
    assert name_pairs("a b c") == ["a+b", "a+c", "b+a", "b+c", "c+a", "c+b"]
    assert name_pairs("a") == []
    assert pair_query(("huong", "thi", "ng")) == "'huong+thi' & 'huong+ng':*"


def test_ten_digits_may_be_a_card_or_a_phone() -> None:
    asked = asked_for("0901234567")
    assert (asked.numbers, asked.phone) == ((("INSURANCE", "0901234567"),), "+84901234567")


async def test_the_same_name_and_birth_date_looks_alike(session: AsyncSession) -> None:
    patient = await a_patient(session)
    alike = await lookalikes(session, name="TRAN THI MAU", birth_date=date(1999, 2, 1))
    assert [hit.id for hit in alike] == [patient.id]
    assert await lookalikes(session, name="Trần Thị Mẫu", birth_date=date(1999, 2, 2)) == []


async def test_a_correction_keeps_what_was_before(session: AsyncSession) -> None:
    patient = await a_patient(session, citizen_id="051199000123", allergies="")
    change = as_change(
        patient, "Cấp lại số định danh", citizen_id="051199000999", allergies="Penicillin", sex=Sex.UNKNOWN
    )
    after = await change_patient(session, patient.id, change, actor=RECEPTION, now=LATER)
    assert (after.citizen_id, after.allergies, after.revision) == ("051199000999", "Penicillin", 2)
    numbers = [(one.value, one.active) for one in await identifiers_of(session, patient.id)]
    assert numbers == [("051199000999", True), ("051199000123", False)]
    kept = await session.scalar(text("SELECT particulars->>'citizen_id' FROM emr_patient_version"))
    assert kept == "051199000123"
    assert [hit.id for hit in await find_patients(session, "051199000123")] == [patient.id]


async def test_a_number_given_up_may_name_another_chart(session: AsyncSession) -> None:
    patient = await a_patient(session, citizen_id="051199000123")
    await change_patient(
        session, patient.id, as_change(patient, "Nhập nhầm", citizen_id=None), actor=RECEPTION, now=NOW
    )
    other = await a_patient(session, name="Lê Thị Khác", citizen_id="051199000123")
    assert other.citizen_id == "051199000123"


async def test_a_correction_of_a_stale_chart_is_refused(session: AsyncSession) -> None:
    patient = await a_patient(session)
    await change_patient(session, patient.id, as_change(patient, "Lần 1"), actor=RECEPTION, now=NOW)
    with pytest.raises(StalePatient):
        await change_patient(session, patient.id, as_change(patient, "Lần 2"), actor=RECEPTION, now=NOW)


async def test_a_correction_to_a_taken_number_is_refused(session: AsyncSession) -> None:
    await a_patient(session, citizen_id="051199000123")
    other = await a_patient(session, name="Lê Thị Khác")
    with pytest.raises(PatientExists):
        await change_patient(
            session,
            other.id,
            as_change(other, "Bổ sung", citizen_id="051199000123"),
            actor=RECEPTION,
            now=NOW,
        )


async def test_opening_a_chart_is_audited_and_an_absent_one_refused(session: AsyncSession) -> None:
    patient = await a_patient(session)
    await open_chart(session, patient.id, actor=RECEPTION, reason="Tiếp đón")
    assert [entry.action for entry in await entries_of_patient(session, patient.id)] == ["view", "create"]
    with pytest.raises(NoSuchPatient):
        await open_chart(session, new_id(), actor=RECEPTION)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM emr_patient",
        "DELETE FROM emr_visit",
        "DELETE FROM emr_order",
        "UPDATE emr_result SET text = ''",
        "DELETE FROM emr_result",
        "UPDATE emr_patient_version SET reason = ''",
    ],
)
async def test_the_application_may_not_erase_clinical_rows(session: AsyncSession, statement: str) -> None:
    with pytest.raises(Exception, match="permission denied"):
        async with session.begin_nested():
            await session.execute(text(statement))
