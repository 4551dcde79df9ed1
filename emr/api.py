"""What other packages may use of emr."""

from emr.catalogs.views import Drug, Icd10, Service
from emr.orders.rules import OrderState, Payer, Priority, Setting
from emr.orders.views import OrderLine, OrderView, PlaceOrders, ReportResult, ResultView
from emr.patients.scan import (
    BadScan,
    BillSlip,
    CitizenCard,
    InsuranceCardScan,
    PatientSlip,
    Precision,
    Scan,
    Sex,
    TypedNumber,
    parse_scan,
)
from emr.patients.views import PatientHit, PatientView, RegisterPatient
from emr.visits.rules import IdentifiedBy, Outcome, QueuePriority, VisitState
from emr.visits.views import CardCheck, Guardian, OpenVisit, StayView, TicketView, VisitHeader, VisitView

__all__ = [
    "BadScan",
    "BillSlip",
    "CardCheck",
    "CitizenCard",
    "Drug",
    "Guardian",
    "Icd10",
    "IdentifiedBy",
    "InsuranceCardScan",
    "OpenVisit",
    "OrderLine",
    "OrderState",
    "OrderView",
    "Outcome",
    "PatientHit",
    "PatientSlip",
    "PatientView",
    "Payer",
    "PlaceOrders",
    "Precision",
    "Priority",
    "QueuePriority",
    "RegisterPatient",
    "ReportResult",
    "ResultView",
    "Scan",
    "Service",
    "Setting",
    "Sex",
    "StayView",
    "TicketView",
    "TypedNumber",
    "VisitHeader",
    "VisitState",
    "VisitView",
    "parse_scan",
]
