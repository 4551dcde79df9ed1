"""Amounts due, payment codes and receipts over REST."""

from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from billing.api import ReceiptView, RequestView
from billing.settings import BillingSettings
from kernel.clock import utc_now
from kernel.refusals import refusals
from kernel.services import Services
from kernel.settings import KernelSettings
from patient_portal.accounts.guards import patient_signed_in, provide_patient
from patient_portal.accounts.service import Patient
from patient_portal.money.service import (
    AskPayment,
    Due,
    ask_payment,
    dues_of,
    own_bill_file,
    own_receipt_file,
    own_receipts,
    own_request,
)


def pdf(content: bytes, name: str) -> Response[bytes]:
    headers = {"content-disposition": f'attachment; filename="{name}.pdf"', "cache-control": "no-store"}
    return Response(content, media_type="application/pdf", headers=headers)


class MoneyController(Controller):
    path = "/api/portal"
    guards = (patient_signed_in,)
    dependencies = {"patient": Provide(provide_patient)}

    @get("/dues", operation_id="listDues", responses=refusals(401))
    async def dues(
        self,
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
        billing_settings: NamedDependency[BillingSettings],
    ) -> list[Due]:
        """List episodes with what is left to pay (viện phí còn phải trả)."""
        return await dues_of(session, patient, settings=billing_settings, now=utc_now())

    @post(
        "/dues/{episode_id:uuid}/payment", operation_id="askPortalPayment", responses=refusals(401, 404, 409)
    )
    async def pay(
        self,
        episode_id: FromPath[UUID],
        data: JSONBody[AskPayment],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
        billing_settings: NamedDependency[BillingSettings],
        kernel_settings: NamedDependency[KernelSettings],
    ) -> RequestView:
        """Make a VietQR payment code for all that is left."""
        return await ask_payment(
            session,
            episode_id,
            data,
            patient,
            facility=kernel_settings.facility,
            settings=billing_settings,
            now=utc_now(),
        )

    @get("/payments/{request_id:uuid}", operation_id="getPortalPayment", responses=refusals(401, 404))
    async def payment(
        self,
        request_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
    ) -> RequestView:
        """Show a payment code and whether its money came."""
        return await own_request(session, request_id, patient)

    @get("/receipts", operation_id="listPortalReceipts", responses=refusals(401))
    async def receipts(
        self, patient: NamedDependency[Patient], session: NamedDependency[AsyncSession]
    ) -> list[ReceiptView]:
        """List the receipts, newest first."""
        return await own_receipts(session, patient)

    @get(
        "/receipts/{receipt_id:uuid}/file",
        operation_id="downloadPortalReceipt",
        responses=refusals(401, 404),
        media_type="application/pdf",
    )
    async def receipt_file(
        self,
        receipt_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        services: NamedDependency[Services],
    ) -> Response[bytes]:
        """Download a receipt, as it was rendered once."""
        return pdf(await own_receipt_file(services, receipt_id, patient, now=utc_now()), "phieu-thu")

    @get(
        "/dues/{episode_id:uuid}/file",
        operation_id="downloadPortalBill",
        responses=refusals(401, 404),
        media_type="application/pdf",
    )
    async def bill_file(
        self,
        episode_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        services: NamedDependency[Services],
    ) -> Response[bytes]:
        """Download the bill 01/KBCB of an episode (bảng kê chi phí)."""
        return pdf(await own_bill_file(services, episode_id, patient, now=utc_now()), "bang-ke-01-kbcb")
