"""The demo's registry: seeded once, quickly, with people who do not exist."""

from time import perf_counter

from sqlalchemy import text

from emr.api import board_of, find_patients
from hospital.demo.seed import seed_staff
from hospital.demo.seed_emr import rows_of, seed
from kernel.clock import utc_now
from tests.conftest import RealDatabase


async def test_the_registry_is_seeded_once_within_its_budget(real_db: RealDatabase) -> None:
    await seed_staff(real_db.sessions, real_db.settings)
    started = perf_counter()
    await seed(real_db.sessions, real_db.settings)
    assert perf_counter() - started < 8
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


def test_the_invented_people_hold_no_number_of_a_real_one() -> None:
    for row in rows_of("patients.csv"):
        assert row["phone"] == "" or row["phone"].startswith("0500")
        assert row["insurance_no"] == "" or row["insurance_no"][3:7] == "9999"
        assert row["citizen_id"][6:8] == "99"
