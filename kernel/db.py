"""The database: base of all tables, engine, sessions, one transaction per request."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec
from litestar.datastructures import State
from sqlalchemy import BigInteger, DateTime, MetaData, Uuid
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from kernel.clock import Instant
from kernel.money import PositiveVnd, Vnd

Sessions = async_sessionmaker[AsyncSession]

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

APPLICATION_ROLE = "lanh_app"


class Base(DeclarativeBase):
    """Base of every table; names of constraints follow one convention so that migrations can name them."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar = {
        Vnd: BigInteger,
        PositiveVnd: BigInteger,
        Instant: DateTime(timezone=True),
        datetime: DateTime(timezone=True),
        UUID: Uuid,
    }


def make_engine(url: str, *, role: str | None = None, pool_size: int = 10) -> AsyncEngine:
    """Connect to PostgreSQL through asyncpg. `role`: taken at connect, so an owner's URL still runs without rights."""
    settings = {"application_name": "lanh", "timezone": "UTC"} | ({"role": role} if role else {})
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=False,
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
        connect_args={"server_settings": settings},
    )


def make_sessions(engine: AsyncEngine) -> Sessions:
    return async_sessionmaker(engine, expire_on_commit=False)


async def session_per_request(state: State) -> AsyncGenerator[AsyncSession, None]:
    """Commit when the handler returns, roll back when it raises, before a byte is sent."""
    session: AsyncSession = state.sessions()
    try:
        yield session
        if session.in_transaction():
            await session.commit()  # Gives the connection back too.
    finally:
        if session.in_transaction():
            await asyncio.shield(session.close())


async def sessions_of_app(state: State) -> Sessions:
    """For handlers that call the network between two transactions of their own."""
    sessions: Sessions = state.sessions
    return sessions
