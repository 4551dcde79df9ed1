"""Prove the audit log: recompute every block and the chain, check the signed heads, name the unsealed tail."""

from collections.abc import AsyncIterator
from datetime import date
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.models import AuditBlock, AuditCheckpoint
from kernel.audit.seal import FIRST_HASH, LAST_XID, ROOT, UNSEALED, Block, checkpoint_statement
from kernel.audit.signer import CheckpointSigner
from kernel.clock import Instant, format_instant

_BATCH_BLOCKS = 500

_BLOCKS = text(f"""
SELECT b.no, b.epoch, b.after_id, CAST(b.from_xid AS text) AS from_xid, CAST(b.to_xid AS text) AS to_xid,
       b.row_count, b.last_id, b.root, b.previous, b.hash, b.sealed_at,
       found.row_count AS found_rows, found.root AS found_root
FROM kernel_audit_block b
CROSS JOIN LATERAL (SELECT coalesce(min(n.after_id), 9223372036854775807) AS until_id
                    FROM kernel_audit_block n WHERE n.epoch = b.epoch + 1) next
CROSS JOIN LATERAL (SELECT count(*) AS row_count, {ROOT} AS root FROM kernel_audit a
                    WHERE a.xid >= b.from_xid AND a.xid < b.to_xid
                      AND a.id > b.after_id AND a.id <= next.until_id) found
WHERE b.no > :after ORDER BY b.no LIMIT :limit
""")  # noqa: S608  (only constants are put together)


class Fault(StrEnum):
    ROWS_CHANGED = "rows-changed"
    ROWS_REMOVED = "rows-removed"
    ROWS_INSERTED = "rows-inserted"
    BLOCK_CHANGED = "block-changed"
    BLOCK_MISSING = "block-missing"
    CHECKPOINT_BROKEN = "checkpoint-broken"


FAULT_TEXTS: dict[Fault, str] = {
    Fault.ROWS_CHANGED: "có dòng đã bị sửa",
    Fault.ROWS_REMOVED: "có dòng đã bị xoá",
    Fault.ROWS_INSERTED: "có dòng đã bị chèn thêm",
    Fault.BLOCK_CHANGED: "khối niêm phong đã bị sửa hoặc đứt chuỗi",
    Fault.BLOCK_MISSING: "thiếu khối niêm phong",
    Fault.CHECKPOINT_BROKEN: "mốc đã ký trong ngày không khớp",
}


class Finding(Struct, frozen=True):
    """One thing that does not hold, and where."""

    fault: Fault
    block_no: int | None = None
    sealed_at: Instant | None = None
    day: date | None = None
    rows: str = ""

    def text(self) -> str:
        """Say it to an auditor."""
        place = f"Khối {self.block_no}" if self.block_no is not None else "Chuỗi"
        when = f", niêm phong {format_instant(self.sealed_at)}" if self.sealed_at else ""
        when += f", ngày {self.day:%d/%m/%Y}" if self.day else ""
        return f"{place}{when}: {FAULT_TEXTS[self.fault]}{self.rows}."


class Tail(Struct, frozen=True):
    """Rows not sealed yet: written in the last second, or held back by a transaction still open."""

    rows: int
    since: Instant | None
    first_id: int | None
    last_id: int | None


class Verdict(Struct, frozen=True):
    blocks: int
    rows: int
    checkpoints: int
    findings: list[Finding]
    tail: Tail

    @property
    def ok(self) -> bool:
        return not self.findings

    def lines(self) -> list[str]:
        """Say it to an auditor, in Vietnamese."""
        counted = f"{self.rows} dòng trong {self.blocks} khối, {self.checkpoints} mốc đã ký"
        lines = [f"Nhật ký toàn vẹn: {counted}." if self.ok else f"NHẬT KÝ KHÔNG TOÀN VẸN: {counted}."]
        lines += [finding.text() for finding in self.findings]
        if self.tail.rows and self.tail.since:
            ids = f"số {self.tail.first_id}–{self.tail.last_id}"
            lines.append(
                f"Chưa niêm phong: {self.tail.rows} dòng ({ids}), từ {format_instant(self.tail.since)}."
            )
        return lines


async def verify_audit(session: AsyncSession, signer: CheckpointSigner) -> Verdict:
    """Recompute everything. Run it in one read-only transaction; it changes nothing."""
    findings: list[Finding] = []
    blocks = rows = 0
    previous: Any = None
    async for row in _blocks(session):
        blocks, rows = blocks + 1, rows + row.row_count
        findings += _check_block(row, previous)
        previous = row
    checkpoints, broken = await _check_checkpoints(session, signer)
    tail = (await session.execute(UNSEALED)).mappings().one()
    return Verdict(
        blocks=blocks, rows=rows, checkpoints=checkpoints, findings=findings + broken, tail=Tail(**tail)
    )


async def _blocks(session: AsyncSession) -> AsyncIterator[Any]:
    after = -1
    while found := (await session.execute(_BLOCKS, {"after": after, "limit": _BATCH_BLOCKS})).all():
        for row in found:
            yield row
        after = found[-1].no


def _check_block(row: Any, previous: Any) -> list[Finding]:
    place = {"block_no": row.no, "sealed_at": row.sealed_at}
    findings = []
    before = row.row_count
    if row.found_rows != before:
        fault = Fault.ROWS_REMOVED if row.found_rows < before else Fault.ROWS_INSERTED
        findings.append(Finding(fault, **place, rows=f" (niêm phong {before}, còn {row.found_rows})"))
    elif row.found_root != row.root:
        findings.append(Finding(Fault.ROWS_CHANGED, **place))
    values: dict[str, Any] = {name: getattr(row, name) for name in Block.__struct_fields__}
    block = Block(**values | {"from_xid": int(row.from_xid), "to_xid": int(row.to_xid)})
    expected = _expected_start(previous)
    if block.no != expected["no"]:
        findings.append(Finding(Fault.BLOCK_MISSING, **place))
    elif block.hash() != row.hash or not _follows(block, expected):
        findings.append(Finding(Fault.BLOCK_CHANGED, **place))
    return findings


def _expected_start(previous: Any) -> dict[str, Any]:
    if previous is None:
        return {"no": 1, "epoch": 0, "after_id": 0, "from_xid": 0, "previous": FIRST_HASH}
    start = {"no": previous.no + 1, "previous": previous.hash}
    if int(previous.to_xid) == LAST_XID:  # The data moved to a new server here.
        return start | {"epoch": previous.epoch + 1, "after_id": previous.last_id, "from_xid": 0}
    return start | {"epoch": previous.epoch, "after_id": previous.after_id, "from_xid": int(previous.to_xid)}


def _follows(block: Block, expected: dict[str, Any]) -> bool:
    return all(getattr(block, name) == value for name, value in expected.items())


async def _check_checkpoints(session: AsyncSession, signer: CheckpointSigner) -> tuple[int, list[Finding]]:
    statement = select(AuditCheckpoint, AuditBlock.hash).outerjoin(
        AuditBlock, AuditBlock.no == AuditCheckpoint.block_no
    )
    count, findings = 0, []
    for checkpoint, block_hash in (await session.execute(statement.order_by(AuditCheckpoint.day))).all():
        count += 1
        signed = checkpoint_statement(
            checkpoint.day, checkpoint.block_no, checkpoint.block_hash, checkpoint.row_total
        )
        if block_hash != checkpoint.block_hash or not signer.verify(signed, checkpoint.signature):
            findings.append(
                Finding(Fault.CHECKPOINT_BROKEN, block_no=checkpoint.block_no, day=checkpoint.day)
            )
    return count, findings
