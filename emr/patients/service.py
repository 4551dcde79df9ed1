"""Register people, correct their particulars, read their charts."""

from typing import Any, cast
from uuid import UUID

from msgspec import convert, structs, to_builtins
from sqlalchemy import Table, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from emr.once import fingerprint, require_same
from emr.patients.models import Patient, PatientIdentifier, PatientVersion
from emr.patients.rules import (
    IdentifierKind,
    is_citizen_id,
    is_insurance_no,
    possible_birth,
    social_code,
)
from emr.patients.scan import is_name
from emr.patients.search import name_pairs
from emr.patients.views import ChangePatient, IdentifierView, Particulars, PatientView, RegisterPatient
from emr.patients.writing import ONE_CHART_A_NUMBER, REGISTER, REGISTER_ALONE
from kernel.audit.api import Action, Entry, audit_values, record
from kernel.clock import Instant, local_day
from kernel.problems import Conflict, NotFound, Refused
from kernel.staff.api import Actor
from kernel.text import clean_line, fold, normalise_phone

_PATIENTS = cast(Table, Patient.__table__)
_IDENTIFIERS = cast(Table, PatientIdentifier.__table__)
_VERSIONS = cast(Table, PatientVersion.__table__)
_COLUMNS = [getattr(Patient, name) for name in PatientView.__struct_fields__]
_KEPT = Particulars.__struct_fields__


class NoSuchPatient(NotFound):
    slug = "no-such-patient"


class PatientExists(Conflict):
    """The number already names another chart."""

    slug = "patient-exists"


class StalePatient(Conflict):
    slug = "stale-patient"


class InvalidPatient(Refused):
    slug = "invalid-patient"


async def register_patient(
    session: AsyncSession, command: RegisterPatient, *, actor: Actor, now: Instant, alone: bool = False
) -> PatientView:
    """Open a chart once; sending the same command again returns the first result.

    `alone`: the session does nothing else, so it is committed at once, in one trip to the database.
    Raises InvalidPatient (naming the field), PatientExists if a number already names a chart, IdReused.
    """
    numbers = numbers_of(command)
    values = particulars_of(command, now) | {
        "id": command.id,
        "revision": 1,
        "fingerprint": fingerprint(command),
        "registered_at": now,
        "registered_by": actor.id,
    }
    entry = Entry(Action.CREATE, f"emr.patient:{command.id}", patient_id=command.id)
    given = {f"given_{name}": value for name, value in values.items()} | audit_values(entry, actor)
    given |= {"kinds": [kind.value for kind in numbers], "numbers": list(numbers.values())}
    given["year"] = local_day(now).year
    made = await (_alone(session, numbers, given) if alone else REGISTER.first(session, **given))
    assert made is not None, "it always answers with one row"
    code, taken = made["code"], made["taken"]
    if code is None:
        stored = await session.scalar(select(Patient.fingerprint).where(Patient.id == command.id))
        require_same(stored or b"", command)
        return await get_patient(session, command.id)
    for kind, value in numbers.items():
        if kind.value not in taken:
            raise _exists(kind, await _holder(session, kind, value))
    shown = {key: value for key, value in values.items() if key in PatientView.__struct_fields__}
    return convert(shown | {"code": code}, PatientView)


async def _alone(session: AsyncSession, numbers: dict[IdentifierKind, str], given: dict[str, Any]) -> Any:
    """Raises PatientExists: the database refused the whole, and this finds out whose number it is."""
    try:
        return await REGISTER_ALONE.alone(session, **given)
    except IntegrityError as error:
        if ONE_CHART_A_NUMBER not in str(error.orig):
            raise
        await session.rollback()
        holders = {kind: await _holder(session, kind, value) for kind, value in numbers.items()}
        kind = next((kind for kind, holder in holders.items() if holder), next(iter(numbers)))
        raise _exists(kind, holders[kind]) from error


def numbers_of(command: RegisterPatient | ChangePatient) -> dict[IdentifierKind, str]:
    """The identifiers a command carries, as they are compared."""
    numbers = {
        IdentifierKind.CITIZEN: command.citizen_id,
        IdentifierKind.INSURANCE: social_code(command.insurance_no) if command.insurance_no else None,
        IdentifierKind.PASSPORT: command.passport_no,
    }
    if isinstance(command, RegisterPatient):
        numbers[IdentifierKind.OLD_ID] = command.old_id
    return {kind: value for kind, value in numbers.items() if value}


