"""The administrator's page of lobby machines."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import utc_now
from kernel.staff.api import Actor, Role, needs
from kiosk.devices.service import AddDevice, add_device, list_devices, revoke_device
from kiosk.settings import KioskSettings

Form = URLEncodedBody[dict[str, str]]


class DevicePages(Controller):
    path = "/devices"
    include_in_schema = False
    guards = (needs(Role.ADMIN),)

    @get()
    async def listing(self, session: NamedDependency[AsyncSession]) -> Template:
        """List the machines."""
        return await _listing(session, errors=[], pairing=None, status=200)

    @post(status_code=200)
    async def add(
        self,
        data: Form,
        actor: NamedDependency[Actor],
        session: NamedDependency[AsyncSession],
        kiosk_settings: NamedDependency[KioskSettings],
    ) -> Template:
        """Add a machine and show its code, this once."""
        name = data.get("name", "").strip()
        if not 2 <= len(name) <= 80:
            errors = [("name", "Ghi nơi đặt máy, ví dụ: Sảnh A, máy 1.")]
            return await _listing(session, errors=errors, pairing=None, status=422)
        now = utc_now()
        pairing = await add_device(session, AddDevice(name), actor=actor, settings=kiosk_settings, now=now)
        return await _listing(session, errors=[], pairing=pairing, status=200)

    @post("/{device_id:uuid}/revocation")
    async def revoke(
        self, device_id: FromPath[UUID], actor: NamedDependency[Actor], session: NamedDependency[AsyncSession]
    ) -> Response[Any]:
        """Let a machine in no more."""
        await revoke_device(session, device_id, actor=actor, now=utc_now())
        return Redirect("/devices", status_code=303)


async def _listing(
    session: AsyncSession, *, errors: list[tuple[str, str]], pairing: object, status: int
) -> Template:
    context = {"devices": await list_devices(session), "errors": errors, "pairing": pairing}
    return Template("kiosk/devices.html", context=context, status_code=status)
