"""Every move of every table of states, tried in the database itself: what the rules forbid, it refuses from anybody."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.db import Base
from kernel.services import Services
from kernel.staff.api import Actor
from signing.people.models import Sitting, SittingDocument
from signing.people.rules import Kind, State, may_become
from signing.remote.models import RemoteItem, RemoteSitting
from signing.remote.rules import NEXT, ItemState, SittingState
from signing.remote.sittings import cancel_sitting
from tests.conftest import RealDatabase
from tests.signing.people.ward import a_paper, a_sitting, people_settings
from tests.signing.remote.hospital import ask, remote_hospital, remote_settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(settings: Settings, pki: DemoPki) -> Settings:
    return people_settings(remote_settings(settings, pki), pki)


def values(row: Base, **changed: Any) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in row.__table__.columns} | changed


@asynccontextmanager
async def undone(services: Services) -> AsyncIterator[AsyncSession]:
    """A transaction of which nothing stays."""
    async with services.sessions() as session, session.begin() as transaction:
        yield session
        await transaction.rollback()


async def is_refused(session: AsyncSession, statement: Any) -> bool:
    try:
        async with session.begin_nested():
            await session.execute(statement)
    except DBAPIError as error:
        if not any(word in str(error) for word in ("forward only", "never goes back", "stays")):
            raise
        return True
    return False


async def test_a_remote_sitting_moves_in_the_database_as_its_table_says(
    real_db: RealDatabase, pki: DemoPki
) -> None:
    async with remote_hospital(real_db, pki) as house:
        sitting, _ = await ask(house)
        async with undone(house.services) as session:
            row = await session.get(RemoteSitting, sitting.id)
            assert row is not None
            for state in SittingState:
                for target in SittingState:
                    key, ended = uuid4(), utc_now() if state.ended else None
                    session.add(
                        RemoteSitting(**values(row, id=key, reference=None, state=state, ended_at=ended))
                    )
                    await session.flush()
                    change = {"state": target, "ended_at": utc_now() if target.ended else None}
                    statement = update(RemoteSitting).where(RemoteSitting.id == key).values(**change)
                    allowed = target in NEXT[state] or (target is state and not state.ended)
                    assert await is_refused(session, statement) is not allowed, (state, target)


async def test_what_became_of_a_document_of_a_remote_sitting_stays(
    real_db: RealDatabase, pki: DemoPki
) -> None:
    async with remote_hospital(real_db, pki) as house:
        sitting, [document_id] = await ask(house)
        async with undone(house.services) as session:
            where = (RemoteItem.sitting_id == sitting.id, RemoteItem.document_id == document_id)
            row = (await session.scalars(select(RemoteItem).where(*where))).one()
            kept = values(row)
            parent = await session.get(RemoteSitting, sitting.id)
            assert parent is not None
            await session.execute(update(RemoteItem).where(*where).values(value=b"first"))
            assert await is_refused(session, update(RemoteItem).where(*where).values(value=b"second"))
            assert await is_refused(session, update(RemoteItem).where(*where).values(value=None))
            await session.execute(update(RemoteItem).where(*where).values(state="FAILED", prepared=None))
            for state in ItemState:
                for target in ItemState:
                    key = uuid4()
                    session.add(RemoteSitting(**values(parent, id=key, reference=None)))
                    await session.flush()
                    packed = kept["prepared"] if state is ItemState.WAITING else None
                    made = kept | {"sitting_id": key, "state": state, "prepared": packed}
                    session.add(RemoteItem(**made))
                    await session.flush()
                    wanted = kept["prepared"] if target is ItemState.WAITING else None
                    statement = (
                        update(RemoteItem)
                        .where(RemoteItem.sitting_id == key)
                        .values(state=target, prepared=wanted)
                    )
                    refused = await is_refused(session, statement)
                    assert refused is (state is not ItemState.WAITING), (state, target)
                    if state is ItemState.WAITING:
                        over = {"state": "SKIPPED", "prepared": None}
                        mine = (RemoteItem.sitting_id == key, RemoteItem.state == "WAITING")
                        await session.execute(update(RemoteItem).where(*mine).values(**over))
        await cancel_sitting(house.services, house.doctor, sitting.id, utc_now())


@pytest.mark.parametrize("kind", Kind)
async def test_a_patients_sitting_moves_in_the_database_as_its_table_says(
    services: Services, doctor_in: Actor, kind: Kind
) -> None:
    tablet = await a_sitting(services, doctor_in, await a_paper(services, doctor_in, patient_id=uuid4()))
    async with undone(services) as session:
        row = await session.get(Sitting, tablet.view.id)
        assert row is not None
        absent = {"absence": "CANNOT_SIGN", "reason": "Gãy tay"} if kind is Kind.ABSENCE else {}
        for state in State:
            if kind is not Kind.TABLET and state is State.SHOWN:
                continue  # Nothing becomes SHOWN there, as the pairs below show.
            for target in State:
                key = uuid4()
                session.add(Sitting(**_sitting(row, key, kind, state, absent)))
                await session.flush()
                statement = update(Sitting).where(Sitting.id == key).values(state=target)
                live = state in (State.OPEN, State.SHOWN, State.SIGNED)
                allowed = may_become(kind, state, target) or (target is state and live)
                assert await is_refused(session, statement) is not allowed, (kind, state, target)


def _sitting(row: Sitting, key: UUID, kind: Kind, state: State, absent: dict[str, str]) -> dict[str, Any]:
    changed = {"id": key, "kind": kind, "state": state, "method": "DRAWN", "code_hash": None}
    return values(row, **changed, **absent)


async def test_a_sitting_is_not_removed_nor_turned_into_another_kind(
    services: Services, doctor_in: Actor
) -> None:
    tablet = await a_sitting(services, doctor_in, await a_paper(services, doctor_in, patient_id=uuid4()))
    key = tablet.view.id
    for statement in (
        delete(SittingDocument).where(SittingDocument.sitting_id == key),
        delete(Sitting).where(Sitting.id == key),
        update(Sitting).where(Sitting.id == key).values(kind="PAPER"),
    ):
        with pytest.raises(DBAPIError):
            async with services.sessions.begin() as session:
                await session.execute(statement)
