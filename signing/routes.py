"""Controllers of signing, assembled by hospital."""

from litestar.types import ControllerRouterHandler

from signing.certificates.enrolment_pages import EnrolmentPages
from signing.certificates.enrolment_rest import EnrolmentController
from signing.certificates.pages import (
    CertificatePages,
    MyCertificatePages,
    PolicyPages,
    ReadinessPages,
    RehearsalPages,
)
from signing.certificates.rest import CertificateController
from signing.pages import SigningPages
from signing.people.pages import PeoplePages
from signing.people.rest import PeopleController
from signing.people.tablet_pages import TabletPages
from signing.remote.pages import RemotePages
from signing.remote.rest import RemoteCallbackController, RemoteController
from signing.rest import SigningController, verify_bytes
from signing.task_pages import TaskPages
from signing.verify_pages import VERIFY_ROUTES

ROUTES: list[ControllerRouterHandler] = [
    SigningController,
    SigningPages,
    TaskPages,
    RemotePages,
    PeoplePages,
    PeopleController,
    TabletPages,
    RemoteController,
    RemoteCallbackController,
    CertificateController,
    EnrolmentController,
    EnrolmentPages,
    CertificatePages,
    MyCertificatePages,
    PolicyPages,
    RehearsalPages,
    ReadinessPages,
    verify_bytes,
    *VERIFY_ROUTES,
]