def particulars_of(command: RegisterPatient | ChangePatient, now: Instant) -> dict[str, Any]:
    """The columns of a chart. Raises InvalidPatient."""
    name = _line(command.name, "name")
    if not is_name(name):
        raise InvalidPatient("Họ tên chỉ gồm chữ, dấu cách, dấu nháy và gạch nối.", field="name")
    if not possible_birth(command.birth_date, local_day(now)):
        raise InvalidPatient(
            "Ngày sinh không thể có: ở tương lai hoặc quá 130 năm trước.", field="birth_date"
        )
    if command.citizen_id and not is_citizen_id(command.citizen_id):
        raise InvalidPatient("Số định danh cá nhân gồm đúng 12 chữ số.", field="citizen_id")
    if command.insurance_no and not is_insurance_no(command.insurance_no):
        raise InvalidPatient("Số thẻ BHYT gồm 15 ký tự, hoặc mã BHXH 10 chữ số.", field="insurance_no")
    key = fold(name)
    words = key.split()
    if not words:
        raise InvalidPatient("Họ tên còn trống.", field="name")
    return {
        "name": name,
        "name_key": key,
        "given_key": " ".join([*words[-1:], *words[:-1]]),
        "name_pairs": name_pairs(key),
        "birth_date": command.birth_date,
        "birth_precision": command.birth_precision.value,
        "sex": command.sex.value,
        "citizen_id": command.citizen_id or None,
        "insurance_no": command.insurance_no or None,
        "passport_no": command.passport_no or None,
        "phone": _phone(command.phone),
        "address": _line(command.address, "address"),
        "ward_code": command.ward_code or None,
        "province_code": command.province_code or None,
        "ethnic_code": command.ethnic_code or None,
        "nationality": command.nationality,
        "occupation": _line(command.occupation, "occupation"),
        "allergies": _line(command.allergies, "allergies"),
    }


def _line(typed: str, field: str) -> str:
    try:
        return clean_line(typed)
    except ValueError:
        raise InvalidPatient("Có ký tự không dùng được. Tắt bộ gõ hoặc nhập lại.", field=field) from None


def _phone(typed: str | None) -> str | None:
    if not typed:
        return None
    try:
        return normalise_phone(typed)
    except ValueError:
        raise InvalidPatient("Số điện thoại không đúng. Ví dụ: 0901 234 567.", field="phone") from None


async def _add_identifiers(
    session: AsyncSession,
    patient_id: UUID,
    numbers: dict[IdentifierKind, str],
    *,
    actor: Actor,
    now: Instant,
) -> None:
    """Raises PatientExists if one of them already names another chart, even one being registered right now."""
    if not numbers:
        return
    rows = [
        {
            "patient_id": patient_id,
            "kind": kind.value,
            "value": value,
            "recorded_at": now,
            "active": True,
            "recorded_by": actor.id,
            "ended_at": None,
            "ended_reason": "",
        }
        for kind, value in numbers.items()
    ]
    made = insert(_IDENTIFIERS).values(rows).on_conflict_do_nothing().returning(_IDENTIFIERS.c.kind)
    taken = set(await session.scalars(made))
    for kind, value in numbers.items():
        if kind.value not in taken:
            raise _exists(kind, await _holder(session, kind, value))


async def _holder(session: AsyncSession, kind: IdentifierKind, value: str) -> Any:
    """Find the chart a number names now, if any: a row with its id and code."""
    holder = select(Patient.id, Patient.code).join(
        PatientIdentifier, PatientIdentifier.patient_id == Patient.id
    )
    holder = holder.where(
        PatientIdentifier.kind == kind.value, PatientIdentifier.value == value, PatientIdentifier.active
    )
    return (await session.execute(holder)).first()


def _exists(kind: IdentifierKind, holder: Any) -> PatientExists:
    fields = {
        IdentifierKind.CITIZEN: "citizen_id",
        IdentifierKind.INSURANCE: "insurance_no",
        IdentifierKind.PASSPORT: "passport_no",
    }
    code = holder.code if holder else "khác"
    extra = {"patient_id": str(holder.id), "code": holder.code} if holder else {}
    return PatientExists(
        f"Số này đã thuộc hồ sơ {code}. Mở hồ sơ đó thay vì lập mới.", field=fields.get(kind), extra=extra
    )


