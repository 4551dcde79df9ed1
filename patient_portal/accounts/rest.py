"""Sign-in of patients over REST."""

from datetime import date
from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant, utc_now
from kernel.db import Sessions
from kernel.refusals import refusals
from kernel.settings import KernelSettings
from kernel.staff.api import client_ip
from patient_portal.accounts.codes import AskCode, CodeAsked, ask_code, check_code
from patient_portal.accounts.guards import patient_signed_in, provide_patient
from patient_portal.accounts.rules import device_label
from patient_portal.accounts.service import (
    COOKIE,
    DEVICE_COOKIE,
    DeviceView,
    Patient,
    SignedIn,
    SignInBirthDate,
    devices_of,
    forget_device,
    sign_in,
    sign_out,
)
from patient_portal.settings import PortalSettings

AnyRequest = Request[Any, Any, Any]


class StartSession(Struct, frozen=True, forbid_unknown_fields=True):
    """Code and birth date in one call; `person` only when several people share both."""

    code_request_id: UUID
    code: str
    birth_date: date
    person: UUID | None = None
    remember: bool = False


class SessionStarted(Struct, frozen=True):
    expires_at: Instant


def portal_cookies(signed: SignedIn, kernel: KernelSettings, settings: PortalSettings) -> list[Cookie]:
    """The cookies of a session and, if asked for, of the remembered device; scripts can't read them."""
    kept = [(COOKIE, signed.token, settings.session_hours * 3600)]
    if signed.device_token:
        kept.append((DEVICE_COOKIE, signed.device_token, settings.device_days * 86_400))
    return [
        Cookie(
            key=key,
            value=value,
            max_age=age,
            httponly=True,
            secure=kernel.secure_cookies,
            samesite="lax",
            path="/",
        )
        for key, value, age in kept
    ]


class SignInController(Controller):
    path = "/api/portal"
    opt = {"public": True, "exclude_from_csrf": True}  # No session to ride on yet.

    @post("/codes", status_code=202, operation_id="askPortalCode", responses=refusals(422, 429, 503))
    async def ask(
        self,
        data: JSONBody[AskCode],
        request: AnyRequest,
        session: NamedDependency[AsyncSession],
        portal_settings: NamedDependency[PortalSettings],
    ) -> CodeAsked:
        """Ask for a one-time code by text message; the answer never tells whether the phone is known."""
        return await ask_code(session, data, ip=client_ip(request), settings=portal_settings, now=utc_now())

    @post("/sessions", operation_id="startPortalSession", responses=refusals(401, 409, 422))
    async def start(
        self,
        data: JSONBody[StartSession],
        request: AnyRequest,
        sessions: NamedDependency[Sessions],
        portal_settings: NamedDependency[PortalSettings],
        kernel_settings: NamedDependency[KernelSettings],
    ) -> Response[SessionStarted]:
        """Sign in with the code and the birth date."""
        now = utc_now()
        step = await check_code(sessions, data.code_request_id, data.code, settings=portal_settings, now=now)
        command = SignInBirthDate(
            birth_date=data.birth_date,
            step_token=step,
            person=data.person,
            remember=data.remember,
            device_label=device_label(request.headers.get("user-agent", "")),
        )
        signed = await sign_in(sessions, command, ip=client_ip(request), settings=portal_settings, now=now)
        cookies = portal_cookies(signed, kernel_settings, portal_settings)
        return Response(SessionStarted(signed.expires_at), status_code=201, cookies=cookies)


class AccountController(Controller):
    path = "/api/portal"
    guards = [patient_signed_in]
    dependencies = {"patient": Provide(provide_patient)}

    @delete("/sessions/current", operation_id="endPortalSession", responses=refusals(401))
    async def end(self, patient: NamedDependency[Patient], session: NamedDependency[AsyncSession]) -> None:
        """Sign out."""
        await sign_out(session, patient, now=utc_now())

    @get("/devices", operation_id="listPortalDevices", responses=refusals(401))
    async def devices(
        self, patient: NamedDependency[Patient], session: NamedDependency[AsyncSession]
    ) -> list[DeviceView]:
        """List the remembered devices of this phone."""
        return await devices_of(session, patient, now=utc_now())

    @delete("/devices/{device_id:uuid}", operation_id="forgetPortalDevice", responses=refusals(401, 404))
    async def forget(
        self,
        device_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
    ) -> None:
        """Forget a device and end its sessions."""
        await forget_device(session, device_id, patient=patient, now=utc_now())
