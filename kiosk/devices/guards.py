"""The guard of kiosk screens, and the dependency `device` behind it."""

from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from kernel.clock import utc_now
from kernel.staff.api import client_ip
from kiosk.devices.rules import Scope
from kiosk.devices.service import COOKIE, DeviceNotPaired, PairedDevice, device_of_token

Connection = ASGIConnection[Any, Any, Any, Any]
_REFUSAL = "Máy này chưa được ghép hoặc đã bị ngừng. Xin gọi quản trị."


async def find_device(connection: Connection) -> PairedDevice | None:
    """Read the device's cookie; once per request."""
    seen = connection.scope["state"]
    if "lanh_device" not in seen:
        token = connection.cookies.get(COOKIE)
        sessions = connection.app.state.sessions
        seen["lanh_device"] = token and await device_of_token(
            sessions, token, ip=client_ip(connection), now=utc_now()
        )
    device: PairedDevice | None = seen["lanh_device"] or None
    return device


async def paired_for_check_in(connection: Connection, _: BaseRouteHandler) -> None:
    """Let a paired machine in that may check people in. Raises DeviceNotPaired."""
    device = await find_device(connection)
    if device is None or device.scope is not Scope.CHECK_IN:
        raise DeviceNotPaired(_REFUSAL)


async def provide_device(request: Request[Any, Any, Any]) -> PairedDevice:
    """The machine of this request; only behind the guard."""
    device = await find_device(request)
    if device is None:
        raise DeviceNotPaired(_REFUSAL)
    return device
