"""Sign-in of patients: after the code (or on a remembered device) the birth date, then who of the family."""

from datetime import date, datetime, timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import PatientHit, Precision, find_patients
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.problems import Conflict, NotFound, NotSignedIn, Refused
from kernel.staff.api import Actor
from kernel.statements import Statement
from patient_portal.accounts.codes import CodeDead, step_is_live
from patient_portal.accounts.models import Account, CodeRequest, Device, PatientLogin
from patient_portal.accounts.rules import login_is_live, new_token, token_hash
from patient_portal.settings import PortalSettings

COOKIE = "lanh_portal"
DEVICE_COOKIE = "lanh_portal_device"
STEP_COOKIE = "lanh_portal_step"


class SignInBirthDate(Struct, frozen=True):
    """The second half of a sign-in: exactly one of the two tokens proves the phone."""

    birth_date: date
    step_token: str = ""
    device_token: str = ""
    person: UUID | None = None
    remember: bool = False
    device_label: str = ""


class PersonChoice(Struct, frozen=True):
    id: UUID
    name: str
    code: str


class SignedIn(Struct, frozen=True):
    token: str
    device_token: str | None
    expires_at: Instant


class Patient(Struct, frozen=True):
    """The patient behind a session."""

    account_id: UUID
    patient_id: UUID
    session_id: UUID
    device_id: UUID | None
    phone: str
    ip: str

    @property
    def actor(self) -> Actor:
        """How this person stands in the audit log."""
        return Actor(
            id=self.account_id,
            name="Người bệnh",
            title="",
            roles=frozenset(),
            department="",
            session_id=self.session_id,
            ip=self.ip,
        )


class DeviceView(Struct, frozen=True):
    id: UUID
    label: str
    remembered_at: Instant
    last_used_at: Instant


class StepOver(NotSignedIn):
    slug = "step-over"


class WrongBirthDate(Refused):
    slug = "wrong-birth-date"


class ChoosePerson(Conflict):
    """Several people of one phone share a birth date; `people` in the problem names them."""

    slug = "choose-person"


class NoSuchDevice(NotFound):
    slug = "no-such-device"


class _Proof(Struct, frozen=True):
    """What proves the phone: a code that was typed right, or a remembered device."""

    phone: str
    request_id: UUID | None
    device_id: UUID | None


async def sign_in(
    sessions: Sessions, command: SignInBirthDate, *, ip: str, settings: PortalSettings, now: Instant
) -> SignedIn:
    """Start a session for the person of this phone and birth date; a wrong try is counted though refused.

    Raises StepOver if the phone is proved no longer, WrongBirthDate, CodeDead after too many wrong dates,
    ChoosePerson if several people match and none of them is named.
    """
    async with sessions.begin() as session:
        proof = await _take_try(session, command, settings=settings, now=now)
        people = [] if proof is None else await _matching(session, proof.phone, command.birth_date)
    if proof is None:
        raise StepOver("Bước đăng nhập này đã hết hạn. Xin gửi mã mới.")
    if command.person is not None:
        people = [person for person in people if person.id == command.person]
    if not people:
        raise WrongBirthDate("Ngày sinh không khớp với hồ sơ nào của số điện thoại này.", field="birth_date")
    if len(people) > 1:
        choices = [PersonChoice(person.id, person.name, person.code) for person in people]
        raise ChoosePerson("Xin chọn người.", field="person", extra={"people": choices})
    async with sessions.begin() as session:
        return await _start(session, command, proof, people[0], ip=ip, settings=settings, now=now)


