"""Kept statements: the session's own connection and transaction, Core's names and types, nothing in between."""

import pytest
from sqlalchemy import (
    ARRAY,
    Table,
    Text,
    any_,
    bindparam,
    column,
    func,
    insert,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError

from kernel.ids import new_id
from kernel.outbox.models import OutboxJob
from kernel.statements import Statement
from tests.conftest import RealDatabase

JOBS: Table = OutboxJob.__table__  # type: ignore[assignment]  # the mapper says FromClause
NOW = Statement(select(func.now().label("at")))
ONE = Statement(select(JOBS.c.kind, JOBS.c.payload).where(JOBS.c.key == bindparam("key")))
SOME = Statement(select(JOBS.c.kind).where(JOBS.c.key == any_(bindparam("keys", type_=ARRAY(Text)))))
ADD = Statement(insert(JOBS).values({name: bindparam(name) for name in ("kind", "payload", "key")}))
RENAME = Statement(
    update(JOBS).where(JOBS.c.key == bindparam("which")).values(kind=bindparam("to")).returning(JOBS.c.kind)
)


def job(kind: str = "a") -> dict[str, object]:
    return {"kind": kind, "payload": {"a": [1, "ố"]}, "key": new_id().hex}


async def test_a_read_opens_no_transaction_until_something_is_written(real_db: RealDatabase) -> None:
    async with real_db.sessions.begin() as session:
        first, second = await NOW.first(session), await NOW.first(session)
        assert first != second  # Each is its own transaction.
        await ADD.rows(session, **job())
        assert await NOW.first(session) == await NOW.first(session)


async def test_a_read_sees_what_its_own_session_wrote_and_nobody_else_does(real_db: RealDatabase) -> None:
    mine = job()
    async with real_db.sessions.begin() as session, real_db.sessions() as other:
        await ADD.rows(session, **mine)
        assert await ONE.first(session, key=mine["key"]) == {"kind": "a", "payload": {"a": [1, "ố"]}}
        assert await ONE.first(other, key=mine["key"]) is None
    async with real_db.sessions() as later:
        assert (await SOME.rows(later, keys=[mine["key"], "x"])) == [{"kind": "a"}]


async def test_a_write_vanishes_with_its_transaction(real_db: RealDatabase) -> None:
    mine = job()
    async with real_db.sessions() as session:
        await ADD.rows(session, **mine)
        assert await RENAME.rows(session, which=mine["key"], to="b") == [{"kind": "b"}]
        await session.rollback()
    async with real_db.sessions() as session:
        assert await ONE.first(session, key=mine["key"]) is None


async def test_what_waits_in_the_mapper_is_written_first(real_db: RealDatabase) -> None:
    mine = job("mapped")
    async with real_db.sessions.begin() as session:
        session.add(OutboxJob(**mine))
        assert await SOME.rows(session, keys=[mine["key"]]) == [{"kind": "mapped"}]


async def test_a_connection_that_died_is_replaced(real_db: RealDatabase) -> None:
    async with real_db.sessions() as session:
        await NOW.first(session)
        process = Statement(select(func.pg_backend_pid().label("pid")))
        row = await process.first(session)
        assert row
        async with real_db.sessions.begin() as other:
            await other.execute(text("SELECT pg_terminate_backend(:pid)"), row)
        with pytest.raises(DBAPIError):
            await NOW.first(session)
    async with real_db.sessions() as session:
        assert await NOW.first(session)


async def test_a_value_left_out_is_refused(real_db: RealDatabase) -> None:
    async with real_db.sessions() as session:
        with pytest.raises(KeyError, match="key"):
            await ONE.first(session)


async def test_a_list_in_the_text_of_a_statement_is_refused(real_db: RealDatabase) -> None:
    listed = Statement(select(column("a", Text)).where(column("a", Text).in_(["x"])))
    async with real_db.sessions() as session:
        with pytest.raises(ValueError, match="ANY"):
            await listed.rows(session)


async def test_a_refusal_of_the_database_is_told_as_sqlalchemy_tells_it(real_db: RealDatabase) -> None:
    mine = job()
    async with real_db.sessions() as session:
        await ADD.rows(session, **mine)
        with pytest.raises(IntegrityError) as refusal:
            await ADD.rows(session, **mine)
        assert "uq_kernel_job_kind" in str(refusal.value.orig)
        assert str(mine["key"]) not in str(refusal.value.params)


async def test_a_savepoint_takes_back_what_was_written_in_it(real_db: RealDatabase) -> None:
    """The connection is kept between statements, but every savepoint begins before its first one."""
    before, within, after = job(), job(), job()
    async with real_db.sessions.begin() as session:
        await ADD.rows(session, **before)
        savepoint = await session.begin_nested()
        await ADD.rows(session, **within)
        await savepoint.rollback()
        await ADD.rows(session, **after)
    async with real_db.sessions() as session:
        found = await SOME.rows(session, keys=[before["key"], within["key"], after["key"]])
        assert len(found) == 2
        assert await ONE.first(session, key=within["key"]) is None


async def test_what_the_mapper_was_given_between_two_statements_is_written(real_db: RealDatabase) -> None:
    mine = job("mapped")
    async with real_db.sessions.begin() as session:
        await NOW.first(session)
        session.add(OutboxJob(**mine))
        assert await SOME.rows(session, keys=[mine["key"]]) == [{"kind": "mapped"}]


async def test_a_session_used_again_after_its_commit_begins_again(real_db: RealDatabase) -> None:
    mine = job()
    async with real_db.sessions() as session:
        await ADD.rows(session, **job())
        await session.commit()
        await ADD.rows(session, **mine)
        await session.rollback()
        assert await ONE.first(session, key=mine["key"]) is None


async def test_a_write_alone_is_committed_at_once(real_db: RealDatabase) -> None:
    mine = job()
    async with real_db.sessions() as session:
        await ADD.alone(session, **mine)
        await session.rollback()
        assert await ONE.first(session, key=mine["key"])


async def test_a_write_alone_after_another_write_shares_its_transaction(real_db: RealDatabase) -> None:
    mine = job()
    async with real_db.sessions() as session:
        await ADD.rows(session, **job())
        await ADD.alone(session, **mine)
        await session.rollback()
        assert await ONE.first(session, key=mine["key"]) is None


async def test_a_union_is_a_read_too(real_db: RealDatabase) -> None:
    moment = select(func.now().label("at"))
    both = Statement(union_all(moment.limit(1), moment.limit(1)))
    async with real_db.sessions() as session:
        assert await both.first(session) != await both.first(session)  # Each is its own transaction.
