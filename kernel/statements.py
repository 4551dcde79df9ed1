"""Hot statements: written with SQLAlchemy Core, compiled once, handed straight to the driver in the session's own connection.

A statement through the session costs ten times the driver's own work (building, caching key, greenlets, result
objects). A `Statement` keeps Core's names and types and leaves that out. A SELECT opens no transaction by itself: at
READ COMMITTED each statement sees what is committed anyway, so BEGIN and COMMIT would be two trips for nothing. After
the session's first write it runs inside that transaction and sees its rows. Anything else begins the transaction.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
from asyncpg.exceptions import InterfaceError, InternalClientError, PostgresError
from sqlalchemy import ClauseElement, select
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.sql.compiler import SQLCompiler

_DIALECT = asyncpg.dialect(json_deserializer=msgspec.json.decode)  # type: ignore[no-untyped-call]
_DIALECT._json_serializer = lambda value: msgspec.json.encode(value).decode()  # As kernel.db's engine does.
_NOTHING = select(1)

Row = dict[str, Any]
Convert = Callable[[Any], Any]


class _Compiled(NamedTuple):
    sql: str
    reads: bool
    parameters: list[tuple[str, Any, bool, Convert | None]]  # Name, value, required, conversion.
    columns: list[tuple[str, Convert]]  # Those the driver does not give as they are.


class Statement:
    """One SELECT, INSERT, UPDATE or DELETE whose values are bound parameters; lists are arrays (`= ANY`), never IN."""

    def __init__(self, clause: ClauseElement) -> None:
        self._clause = clause

    @cached_property
    def _compiled(self) -> "_Compiled":
        compiled = self._clause.compile(dialect=_DIALECT)
        assert isinstance(compiled, SQLCompiler)
        if "POSTCOMPILE" in compiled.string:
            raise ValueError("a statement with IN (...) cannot be kept; use = ANY(array)")
        parameters: list[Any] = [
            (
                name,
                compiled.binds[name].value,
                compiled.binds[name].required,
                compiled._bind_processors.get(name),
            )
            for name in compiled.positiontup or ()
        ]
        columns: list[Any] = [
            (column.keyname, made)
            for column in compiled._result_columns
            if (made := column.type._cached_result_processor(_DIALECT, None))
        ]
        # A locking SELECT, or one with a WITH that writes, needs its transaction as a write does.
        begins_reading = compiled.string.lstrip("(").startswith("SELECT")  # "(SELECT …) UNION …" reads too.
        reads = begins_reading and " FOR " not in compiled.string
        return _Compiled(compiled.string, reads, parameters, columns)

    async def rows(self, session: AsyncSession, **values: Any) -> list[Row]:
        """Return every row as a dict by column name."""
        return await self._run(session, values, alone=False)

    async def first(self, session: AsyncSession, **values: Any) -> Row | None:
        """Return the first row, or None."""
        found = await self._run(session, values, alone=False)
        return found[0] if found else None

    async def alone(self, session: AsyncSession, **values: Any) -> Row | None:
        """Return the first row of a writing statement that is a transaction of its own: one trip instead of three.

        It is committed when this returns, so nothing after it may refuse. In a session that wrote before, it belongs
        to the transaction that is open.
        """
        found = await self._run(session, values, alone=True)
        return found[0] if found else None

    async def _run(self, session: AsyncSession, values: Row, *, alone: bool) -> list[Row]:
        sql, reads, parameters, columns = self._compiled
        arguments = [_argument(*parameter, values) for parameter in parameters]
        wire = await _wire_of(session)
        if not reads and not alone and wire._transaction is None:
            await wire._start_transaction()
        driver = wire.driver_connection
        try:
            found = [dict(record) for record in await driver.fetch(sql, *arguments)]
        except (PostgresError, InterfaceError, InternalClientError, OSError) as error:
            if isinstance(error, InternalClientError):
                driver.terminate()  # It met the server's farewell half way and is out of step.
            if driver.is_closed():  # SQLAlchemy must meet the dead connection itself, to replace the pool's.
                await session.execute(_NOTHING)
            raise _told_as_by_sqlalchemy(error, sql, wire) from error
        for name, convert in columns:
            for row in found:
                row[name] = convert(row[name])
        return found


async def _wire_of(session: AsyncSession) -> Any:
    """Return the driver's connection; looked for once in each transaction and savepoint, which begins it."""
    inner = session.sync_session
    kept: tuple[SessionTransaction | None, Any] = inner.info.get("wire", (None, None))
    if kept[0] is not None and kept[0] is _innermost(inner) and kept[0].is_active and inner._is_clean():
        return kept[1]
    wire = await session.run_sync(_wire)
    inner.info["wire"] = _innermost(inner), wire
    return wire


def _innermost(session: Session) -> SessionTransaction | None:
    return session.get_nested_transaction() or session.get_transaction()


def _wire(session: Session) -> Any:
    """Find it after objects that wait to be written have been."""
    if not session._is_clean():
        session.flush()
    return session.connection().connection.dbapi_connection


def _told_as_by_sqlalchemy(error: Exception, sql: str, wire: Any) -> Exception:
    """Return the driver's error as `session.execute` would raise it, without the values."""
    told = error
    try:
        wire._handle_exception(error)
    except wire.dbapi.Error as translated:
        told = translated
    made: Exception = DBAPIError.instance(sql, None, told, wire.dbapi.Error, hide_parameters=True)
    return made


def _argument(
    name: str, default: Any, required: bool, convert: Convert | None, values: dict[str, Any]
) -> Any:
    if name in values:
        value = values[name]
    elif required:
        raise KeyError(name)
    else:
        value = default
    return convert(value) if convert else value