async def _take_try(
    session: AsyncSession, command: SignInBirthDate, *, settings: PortalSettings, now: Instant
) -> _Proof | None:
    """Count a try in the same statement that sees one left: guesses at once wait for each other's row.

    Raises CodeDead if a code's tries are used up; a device then no longer stands in for the code (None).
    """
    if command.step_token:
        known = step_is_live(command.step_token, now=now)
        left = update(CodeRequest).where(known, CodeRequest.birth_tries < settings.code_tries)
        counted = left.values(birth_tries=CodeRequest.birth_tries + 1)
        request = (await session.execute(counted.returning(CodeRequest.id, CodeRequest.phone))).first()
        if request is not None:
            return _Proof(request.phone, request.id, None)
        if await session.scalar(select(CodeRequest.id).where(known)) is not None:
            raise CodeDead("Nhập sai ngày sinh quá số lần cho phép. Xin gửi mã mới.", field="birth_date")
        return None
    remembered = update(Device).where(_stands_in(command.device_token, settings=settings, now=now))
    counted = remembered.values(birth_tries=Device.birth_tries + 1)
    device = (await session.execute(counted.returning(Device.id, Device.phone))).first()
    return _Proof(device.phone, None, device.id) if device else None


def _stands_in(token: str, *, settings: PortalSettings, now: Instant) -> ColumnElement[bool]:
    """The remembered device of this token, while it may still stand in for the code."""
    return and_(
        Device.token_hash == token_hash(token, "device"),
        Device.revoked_at.is_(None),
        Device.expires_at > now,
        Device.birth_tries < settings.code_tries,
    )


async def find_device(
    session: AsyncSession, token: str, *, settings: PortalSettings, now: Instant
) -> Device | None:
    """Return a remembered device that may still stand in for the code."""
    return await session.scalar(select(Device).where(_stands_in(token, settings=settings, now=now)))


async def _matching(session: AsyncSession, phone: str, birth_date: date) -> list[PatientHit]:
    found = await find_patients(session, phone, limit=50)
    return [person for person in found if person.phone == phone and _born(person, birth_date)]


def _born(person: PatientHit, typed: date) -> bool:
    """Compare no more of the birth date than the record knows."""
    known = person.birth_date
    if person.birth_precision is Precision.DAY:
        return known == typed
    month_fits = person.birth_precision is not Precision.MONTH or known.month == typed.month
    return known.year == typed.year and month_fits


async def _start(
    session: AsyncSession,
    command: SignInBirthDate,
    proof: _Proof,
    person: PatientHit,
    *,
    ip: str,
    settings: PortalSettings,
    now: Instant,
) -> SignedIn:
    if proof.request_id is not None:
        used = await session.scalar(
            update(CodeRequest)
            .where(CodeRequest.id == proof.request_id, CodeRequest.used_at.is_(None))
            .values(used_at=now)
            .returning(CodeRequest.id)
        )
        if used is None:
            raise StepOver("Mã này đã dùng rồi. Xin gửi mã mới.")
    device_id, device_token = proof.device_id, None
    if device_id is not None:
        fresh = {"birth_tries": 0, "last_used_at": now}
        await session.execute(update(Device).where(Device.id == device_id).values(fresh))
    elif command.remember:
        device_id, device_token = await _remember(session, command, proof.phone, settings=settings, now=now)
    account_id = await _account_of(session, person.id, now=now)
    token, session_id = new_token(), new_id()
    await session.execute(
        insert(PatientLogin).values(
            id=session_id,
            token_hash=token_hash(token, "session"),
            account_id=account_id,
            device_id=device_id,
            phone=proof.phone,
            ip=ip or None,
            started_at=now,
            last_seen_at=now,
        )
    )
    patient = Patient(account_id, person.id, session_id, device_id, proof.phone, ip)
    await _note(session, Action.LOGIN, patient)
    return SignedIn(token, device_token, now + timedelta(hours=settings.session_hours))


async def _remember(
    session: AsyncSession, command: SignInBirthDate, phone: str, *, settings: PortalSettings, now: Instant
) -> tuple[UUID, str]:
    token, device_id = new_token(), new_id()
    await session.execute(
        insert(Device).values(
            id=device_id,
            phone=phone,
            token_hash=token_hash(token, "device"),
            label=command.device_label,
            remembered_at=now,
            last_used_at=now,
            expires_at=now + timedelta(days=settings.device_days),
        )
    )
    return device_id, token


