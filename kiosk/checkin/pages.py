"""The three screens of check-in: scan, confirm, ticket. No name or number stands in an address."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import utc_now
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.problems import Problem
from kernel.settings import KernelSettings
from kernel.staff.api import client_ip
from kiosk.checkin.desk import Desk
from kiosk.checkin.rest import DESK
from kiosk.checkin.service import CheckIn, Scan, arrival_slip, arrival_view, check_in, identify
from kiosk.devices.guards import paired_for_check_in
from kiosk.devices.rest import device_cookie
from kiosk.devices.service import DeviceNotPaired, PairDevice, pair_device

Form = URLEncodedBody[dict[str, str]]
AnyRequest = Request[Any, Any, Any]


def to_pairing(_: AnyRequest, problem: DeviceNotPaired) -> Response[Any]:
    """A machine that is not paired, or was revoked, asks for its code."""
    context = {"errors": [], "told": problem.detail, "idle_seconds": 0}
    return Template("kiosk/pair.html", context=context, status_code=403)


class PairingPages(Controller):
    path = "/kiosk/pair"
    include_in_schema = False

    @get(opt={"public": True})
    async def form(self) -> Template:
        """Ask for the pairing code."""
        return Template("kiosk/pair.html", context={"errors": [], "told": "", "idle_seconds": 0})

    @post(opt={"public": True})
    async def pair(
        self,
        data: Form,
        request: AnyRequest,
        sessions: NamedDependency[Sessions],
        kernel_settings: NamedDependency[KernelSettings],
    ) -> Response[Any]:
        """Pair this machine and show the first screen."""
        try:
            async with sessions.begin() as session:
                command = PairDevice(data.get("code", "")[:40])
                token = await pair_device(session, command, ip=client_ip(request), now=utc_now())
        except Problem as problem:
            context = {"errors": [("code", problem.detail)], "told": "", "idle_seconds": 0}
            return Template("kiosk/pair.html", context=context, status_code=problem.status)
        return Redirect("/kiosk", status_code=303, cookies=[device_cookie(token, kernel_settings)])


class CheckInPages(Controller):
    path = "/kiosk"
    include_in_schema = False
    guards = (paired_for_check_in,)
    dependencies = DESK
    exception_handlers = {DeviceNotPaired: to_pairing}

    @get()
    async def start(self) -> Template:
        """The first screen: one scan field."""
        return Template("kiosk/scan.html", context={"id": new_id(), "refusal": "", "idle_seconds": 0})

    @post("/scan")
    async def scan(
        self, data: Form, desk: NamedDependency[Desk], sessions: NamedDependency[Sessions]
    ) -> Response[Any]:
        """Say who it is, or in words why not."""
        try:
            scan_id = UUID(data.get("id", ""))
        except ValueError:
            scan_id = new_id()
        try:
            async with sessions.begin() as session:
                view = await identify(session, Scan(scan_id, data.get("text", "")), desk)
        except Problem as problem:
            return _refused(desk, problem)
        return Redirect(f"/kiosk/arrivals/{view.id}", status_code=303)

    @get("/arrivals/{arrival_id:uuid}")
    async def confirm(
        self, arrival_id: FromPath[UUID], desk: NamedDependency[Desk], session: NamedDependency[AsyncSession]
    ) -> Response[Any]:
        """The second screen: is it you, which exam, which payer."""
        try:
            view = await arrival_view(session, arrival_id, desk)
        except Problem:
            return Redirect("/kiosk", status_code=303)
        context = {"arrival": view, "idle_seconds": desk.settings.blank_seconds}
        return Template("kiosk/confirm.html", context=context)

    @post("/arrivals/{arrival_id:uuid}")
    async def check_in(
        self,
        arrival_id: FromPath[UUID],
        data: Form,
        desk: NamedDependency[Desk],
        sessions: NamedDependency[Sessions],
    ) -> Response[Any]:
        """Open the visit."""
        command = CheckIn(insured=data.get("payer") == "BHYT", service=data.get("service", ""))
        try:
            async with sessions.begin() as session:
                await check_in(session, arrival_id, command, desk)
        except Problem as problem:
            return _refused(desk, problem)
        return Redirect(f"/kiosk/arrivals/{arrival_id}/ticket", status_code=303)

    @get("/arrivals/{arrival_id:uuid}/ticket")
    async def ticket(
        self, arrival_id: FromPath[UUID], desk: NamedDependency[Desk], session: NamedDependency[AsyncSession]
    ) -> Response[Any]:
        """The third screen: number and room."""
        try:
            slip = await arrival_slip(session, arrival_id, desk)
        except Problem:
            return Redirect("/kiosk", status_code=303)
        context = {
            "slip": slip,
            "idle_seconds": desk.settings.blank_seconds,
            "print_slip": desk.settings.print_tickets,
        }
        return Template("kiosk/ticket.html", context=context)


def _refused(desk: Desk, problem: Problem) -> Template:
    context = {"id": new_id(), "refusal": problem.detail, "idle_seconds": desk.settings.blank_seconds}
    return Template("kiosk/scan.html", context=context, status_code=problem.status)
