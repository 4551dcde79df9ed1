"""The guard of the portal, and the dependency `patient` behind it."""

from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from kernel.clock import utc_now
from kernel.problems import NotSignedIn
from kernel.staff.api import client_ip
from patient_portal.accounts.service import COOKIE, Patient, patient_of_token

Connection = ASGIConnection[Any, Any, Any, Any]


class PatientNotSignedIn(NotSignedIn):
    slug = "patient-not-signed-in"


async def find_patient(connection: Connection) -> Patient | None:
    """Read the session cookie; once per request."""
    seen = connection.scope["state"]
    if "lanh_patient" not in seen:
        token = connection.cookies.get(COOKIE)
        state = connection.app.state
        seen["lanh_patient"] = token and await patient_of_token(
            state.sessions, token, ip=client_ip(connection), settings=state.settings.portal, now=utc_now()
        )
    patient: Patient | None = seen["lanh_patient"] or None
    return patient


async def patient_signed_in(connection: Connection, _: BaseRouteHandler) -> None:
    """Let a signed-in patient in. Raises PatientNotSignedIn."""
    if await find_patient(connection) is None:
        raise PatientNotSignedIn("Xin đăng nhập để tiếp tục.")


async def provide_patient(request: Request[Any, Any, Any]) -> Patient:
    """The signed-in patient; only behind the guard."""
    patient = await find_patient(request)
    if patient is None:
        raise PatientNotSignedIn("Xin đăng nhập để tiếp tục.")
    return patient
