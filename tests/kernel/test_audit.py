from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from hospital.postgres import Cluster
from kernel.audit.api import (
    Action,
    Entry,
    entries_of_patient,
    entries_of_subject,
    record,
    record_all,
    record_apart,
)
from kernel.ids import new_id
from kernel.staff.rules import SYSTEM, Actor, Role
from tests.conftest import RealDatabase

TABLES = ("kernel_audit", "kernel_audit_block", "kernel_audit_checkpoint")


def a_doctor() -> Actor:
    return replace(SYSTEM, id=new_id(), name="Lê Thị Thử", roles=frozenset({Role.DOCTOR}), ip="10.0.0.7")


async def test_a_row_says_who_did_what_to_which_record_and_why(session: AsyncSession) -> None:
    doctor, patient = a_doctor(), new_id()
    entry = Entry(
        Action.VIEW, "emr.visit:1", patient_id=patient, reason="cấp cứu", detail={"break_glass": True}
    )
    await record(session, entry, doctor)
    await record_all(session, [Entry(Action.PRINT, "emr.visit:1", patient_id=patient)] * 2, doctor)
    await record_all(session, [], doctor)
    found = await entries_of_patient(session, patient)
    assert [view.action for view in found] == [Action.PRINT, Action.PRINT, Action.VIEW]
    first = found[-1]
    assert (first.actor_name, first.actor_roles, first.ip) == ("Lê Thị Thử", ["doctor"], "10.0.0.7")
    assert (first.reason, first.detail) == ("cấp cứu", {"break_glass": True})
    assert await entries_of_patient(session, patient, before=found[-2].id) == [first]
    assert await entries_of_subject(session, "emr.visit:1", limit=1) == found[:1]
    assert await entries_of_patient(session, UUID(int=1)) == []


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {}", "DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("as_owner", [False, True])
async def test_nobody_changes_what_was_recorded(
    cluster: Cluster, table: str, statement: str, as_owner: bool
) -> None:
    column = {"kernel_audit": "ip = ''", "kernel_audit_block": "epoch = 0"}.get(table, "signer = ''")
    engine = create_async_engine(cluster.url() if as_owner else cluster.app_url(), poolclass=NullPool)
    with pytest.raises(DBAPIError, match="append-only" if as_owner else "permission denied"):
        async with engine.begin() as connection:
            await connection.execute(text(statement.format(table, column)))
    await engine.dispose()


async def test_a_refusal_is_recorded_although_its_transaction_rolls_back(real_db: RealDatabase) -> None:
    async with real_db.sessions() as session:
        await record(session, Entry(Action.CHANGE, "x:1"), SYSTEM)
        await record_apart(real_db.sessions, Entry(Action.FAILURE, "x:1", reason="locked"), SYSTEM)
        await session.rollback()
        assert [view.action for view in await entries_of_subject(session, "x:1")] == [Action.FAILURE]
