"""What decides whether a second start may serve at once, and who may be given invented people."""

import pytest
from alembic.script import ScriptDirectory
from click.testing import CliRunner

from emr.places.models import Department
from hospital.commands.seed import seed
from hospital.demo.running import newest_version, stands
from hospital.migrate import alembic_config
from tests.conftest import RealDatabase


async def test_a_hospital_stands_when_its_schema_is_newest_and_it_has_departments(
    real_db: RealDatabase,
) -> None:
    assert not await stands(real_db.owner_url)
    async with real_db.sessions.begin() as session:
        session.add(Department(code="K01", name="Nội", kind="CLINICAL", insurance_code="K01", active=True))
    assert await stands(real_db.owner_url)


async def test_an_older_schema_or_an_empty_database_does_not_stand(
    real_db: RealDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hospital.demo.running.newest_version", lambda: "9999")
    assert not await stands(real_db.owner_url)
    assert not await stands(
        real_db.owner_url.replace(real_db.owner_url.split("/")[3].split("?")[0], "postgres")
    )


def test_the_newest_version_is_the_one_that_alembic_would_bring() -> None:
    assert newest_version() == ScriptDirectory.from_config(alembic_config("")).get_current_head()


def test_a_hospital_that_is_not_the_demo_gets_no_invented_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOSPITAL_DEMO", raising=False)
    answer = CliRunner().invoke(seed)
    assert (answer.exit_code, "Chỉ bản chạy thử" in answer.output) == (1, True)
