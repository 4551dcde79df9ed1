"""Register many people at once: a first load from another system, the demo, the benchmarks."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.catalogs.load import copy_rows
from emr.once import fingerprint
from emr.patients.models import Patient, PatientIdentifier
from emr.patients.service import numbers_of, particulars_of
from emr.patients.views import RegisterPatient
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant, local_day
from kernel.staff.api import Actor


async def next_codes(session: AsyncSession, kind: str, prefix: str, year: int, count: int) -> list[str]:
    """Take printed numbers for many rows: "BN26000001", …"""
    numbers = func.emr_next_code(prefix, year, f"emr_{kind}_number")
    rows = await session.scalars(select(numbers).select_from(func.generate_series(1, count)))
    return list(rows)


async def load_patients(
    session: AsyncSession, commands: Sequence[RegisterPatient], *, actor: Actor, now: Instant
) -> None:
    """Open many charts with COPY, with one audit row for the load. A taken number fails the whole load.

    Raises InvalidPatient.
    """
    codes = await next_codes(session, "patient", "BN", local_day(now).year, len(commands))
    made = {"revision": 1, "registered_at": now, "registered_by": actor.id}
    await copy_rows(
        session,
        Patient,
        (
            particulars_of(command, now)
            | made
            | {"id": command.id, "code": code, "fingerprint": fingerprint(command)}
            for command, code in zip(commands, codes, strict=True)
        ),
    )
    common: dict[str, Any] = {"recorded_at": now, "active": True, "recorded_by": actor.id, "ended_reason": ""}
    await copy_rows(
        session,
        PatientIdentifier,
        (
            {"patient_id": command.id, "kind": kind.value, "value": value} | common
            for command in commands
            for kind, value in numbers_of(command).items()
        ),
    )
    await record(session, Entry(Action.CREATE, "emr.patients", detail={"loaded": len(commands)}), actor)
