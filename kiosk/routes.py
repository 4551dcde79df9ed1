"""Controllers of kiosk, assembled by hospital."""

from litestar.types import ControllerRouterHandler

from kiosk.checkin.pages import CheckInPages, PairingPages
from kiosk.checkin.rest import CheckInController
from kiosk.devices.pages import DevicePages
from kiosk.devices.rest import DeviceController, PairingController

ROUTES: list[ControllerRouterHandler] = [
    DeviceController,
    PairingController,
    CheckInController,
    PairingPages,
    CheckInPages,
    DevicePages,
]
