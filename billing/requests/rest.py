"""REST of payment requests."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from billing.requests.service import cancel_request, create_request, get_request
from billing.requests.views import CreateRequest, RequestView
from billing.settings import BillingSettings
from billing.vietqr.drawing import draw
from kernel.clock import utc_now
from kernel.settings import KernelSettings
from kernel.staff.api import Actor, Role, needs

NO_STORE = {"cache-control": "no-store"}


class CancelRequest(Struct, frozen=True, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(min_length=3, max_length=300)]


class RequestController(Controller):
    path = "/api/billing/requests"
    guards = [needs(Role.CASHIER, Role.ACCOUNTANT)]

    @post(operation_id="createPaymentRequest")
    async def create(
        self,
        data: JSONBody[CreateRequest],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        kernel_settings: NamedDependency[KernelSettings],
        billing_settings: NamedDependency[BillingSettings],
    ) -> RequestView:
        """Ask for money (yêu cầu thanh toán): the code appears on the counter's second screen."""
        return await create_request(
            session,
            data,
            actor=actor,
            facility=kernel_settings.facility,
            settings=billing_settings,
            now=utc_now(),
        )

    @get("/{request_id:uuid}", operation_id="getPaymentRequest")
    async def read(self, request_id: FromPath[UUID], session: NamedDependency[AsyncSession]) -> RequestView:
        """Return a request and what became of it."""
        return await get_request(session, request_id)

    @post("/{request_id:uuid}/cancel", operation_id="cancelPaymentRequest", status_code=200)
    async def cancel(
        self,
        request_id: FromPath[UUID],
        data: JSONBody[CancelRequest],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> RequestView:
        """Take a request off the screens."""
        return await cancel_request(session, request_id, reason=data.reason, actor=actor, now=utc_now())

    @get("/{request_id:uuid}/qr.svg", operation_id="drawPaymentRequestSvg")
    async def svg(
        self, request_id: FromPath[UUID], session: NamedDependency[AsyncSession]
    ) -> Response[bytes]:
        """Draw its VietQR code as SVG."""
        request = await get_request(session, request_id)
        picture = draw(request.payload).svg().encode()
        return Response(picture, media_type="image/svg+xml", headers=NO_STORE)

    @get("/{request_id:uuid}/qr.png", operation_id="drawPaymentRequestPng")
    async def png(
        self, request_id: FromPath[UUID], session: NamedDependency[AsyncSession]
    ) -> Response[bytes]:
        """Draw its VietQR code as PNG, 8 pixels a module."""
        request = await get_request(session, request_id)
        return Response(draw(request.payload).png(), media_type="image/png", headers=NO_STORE)
