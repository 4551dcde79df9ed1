"""Add, pair and revoke machines of the lobby."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.problems import Forbidden, NotFound, Refused
from kernel.staff.api import Actor
from kiosk.devices.models import Device
from kiosk.devices.rules import Scope, clean_pairing_code, new_pairing_code, new_token, secret_hash
from kiosk.settings import KioskSettings

COOKIE = "lanh_kiosk"


class AddDevice(Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=2, max_length=80)]


class PairDevice(Struct, frozen=True, forbid_unknown_fields=True):
    code: Annotated[str, Meta(max_length=40)]


class PairingView(Struct, frozen=True):
    id: UUID
    name: str
    code: str
    """Shown once; only its hash is stored."""
    expires_at: Instant


class DeviceView(Struct, frozen=True):
    id: UUID
    name: str
    scope: Scope
    added_at: Instant
    paired_at: Instant | None
    last_seen_at: Instant | None
    revoked_at: Instant | None


class PairedDevice(Struct, frozen=True):
    """The machine behind a token."""

    id: UUID
    name: str
    scope: Scope
    ip: str

    @property
    def actor(self) -> Actor:
        """How the machine stands in the audit log."""
        return Actor(
            id=self.id, name=self.name, title="Máy ở sảnh", roles=frozenset(), department="", ip=self.ip
        )


class BadPairingCode(Refused):
    slug = "bad-pairing-code"


class NoSuchDevice(NotFound):
    slug = "no-such-device"


class DeviceNotPaired(Forbidden):
    slug = "device-not-paired"


async def add_device(
    session: AsyncSession, command: AddDevice, *, actor: Actor, settings: KioskSettings, now: Instant
) -> PairingView:
    """Add a machine and return the code to type at it."""
    device_id, code = new_id(), new_pairing_code()
    expires_at = now + timedelta(minutes=settings.pairing_minutes)
    await session.execute(
        insert(Device).values(
            id=device_id,
            name=command.name,
            scope=Scope.CHECK_IN.value,
            pairing_hash=secret_hash(clean_pairing_code(code), "pairing"),
            pairing_expires_at=expires_at,
            added_by=actor.id,
            added_at=now,
        )
    )
    await record(session, Entry(Action.CREATE, f"kiosk.device:{device_id}"), actor)
    return PairingView(device_id, command.name, code, expires_at)


async def pair_device(session: AsyncSession, command: PairDevice, *, ip: str, now: Instant) -> str:
    """Return the token of the machine the code was made for. Raises BadPairingCode; a code works once."""
    token = new_token()
    row = (
        await session.execute(
            update(Device)
            .where(
                Device.pairing_hash == secret_hash(clean_pairing_code(command.code), "pairing"),
                Device.pairing_expires_at > now,
                Device.revoked_at.is_(None),
            )
            .values(
                pairing_hash=None,
                pairing_expires_at=None,
                token_hash=secret_hash(token, "token"),
                paired_at=now,
                last_seen_at=now,
            )
            .returning(Device.id, Device.name, Device.scope)
        )
    ).first()
    if row is None:
        raise BadPairingCode("Mã ghép không đúng hoặc đã hết hạn. Xin quản trị tạo mã mới.", field="code")
    device = PairedDevice(row.id, row.name, Scope(row.scope), ip)
    await record(session, Entry(Action.LOGIN, f"kiosk.device:{device.id}"), device.actor)
    return token


async def device_of_token(sessions: Sessions, token: str, *, ip: str, now: Instant) -> PairedDevice | None:
    """Return the machine that holds this token, or None if unknown or revoked. Notes "last seen" once a minute."""
    query = select(Device.id, Device.name, Device.scope, Device.last_seen_at)
    query = query.where(Device.token_hash == secret_hash(token, "token"), Device.revoked_at.is_(None))
    async with sessions() as session:
        row = (await session.execute(query)).first()
        if row is None:
            return None
        if row.last_seen_at is None or now - row.last_seen_at > timedelta(minutes=1):
            await session.execute(update(Device).where(Device.id == row.id).values(last_seen_at=now))
            await session.commit()
    return PairedDevice(row.id, row.name, Scope(row.scope), ip)


async def list_devices(session: AsyncSession) -> list[DeviceView]:
    names = DeviceView.__struct_fields__
    rows = await session.execute(select(*(getattr(Device, name) for name in names)).order_by(Device.name))
    return [DeviceView(**{**row._mapping, "scope": Scope(row.scope)}) for row in rows]


async def revoke_device(session: AsyncSession, device_id: UUID, *, actor: Actor, now: Instant) -> None:
    """Let a machine in no more. Raises NoSuchDevice."""
    gone = await session.scalar(
        update(Device)
        .where(Device.id == device_id, Device.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(Device.id)
    )
    if gone is None:
        raise NoSuchDevice("Không có máy đang dùng này.")
    await record(session, Entry(Action.VOID, f"kiosk.device:{device_id}"), actor)
