"""Papers to look at and to print: receipts, bills, invoices."""

from typing import NoReturn
from uuid import UUID

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.service import account_of
from billing.invoices.service import InvoiceView, NoSuchInvoice, get_invoice
from billing.prints.service import bill_pdf, receipt_copy, receipt_pdf, receipt_roll_pdf
from billing.receipts.service import get_receipt
from kernel.audit.api import Action, Entry, record
from kernel.clock import utc_now
from kernel.problems import NotFound
from kernel.services import Services
from kernel.staff.api import Actor, Role, needs

MONEY = (Role.CASHIER, Role.ACCOUNTANT, Role.INSURANCE, Role.HEAD, Role.DIRECTOR)
_PRIVATE = {"cache-control": "private, no-store"}


class NoSuchFile(NotFound):
    slug = "no-such-file"


class PaperPages(Controller):
    guards = [needs(*MONEY)]
    include_in_schema = False

    @get("/receipts/{name:str}")
    async def receipt(
        self,
        name: FromPath[str],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
        size: FromQuery[str] = "a5",
        copy: FromQuery[bool] = False,
    ) -> Response[bytes]:
        """The receipt as kept; ?size=80 for the roll printer, ?copy=true for a reprint that says so."""
        receipt_id = file_id(name, ".pdf")
        async with services.sessions.begin() as session:
            view = await get_receipt(session, receipt_id)
            await _printed(session, f"billing.receipt:{receipt_id}", view.patient_id, actor)
        now = utc_now()
        if size == "80":
            data = await receipt_roll_pdf(services, receipt_id)
        elif copy:
            data = await receipt_copy(services, receipt_id, now=now)
        else:
            data = await receipt_pdf(services, receipt_id, now=now)
        return _pdf(data, f"phieu-thu-{view.number}")

    @get("/episodes/{episode_id:uuid}/bill.pdf")
    async def bill(
        self, episode_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
    ) -> Response[bytes]:
        """The bill 01/KBCB: provisional until settled."""
        async with services.sessions.begin() as session:
            account = await account_of(session, episode_id)
            await _printed(session, f"billing.account:{account.id}", account.patient_id, actor)
        data = await bill_pdf(services, episode_id, maker=actor.name, now=utc_now())
        return _pdf(data, f"bang-ke-{episode_id}")


async def invoice_file(services: Services, name: str, actor: Actor) -> Response[bytes]:
    """Return <id>.pdf, the paper view, or <id>.xml, the invoice byte for byte as it came from the tax authority.

    Raises NoSuchFile, NoSuchInvoice.
    """
    suffix = ".xml" if name.endswith(".xml") else ".pdf"
    invoice = await _asked_for(services, file_id(name, suffix), actor)
    title = f"hoa-don-{invoice.symbol}-{invoice.number}"
    if suffix == ".pdf":
        return _pdf(await _archived(services, invoice.view_sha256), title)
    headers = {"content-disposition": f'attachment; filename="{title}.xml"', **_PRIVATE}
    data = await _archived(services, invoice.archived_sha256)
    return Response(data, media_type="application/xml", headers=headers)


def file_id(name: str, suffix: str) -> UUID:
    """Return the id a file is named by, with or without the suffix. Raises NoSuchFile."""
    try:
        return UUID(name.removesuffix(suffix))
    except ValueError:
        return _no_file()


def _no_file() -> NoReturn:
    raise NoSuchFile("Không có tệp này.")


async def _asked_for(services: Services, invoice_id: UUID, actor: Actor) -> InvoiceView:
    async with services.sessions.begin() as session:
        invoice = await get_invoice(session, invoice_id)
        await _printed(session, f"billing.invoice:{invoice_id}", None, actor)
        return invoice


async def _archived(services: Services, sha256: str | None) -> bytes:
    if sha256 is None:
        raise NoSuchInvoice("Hoá đơn này chưa có mã của cơ quan thuế nên chưa có tệp.")
    return await services.objects.get(sha256)


async def _printed(session: AsyncSession, subject: str, patient_id: UUID | None, actor: Actor) -> None:
    await record(session, Entry(Action.PRINT, subject, patient_id), actor)


def _pdf(data: bytes, name: str) -> Response[bytes]:
    headers = {"content-disposition": f'inline; filename="{name}.pdf"', **_PRIVATE}
    return Response(data, media_type="application/pdf", headers=headers)
