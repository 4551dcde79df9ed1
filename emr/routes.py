"""Controllers of emr, assembled by hospital."""

from litestar.types import ControllerRouterHandler

from emr.care_teams.pages import EmergencyPages
from emr.care_teams.rest import EmergencyController
from emr.catalogs.rest import CatalogController
from emr.charts.pages import PatientPages, ScanPages
from emr.entries.pages import EntryPages
from emr.orders.credit_pages import CreditPages
from emr.orders.pages import WorkPages
from emr.orders.rest import OrderController
from emr.patients.rest import PatientController
from emr.places.pages import RosterPages
from emr.prescriptions.rest import PrescriptionController
from emr.queues.pages import BoardPages
from emr.queues.rest import QueueController
from emr.reception.card_pages import CardPages
from emr.reception.pages import ReceptionPages
from emr.scans.pages import ScanConversionPages
from emr.sheets.pages import DocumentPages, SheetPages
from emr.sheets.rest import FormController, SheetController
from emr.stays.pages import StayPages
from emr.stays.rest import StayController
from emr.visits.rest import HistoryController, VisitController
from emr.vitals.pages import TriagePages
from emr.vitals.rest import VitalsController
from emr.workbench.desk_pages import DeskPages
from emr.workbench.ending_pages import EndingPages, WaitingPages
from emr.workbench.order_pages import OrderPages
from emr.workbench.room_pages import RoomPages
from emr.workbench.search import SearchPages

ROUTES: list[ControllerRouterHandler] = [
    PatientController,
    VisitController,
    HistoryController,
    OrderController,
    QueueController,
    StayController,
    CatalogController,
    ReceptionPages,
    CardPages,
    CreditPages,
    TriagePages,
    VitalsController,
    EmergencyPages,
    EmergencyController,
    PatientPages,
    ScanPages,
    WorkPages,
    StayPages,
    BoardPages,
    RoomPages,
    DeskPages,
    OrderPages,
    EndingPages,
    WaitingPages,
    FormController,
    SheetController,
    SheetPages,
    DocumentPages,
    PrescriptionController,
    SearchPages,
    RosterPages,
    EntryPages,
    ScanConversionPages,
]
