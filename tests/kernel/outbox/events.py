"""Events, payloads and states that the outbox's tests share."""

from uuid import UUID

from msgspec import Struct
from sqlalchemy import text

from kernel.services import Services
from tests.conftest import RealDatabase


class Opened(Struct, frozen=True):
    door_id: UUID
    number: int


class Slammed(Struct, frozen=True):
    """Names its aggregate itself: the house, not the door."""

    aggregate = "house_id"
    door_id: UUID
    house_id: UUID


class Note(Struct, frozen=True):
    text: str


async def state_of(services: Services | RealDatabase, kind: str) -> list[tuple[str, int]]:
    async with services.sessions() as session:
        rows = await session.execute(
            text("SELECT state, attempts FROM kernel_job WHERE kind = :kind ORDER BY id"), {"kind": kind}
        )
        return [(row.state, row.attempts) for row in rows]