async def get_patient(session: AsyncSession, patient_id: UUID) -> PatientView:
    """Raises NoSuchPatient. The caller audits: opening a chart is `open_chart`."""
    row = (await session.execute(select(*_COLUMNS).where(Patient.id == patient_id))).first()
    if row is None:
        raise NoSuchPatient("Không có hồ sơ người bệnh này.")
    return convert(row._asdict(), PatientView)


async def get_patient_by_code(session: AsyncSession, code: str) -> PatientView:
    """Raises NoSuchPatient."""
    row = (await session.execute(select(*_COLUMNS).where(Patient.code == code))).first()
    if row is None:
        raise NoSuchPatient("Không có hồ sơ người bệnh này.")
    return convert(row._asdict(), PatientView)


async def open_chart(
    session: AsyncSession, patient_id: UUID, *, actor: Actor, reason: str | None = None
) -> PatientView:
    """Read a chart for a person of staff, and audit it. Raises NoSuchPatient."""
    patient = await get_patient(session, patient_id)
    entry = Entry(Action.VIEW, f"emr.patient:{patient_id}", patient_id=patient_id, reason=reason)
    await record(session, entry, actor)
    return patient


async def identifiers_of(session: AsyncSession, patient_id: UUID) -> list[IdentifierView]:
    """Return every number the person has or had, the active first."""
    columns = [getattr(PatientIdentifier, name) for name in IdentifierView.__struct_fields__]
    rows = await session.execute(
        select(*columns)
        .where(PatientIdentifier.patient_id == patient_id)
        .order_by(PatientIdentifier.active.desc(), PatientIdentifier.recorded_at)
    )
    return [convert(row._asdict(), IdentifierView) for row in rows]


async def change_patient(
    session: AsyncSession, patient_id: UUID, command: ChangePatient, *, actor: Actor, now: Instant
) -> PatientView:
    """Correct a chart and keep the earlier version and numbers.

    Raises NoSuchPatient, StalePatient if somebody changed it meanwhile, InvalidPatient, PatientExists.
    """
    row = (
        await session.execute(select(Patient).where(Patient.id == patient_id).with_for_update())
    ).scalar_one_or_none()
    if row is None:
        raise NoSuchPatient("Không có hồ sơ người bệnh này.")
    if row.revision != command.revision:
        raise StalePatient("Hồ sơ vừa được người khác sửa. Tải lại rồi sửa tiếp.", field="revision")
    particulars = particulars_of(command, now)
    before = convert(row, PatientView, from_attributes=True)
    kept = {name: value for name, value in to_builtins(before).items() if name in _KEPT}
    await session.execute(
        insert(_VERSIONS).values(
            patient_id=patient_id,
            revision=row.revision,
            particulars=kept,
            replaced_at=now,
            replaced_by=actor.id,
            reason=command.reason,
        )
    )
    await _replace_identifiers(session, before, command, actor=actor, now=now)
    await session.execute(
        update(_PATIENTS)
        .where(_PATIENTS.c.id == patient_id)
        .values(particulars | {"revision": row.revision + 1})
    )
    after = await get_patient(session, patient_id)
    changed = [name for name in _KEPT if getattr(before, name) != getattr(after, name)]
    entry = Entry(Action.CHANGE, f"emr.patient:{patient_id}", patient_id, command.reason, {"fields": changed})
    await record(session, entry, actor)
    session.expire(row)
    return after


async def _replace_identifiers(
    session: AsyncSession, before: PatientView, command: ChangePatient, *, actor: Actor, now: Instant
) -> None:
    """End the numbers that no longer hold and add the new ones; ended numbers stay searchable (R-21)."""
    old = numbers_of(as_change(before, command.reason))
    new = numbers_of(command)
    for kind, value in old.items():
        if new.get(kind) != value:
            await session.execute(
                update(_IDENTIFIERS)
                .where(
                    _IDENTIFIERS.c.patient_id == before.id,
                    _IDENTIFIERS.c.kind == kind.value,
                    _IDENTIFIERS.c.value == value,
                    _IDENTIFIERS.c.active,
                )
                .values(active=False, ended_at=now, ended_reason=command.reason)
            )
    added = {kind: value for kind, value in new.items() if old.get(kind) != value}
    await _add_identifiers(session, before.id, added, actor=actor, now=now)


def as_change(patient: PatientView, reason: str, **changes: Any) -> ChangePatient:
    """Build a correction that keeps all particulars but the named ones."""
    same = {name: getattr(patient, name) for name in (*_KEPT, "revision")}
    return structs.replace(ChangePatient(**same, reason=reason), **changes)
