"""The demo's registry: seeded once, quickly, with people who do not exist."""

from pathlib import Path
from time import process_time

from sqlalchemy import text

import hospital.demo as demo
from emr.api import board_of, cards_to_check, find_patients
from hospital.demo.known import rows_of, staff_rows
from hospital.demo.seed import seed_staff
from hospital.demo.seed_billing import seed as seed_prices
from hospital.demo.seed_emr import seed
from kernel.clock import utc_now
from kernel.staff.api import Role
from tests.conftest import RealDatabase


async def test_the_registry_is_seeded_once_within_its_budget(real_db: RealDatabase) -> None:
    await seed_staff(real_db.sessions, real_db.settings)
    started = process_time()  # CPU of ours: the machine may be busy with other tests.
    await seed(real_db.sessions, real_db.settings)
    assert process_time() - started < 8
    await seed(real_db.sessions, real_db.settings)
    async with real_db.sessions() as session:
        counts = {
            table: await session.scalar(text(f"SELECT count(*) FROM emr_{table}"))
            for table in ("patient", "bed", "service", "drug", "ticket", "stay")
        }
        assert counts == {"patient": 300, "bed": 120, "service": 60, "drug": 40, "ticket": 18, "stay": 70}
        board = await board_of(session, "A", now=utc_now())
        assert board.newest is not None
        assert await find_patients(session, "nguyen")


async def test_the_demo_hospital_is_the_one_that_was_promised(real_db: RealDatabase) -> None:
    """120 beds, departments, twelve people of all roles, a year of visits, prices of 60 services, a roster."""
    await seed_staff(real_db.sessions, real_db.settings)
    await seed(real_db.sessions, real_db.settings)
    await seed_prices(real_db.sessions, real_db.settings)
    assert (len(staff_rows()), {role for row in staff_rows() for role in row["roles"].split()}) == (
        12,
        set(Role),
    )
    async with real_db.sessions() as session:

        async def count(question: str) -> int:
            return int(await session.scalar(text(question)) or 0)

        days = await count("SELECT extract(day FROM max(opened_at) - min(opened_at)) FROM emr_visit")
        assert 330 <= days <= 370
        assert await count("SELECT count(DISTINCT patient_id) FROM emr_visit") > 200
        assert await count("SELECT count(*) FROM emr_department") >= 9
        assert await count("SELECT count(*) FROM emr_bed WHERE active") == 120
        priced = "SELECT count(DISTINCT service_code) FROM billing_price WHERE kind = 'FEE'"
        assert await count(priced) == 60
        assert await count("SELECT count(*) FROM emr_duty WHERE kind = 'LEADER' AND ends_at > now()") >= 1
        assert await count("SELECT count(*) FROM emr_icd10") > 12_000
        assert await count("SELECT count(*) FROM emr_vitals") >= 5
        assert len(await cards_to_check(session, now=utc_now())) == 1


def test_the_seed_lives_in_tables_a_person_can_edit() -> None:
    folder = Path(demo.__file__).parent / "data"
    named = {file.stem for file in folder.glob("*.csv")}
    assert {"departments", "duty-roster", "patients", "rooms", "services", "staff"} <= named


def test_the_invented_people_hold_no_number_of_a_real_one() -> None:
    for row in rows_of("patients.csv"):
        assert row["phone"] == "" or row["phone"].startswith("0500")
        assert row["insurance_no"] == "" or row["insurance_no"][3:7] == "9999"
        assert row["citizen_id"][6:8] == "99"
