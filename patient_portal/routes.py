"""Controllers of patient_portal, assembled by hospital."""

from litestar.types import ControllerRouterHandler

from patient_portal.accounts.pages import SignInPages, SignOutPage
from patient_portal.accounts.rest import AccountController, SignInController
from patient_portal.booking.desk_pages import SchedulePages
from patient_portal.booking.pages import BookingPages
from patient_portal.booking.rest import BookingController, ScheduleController, SlotController
from patient_portal.consents.rest import ConsentController
from patient_portal.money.pages import MoneyPages
from patient_portal.money.rest import MoneyController
from patient_portal.records.pages import RecordPages
from patient_portal.records.rest import RecordController
from patient_portal.telehealth.pages import TelehealthDeskPages, TelehealthPages
from patient_portal.telehealth.rest import TelehealthController, TelehealthDeskController

ROUTES: list[ControllerRouterHandler] = [
    SignInController,
    AccountController,
    SlotController,
    BookingController,
    ScheduleController,
    ConsentController,
    MoneyController,
    RecordController,
    TelehealthController,
    TelehealthDeskController,
    SignInPages,
    SignOutPage,
    BookingPages,
    SchedulePages,
    MoneyPages,
    RecordPages,
    TelehealthPages,
    TelehealthDeskPages,
]
