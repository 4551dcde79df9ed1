"""Machines of the lobby over REST: add, list, revoke for the administrator; pair at the machine."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import utc_now
from kernel.settings import KernelSettings
from kernel.staff.api import Actor, Role, client_ip, needs
from kiosk.devices.service import (
    COOKIE,
    AddDevice,
    DeviceView,
    PairDevice,
    PairingView,
    add_device,
    list_devices,
    pair_device,
    revoke_device,
)
from kiosk.settings import KioskSettings

FIVE_YEARS = 5 * 365 * 86_400


def device_cookie(token: str, kernel: KernelSettings) -> Cookie:
    return Cookie(
        key=COOKIE,
        value=token,
        max_age=FIVE_YEARS,
        httponly=True,
        secure=kernel.secure_cookies,
        samesite="strict",
        path="/",
    )


class DeviceController(Controller):
    path = "/api/kiosk/devices"
    guards = (needs(Role.ADMIN),)

    @get(operation_id="listKioskDevices")
    async def listing(self, session: NamedDependency[AsyncSession]) -> list[DeviceView]:
        """List the machines."""
        return await list_devices(session)

    @post(operation_id="addKioskDevice")
    async def add(
        self,
        data: JSONBody[AddDevice],
        actor: NamedDependency[Actor],
        session: NamedDependency[AsyncSession],
        kiosk_settings: NamedDependency[KioskSettings],
    ) -> PairingView:
        """Add a machine; the answer holds the code to type at it, once."""
        return await add_device(session, data, actor=actor, settings=kiosk_settings, now=utc_now())

    @delete("/{device_id:uuid}", operation_id="revokeKioskDevice")
    async def revoke(
        self, device_id: FromPath[UUID], actor: NamedDependency[Actor], session: NamedDependency[AsyncSession]
    ) -> None:
        """Let a machine in no more."""
        await revoke_device(session, device_id, actor=actor, now=utc_now())


class PairingController(Controller):
    path = "/api/kiosk/pairing"

    @post(operation_id="pairKioskDevice", opt={"public": True, "exclude_from_csrf": True})
    async def pair(
        self,
        data: JSONBody[PairDevice],
        request: Request[Any, Any, Any],
        session: NamedDependency[AsyncSession],
        kernel_settings: NamedDependency[KernelSettings],
    ) -> Response[None]:
        """Pair this machine with a code from the administrator."""
        token = await pair_device(session, data, ip=client_ip(request), now=utc_now())
        return Response(None, status_code=204, cookies=[device_cookie(token, kernel_settings)])
