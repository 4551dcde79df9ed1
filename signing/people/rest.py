"""Sittings for programs: who has papers to sign, open, look, cancel, witness."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import utc_now
from kernel.services import Services
from kernel.staff.api import Actor
from signing.people.absence import witness
from signing.people.opening import Opened, OpenSitting, open_sitting
from signing.people.pages import BEDSIDE
from signing.people.sittings import cancel_sitting
from signing.people.views import SittingView, WaitingPatient, get_sitting, waiting_patients


class CancelSitting(Struct, frozen=True, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(max_length=500)] = ""


class WitnessSitting(Struct, frozen=True, forbid_unknown_fields=True):
    pin: str


class PeopleController(Controller):
    path = "/api/signing/sittings"
    tags = ("signing",)
    guards = (BEDSIDE,)

    @get("/waiting", operation_id="listPatientsToSign")
    async def waiting(self, session: NamedDependency[AsyncSession]) -> list[WaitingPatient]:
        """List patients with papers to sign, who waits longest first."""
        return await waiting_patients(session)

    @post(operation_id="openSitting")
    async def open(
        self, data: JSONBody[OpenSitting], services: NamedDependency[Services], actor: NamedDependency[Actor]
    ) -> Opened:
        """Open a sitting (lần ký). Problems: not-for-the-patient, other-patient, being-signed, may-not-sign-alone, …"""
        return await open_sitting(services, data, actor=actor, now=utc_now())

    @get("/{sitting_id:uuid}", operation_id="getSitting")
    async def one(self, sitting_id: FromPath[UUID], session: NamedDependency[AsyncSession]) -> SittingView:
        """Get a sitting with its documents and witnesses. Problems: sitting-not-found."""
        return await get_sitting(session, sitting_id)

    @post("/{sitting_id:uuid}/cancellation", operation_id="cancelSitting")
    async def cancel(
        self,
        sitting_id: FromPath[UUID],
        data: JSONBody[CancelSitting],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> SittingView:
        """End a sitting before anything was signed. Problems: sitting-not-found, wrong-sitting-state."""
        return await cancel_sitting(session, sitting_id, data.reason, actor=actor, now=utc_now())

    @post("/{sitting_id:uuid}/witnesses", operation_id="witnessSitting")
    async def witness(
        self,
        sitting_id: FromPath[UUID],
        data: JSONBody[WitnessSitting],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> SittingView:
        """Witness that somebody did not sign. Problems: already-witness, author-may-not-witness, wrong-pin, sitting-expired, …"""
        return await witness(services, sitting_id, data.pin, actor=actor, now=utc_now())
