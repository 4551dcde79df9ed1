"""How often one address may use the public verify pages, counted in the database: for all processes together."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import ARRAY, DateTime, LargeBinary, bindparam, delete, text
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.db import Sessions
from kernel.problems import Problem
from signing.verification.models import PublicTry

WINDOW = timedelta(minutes=1)
FORGOTTEN_AFTER = timedelta(hours=1)

# One statement: the row's lock makes tries of one address wait for each other, whichever process they came to.
_TAKE = text(
    """
    INSERT INTO signing_public_try AS t (source, tries, last_at) VALUES (:source, :first, :now)
    ON CONFLICT (source) DO UPDATE
       SET tries = (t.tries || EXCLUDED.tries)[greatest(1, cardinality(t.tries) + 2 - :most):], last_at = :now
     WHERE cardinality(t.tries) < :most OR t.tries[cardinality(t.tries) - :most + 1] <= :before
    RETURNING 1
    """
).bindparams(
    bindparam("source", type_=LargeBinary),
    bindparam("first", type_=ARRAY(DateTime(timezone=True))),
    bindparam("now", type_=DateTime(timezone=True)),
    bindparam("before", type_=DateTime(timezone=True)),
)


class TooManyTries(Problem):
    status, slug = 429, "too-many-tries"


async def take_try(sessions: Sessions, what: str, address: str, *, per_minute: int, now: datetime) -> None:
    """Count one try of an address, in a transaction of its own. Raises TooManyTries."""
    source = hashlib.sha256(f"{now:%Y-%m-%d}|{what}|{address}".encode()).digest()
    most = max(1, per_minute)
    values = {"source": source, "first": [now], "now": now, "most": most, "before": now - WINDOW}
    async with sessions.begin() as session:
        taken = (await session.execute(_TAKE, values)).first()
    if taken is None:
        raise TooManyTries(f"Mỗi phút chỉ kiểm tra được {most} lần. Chờ một phút rồi thử lại.")


async def forget_tries(session: AsyncSession, *, now: datetime) -> None:
    """Drop what no limit needs any more."""
    await session.execute(delete(PublicTry).where(PublicTry.last_at < now - FORGOTTEN_AFTER))