async def _account_of(session: AsyncSession, patient_id: UUID, *, now: datetime) -> UUID:
    await session.execute(
        upsert(Account)
        .values(id=new_id(), patient_id=patient_id, created_at=now)
        .on_conflict_do_nothing(index_elements=["patient_id"])
    )
    account_id = await session.scalar(select(Account.id).where(Account.patient_id == patient_id))
    assert account_id is not None
    return account_id


_LOGIN = Statement(
    select(
        PatientLogin.id,
        PatientLogin.account_id,
        PatientLogin.device_id,
        PatientLogin.phone,
        PatientLogin.started_at,
        PatientLogin.last_seen_at,
        Account.patient_id,
    )
    .join(Account, Account.id == PatientLogin.account_id)
    .where(PatientLogin.token_hash == bindparam("hash"), PatientLogin.ended_at.is_(None))
)


async def patient_of_token(
    sessions: Sessions, token: str, *, ip: str, settings: PortalSettings, now: Instant
) -> Patient | None:
    """Return who holds this token, or None if unknown, ended or too old. Notes "last seen" once a minute."""
    async with sessions() as session:
        row = await _LOGIN.first(session, hash=token_hash(token, "session"))
        if row is None or not login_is_live(
            started_at=row["started_at"],
            last_seen_at=row["last_seen_at"],
            now=now,
            hours=settings.session_hours,
            idle_minutes=settings.session_idle_minutes,
        ):
            return None
        if now - row["last_seen_at"] > timedelta(minutes=1):
            seen = update(PatientLogin).where(PatientLogin.id == row["id"]).values(last_seen_at=now)
            await session.execute(seen)
            await session.commit()
    return Patient(row["account_id"], row["patient_id"], row["id"], row["device_id"], row["phone"], ip)


async def sign_out(session: AsyncSession, patient: Patient, *, now: Instant) -> None:
    ended = update(PatientLogin).where(PatientLogin.id == patient.session_id).values(ended_at=now)
    await session.execute(ended)
    await _note(session, Action.LOGOUT, patient)


async def devices_of(session: AsyncSession, patient: Patient, *, now: Instant) -> list[DeviceView]:
    """Return the remembered devices of the phone this person signed in with."""
    query = select(Device.id, Device.label, Device.remembered_at, Device.last_used_at).where(
        Device.phone == patient.phone, Device.revoked_at.is_(None), Device.expires_at > now
    )
    rows = await session.execute(query.order_by(Device.last_used_at.desc()))
    return [DeviceView(*row) for row in rows]


async def forget_device(session: AsyncSession, device_id: UUID, *, patient: Patient, now: Instant) -> None:
    """Forget a device and end its sessions. Raises NoSuchDevice, also for another phone's."""
    forgotten = await session.scalar(
        update(Device)
        .where(Device.id == device_id, Device.phone == patient.phone, Device.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(Device.id)
    )
    if forgotten is None:
        raise NoSuchDevice("Không tìm thấy máy này.")
    await session.execute(
        update(PatientLogin)
        .where(PatientLogin.device_id == device_id, PatientLogin.ended_at.is_(None))
        .values(ended_at=now)
    )
    await _note(session, Action.CHANGE, patient)


async def online_patients(session: AsyncSession) -> int:
    """Count distinct people with health data on the online service (NĐ 331/2026 Đ13: alarm at 10 000)."""
    return await session.scalar(select(func.count()).select_from(Account)) or 0


async def _note(session: AsyncSession, action: Action, patient: Patient) -> None:
    subject = f"portal.account:{patient.account_id}"
    await record(session, Entry(action=action, subject=subject, patient_id=patient.patient_id), patient.actor)
