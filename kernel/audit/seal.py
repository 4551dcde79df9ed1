"""The sealer: chain finished audit rows into hashed blocks each second, and sign the chain's head each day.

Rows are plain inserts that carry the number of their transaction, so business transactions never wait for each
other; once every transaction below a number has ended, no row below it can appear any more and the range is
sealed. What a running transaction holds back is the unsealed tail.
"""

import hashlib
from datetime import date
from typing import Any

import structlog
from msgspec import Struct
from sqlalchemy import TextClause, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.models import AuditBlock, AuditCheckpoint
from kernel.audit.signer import CheckpointSigner
from kernel.clock import Instant, start_of_day

log = structlog.get_logger(__name__)

FIRST_HASH = bytes(32)
LAST_XID = 2**64 - 1
_LOCK = 0x6C616E68  # One sealer at a time, whatever the job table says.

ROW_HASH = """sha256(convert_to(CAST(jsonb_build_array(
    a.id, CAST(a.xid AS text), extract(epoch FROM a.at), a.action, a.subject, a.patient_id, a.actor_id, a.actor_name,
    a.actor_roles, a.department, a.session_id, a.ip, a.reason, a.detail) AS text), 'UTF8'))"""

ROOT = f"sha256(coalesce(string_agg({ROW_HASH}, CAST('' AS bytea) ORDER BY a.id), CAST('' AS bytea)))"

_LAST = text("""
SELECT no, epoch, after_id, CAST(CAST(to_xid AS text) AS numeric) AS to_xid, last_id, hash
FROM kernel_audit_block ORDER BY no DESC LIMIT 1
""")

_ROWS = text(f"""
SELECT count(*) AS row_count, coalesce(max(a.id), 0) AS last_id, {ROOT} AS root FROM kernel_audit a
WHERE a.id > :after_id AND a.xid >= CAST(CAST(:from_xid AS text) AS xid8) AND a.xid < CAST(CAST(:to_xid AS text) AS xid8)
""")  # noqa: S608  (only constants are put together)

_WRITE = text("""
INSERT INTO kernel_audit_block (no, epoch, after_id, from_xid, to_xid, row_count, last_id, root, previous, hash)
VALUES (:no, :epoch, :after_id, CAST(CAST(:from_xid AS text) AS xid8), CAST(CAST(:to_xid AS text) AS xid8),
        :row_count, :last_id, :root, :previous, :hash)
""")

_HORIZON = text("SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS numeric)")


class Block(Struct, frozen=True):
    """A sealed block as it is hashed."""

    no: int
    epoch: int
    after_id: int
    from_xid: int
    to_xid: int
    row_count: int
    last_id: int
    root: bytes
    previous: bytes

    def hash(self) -> bytes:
        """Return the hash that the next block names."""
        numbers = (
            self.no,
            self.epoch,
            self.after_id,
            self.from_xid,
            self.to_xid,
            self.row_count,
            self.last_id,
        )
        return hashlib.sha256(self.previous + self.root + "|".join(map(str, numbers)).encode()).digest()


class _Head(Struct, frozen=True):
    """Where the chain stands."""

    no: int
    epoch: int
    after_id: int
    to_xid: int
    last_id: int
    hash: bytes


_EMPTY = _Head(no=0, epoch=0, after_id=0, to_xid=0, last_id=0, hash=FIRST_HASH)


async def seal(session: AsyncSession) -> int:
    """Seal every row whose transaction, and all before it, have ended. Returns how many rows were sealed."""
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    found = (await session.execute(_LAST)).mappings().one_or_none()
    head = _Head(**{**found, "to_xid": int(found["to_xid"])}) if found else _EMPTY
    horizon = int(await session.scalar(_HORIZON) or 0)
    if horizon < head.to_xid:
        head = await _begin_epoch(session, head)
    return (await _seal_range(session, head, to_xid=horizon, even_empty=False)).row_count


async def _begin_epoch(session: AsyncSession, head: _Head) -> _Head:
    """The data were restored into a new server, whose transaction numbers start again: close the old range."""
    log.warning("audit.new_epoch", epoch=head.epoch + 1)
    closing = await _seal_range(session, head, to_xid=LAST_XID, even_empty=True)
    return _Head(
        no=closing.no,
        epoch=head.epoch + 1,
        after_id=closing.last_id,
        to_xid=0,
        last_id=closing.last_id,
        hash=closing.hash(),
    )


async def _seal_range(session: AsyncSession, head: _Head, *, to_xid: int, even_empty: bool) -> Block:
    bounds = {"after_id": head.after_id, "from_xid": str(head.to_xid), "to_xid": str(to_xid)}
    rows = (await session.execute(_ROWS, bounds)).mappings().one()
    block = Block(
        no=head.no + 1,
        epoch=head.epoch,
        after_id=head.after_id,
        from_xid=head.to_xid,
        to_xid=to_xid,
        row_count=rows["row_count"],
        last_id=max(head.last_id, rows["last_id"]),
        root=rows["root"],
        previous=head.hash,
    )
    if block.row_count or even_empty:
        values: dict[str, Any] = {name: getattr(block, name) for name in block.__struct_fields__}
        await session.execute(_WRITE, values | bounds | {"hash": block.hash()})
    return block


def checkpoint_statement(day: date, block_no: int, block_hash: bytes, row_total: int) -> bytes:
    """Return the bytes that a checkpoint's signature covers."""
    return f"lanh audit checkpoint\n{day.isoformat()}\n{block_no}\n{block_hash.hex()}\n{row_total}\n".encode()


async def write_checkpoint(session: AsyncSession, signer: CheckpointSigner, *, day: date) -> bool:
    """Sign the last block sealed before the end of a Vietnamese day. Returns False if there is nothing to sign."""
    if await session.get(AuditCheckpoint, day) is not None:
        return False
    end: Instant = start_of_day(date.fromordinal(day.toordinal() + 1))
    statement = select(AuditBlock.no, AuditBlock.hash).where(AuditBlock.sealed_at < end)
    last = (await session.execute(statement.order_by(AuditBlock.no.desc()).limit(1))).one_or_none()
    if last is None:
        return False
    total = await session.scalar(select(func.sum(AuditBlock.row_count)).where(AuditBlock.no <= last.no))
    signature = await signer.sign(checkpoint_statement(day, last.no, last.hash, int(total or 0)))
    row = {
        "day": day,
        "block_no": last.no,
        "block_hash": last.hash,
        "row_total": int(total or 0),
        "signer": signer.name,
        "signature": signature,
    }
    await session.execute(insert(AuditCheckpoint).values(row).on_conflict_do_nothing())
    # The log leaves this server: a copy of the head that nobody here can rewrite.
    log.info(
        "audit.checkpoint", day=day.isoformat(), block=last.no, hash=last.hash.hex(), rows=int(total or 0)
    )
    return True


UNSEALED: TextClause = text("""
WITH head AS (SELECT coalesce(max(no), 0) AS no FROM kernel_audit_block),
     last AS (SELECT b.after_id, b.to_xid FROM kernel_audit_block b, head WHERE b.no = head.no
              UNION ALL SELECT 0, CAST('0' AS xid8) FROM head WHERE head.no = 0)
SELECT count(*) AS rows, min(a.at) AS since, min(a.id) AS first_id, max(a.id) AS last_id
FROM kernel_audit a, last WHERE a.id > last.after_id AND a.xid >= last.to_xid
""")
"""Rows that no block covers yet."""
