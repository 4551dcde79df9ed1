"""Pages of money: what is due, pay by QR on the phone, receipts."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from billing.api import RequestState, RequestView, draw_qr
from billing.settings import BillingSettings
from kernel.clock import utc_now
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.problems import Problem
from kernel.services import Services
from kernel.settings import KernelSettings
from patient_portal.accounts.guards import PatientNotSignedIn, patient_signed_in, provide_patient
from patient_portal.accounts.pages import to_sign_in
from patient_portal.accounts.service import Patient
from patient_portal.money.rest import pdf
from patient_portal.money.service import (
    AskPayment,
    ask_payment,
    due_of_episode,
    dues_of,
    own_bill_file,
    own_invoice_file,
    own_invoices,
    own_receipt_file,
    own_receipts,
    own_request,
)

FOLDER = "patient_portal/money"
Form = URLEncodedBody[dict[str, str]]


class MoneyPages(Controller):
    path = "/portal/bills"
    include_in_schema = False
    guards = (patient_signed_in,)
    exception_handlers = {PatientNotSignedIn: to_sign_in}
    dependencies = {"patient": Provide(provide_patient)}

    @get()
    async def listing(
        self,
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
        billing_settings: NamedDependency[BillingSettings],
    ) -> Template:
        """Show what is due and what was paid."""
        dues = await dues_of(session, patient, settings=billing_settings, now=utc_now())
        context = {
            "dues": dues,
            "receipts": await own_receipts(session, patient),
            "place": "bills",
            "new_id": new_id,
        }
        return Template(f"{FOLDER}/bills.html", context=context)

    @post("/{episode_id:uuid}/payment")
    async def pay(
        self,
        episode_id: FromPath[UUID],
        data: Form,
        patient: NamedDependency[Patient],
        sessions: NamedDependency[Sessions],
        billing_settings: NamedDependency[BillingSettings],
        kernel_settings: NamedDependency[KernelSettings],
    ) -> Response[Any]:
        """Make a payment code and show it."""
        now = utc_now()
        try:
            command = AskPayment(UUID(data.get("id", "")))
            async with sessions.begin() as session:
                request = await ask_payment(
                    session,
                    episode_id,
                    command,
                    patient,
                    facility=kernel_settings.facility,
                    settings=billing_settings,
                    now=now,
                )
        except ValueError:
            return Redirect("/portal/bills", status_code=303)
        except Problem as problem:
            context = {"problem": problem.detail, "place": "bills"}
            return Template(f"{FOLDER}/refused.html", context=context, status_code=problem.status)
        return Redirect(f"/portal/bills/payments/{request.id}", status_code=303)

    @get("/{episode_id:uuid}")
    async def one(
        self,
        episode_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
        billing_settings: NamedDependency[BillingSettings],
    ) -> Template:
        """Show one episode's figures."""
        due = await due_of_episode(session, episode_id, patient, settings=billing_settings, now=utc_now())
        invoices = await own_invoices(session, episode_id, patient)
        context = {"due": due, "invoices": invoices, "place": "bills", "id": new_id()}
        return Template(f"{FOLDER}/bill.html", context=context)

    @get("/{episode_id:uuid}/file")
    async def bill_file(
        self,
        episode_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        services: NamedDependency[Services],
    ) -> Response[bytes]:
        """Download the bill 01/KBCB."""
        return pdf(await own_bill_file(services, episode_id, patient, now=utc_now()), "bang-ke-01-kbcb")

    @get("/receipts/{receipt_id:uuid}/file")
    async def receipt_file(
        self,
        receipt_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        services: NamedDependency[Services],
    ) -> Response[bytes]:
        """Download a receipt."""
        return pdf(await own_receipt_file(services, receipt_id, patient, now=utc_now()), "phieu-thu")

    @get("/{episode_id:uuid}/invoices/{invoice_id:uuid}/file")
    async def invoice_file(
        self,
        episode_id: FromPath[UUID],
        invoice_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        services: NamedDependency[Services],
    ) -> Response[bytes]:
        """Download an invoice."""
        return pdf(await own_invoice_file(services, episode_id, invoice_id, patient), "hoa-don")

    @get("/payments/{request_id:uuid}")
    async def payment(
        self,
        request_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
        kernel_settings: NamedDependency[KernelSettings],
    ) -> Template:
        """Show the code; the page asks every few seconds whether the money came."""
        request = await own_request(session, request_id, patient)
        return Template(f"{FOLDER}/payment.html", context=_payment(request, kernel_settings))

    @get("/payments/{request_id:uuid}/state")
    async def state(
        self,
        request_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
        kernel_settings: NamedDependency[KernelSettings],
    ) -> Template:
        """The part of the payment page that changes."""
        request = await own_request(session, request_id, patient)
        return Template(f"{FOLDER}/_payment.html", context=_payment(request, kernel_settings))

    @get("/payments/{request_id:uuid}/qr.png")
    async def picture(
        self,
        request_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
    ) -> Response[bytes]:
        """The code as a picture, which the bank's app opens from the phone's photos."""
        request = await own_request(session, request_id, patient)
        headers = {
            "content-disposition": f'attachment; filename="vietqr-{request.reference}.png"',
            "cache-control": "no-store",
        }
        return Response(draw_qr(request.payload).png(), media_type="image/png", headers=headers)


def _payment(request: RequestView, kernel: KernelSettings) -> dict[str, Any]:
    waiting = request.state in (RequestState.PENDING, RequestState.UNDERPAID)
    return {
        "request_view": request,
        "waiting": waiting,
        "paid": request.state in (RequestState.PAID, RequestState.OVERPAID),
        # The drawing is ours and holds digits and letters of a path only.
        "qr": Markup(draw_qr(request.payload).svg()) if waiting else "",  # noqa: S704
        "facility": kernel.facility,
        "demo": kernel.demo,
        "place": "bills",
    }
