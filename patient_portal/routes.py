"""Controllers of patient_portal, assembled by hospital."""

from litestar.types import ControllerRouterHandler

from patient_portal.accounts.pages import SignInPages, SignOutPage
from patient_portal.accounts.rest import AccountController, SignInController
from patient_portal.booking.pages import BookingPages
from patient_portal.booking.rest import BookingController, ScheduleController, SlotController
from patient_portal.consents.rest import ConsentController
from patient_portal.telehealth.pages import TelehealthDeskPages, TelehealthPages
from patient_portal.telehealth.rest import TelehealthController, TelehealthDeskController

ROUTES: list[ControllerRouterHandler] = [
    SignInController,
    AccountController,
    SlotController,
    BookingController,
    ScheduleController,
    ConsentController,
    TelehealthController,
    TelehealthDeskController,
    SignInPages,
    SignOutPage,
    BookingPages,
    TelehealthPages,
    TelehealthDeskPages,
]
