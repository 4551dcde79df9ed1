"""The accountant's page of invoices: what is stuck, what waits, what is done; mend and send again."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.ask_pages import KINDS, TOO_LONG, typed_buyer
from billing.invoices.content import Buyer
from billing.invoices.rules import STATE_WORDS, State
from billing.invoices.service import (
    BuyerIncomplete,
    EventView,
    MendBuyer,
    Shown,
    buyer_of,
    buyer_warnings,
    count_invoices,
    events_of_invoice,
    get_invoice,
    list_invoices,
    mend_buyer,
    resend_invoice,
)
from billing.prints.pages import MONEY, file_id, invoice_file
from kernel.clock import Instant, local, utc_now
from kernel.db import Sessions
from kernel.problems import Forbidden
from kernel.services import Services
from kernel.staff.api import Actor, Role, needs

ACCOUNTANT = needs(Role.ACCOUNTANT)
TABS = ((Shown.STUCK, "Cần xử lý"), (Shown.WAITING, "Đang đi"), (Shown.DONE, "Đã giao"))
EVENT_WORDS = {
    "signed": "Đã đánh số và ký",
    "sent": "Đã gửi, chờ mã",
    "coded": "Có mã, đã kiểm tra và lưu",
    "delivered": "Đã giao bản thể hiện",
    "unsure": "Nhà cung cấp không trả lời rõ, sẽ hỏi lại",
    "rejected": "Bị từ chối",
    "held": "Dừng lại chờ người xử lý",
    "bad_return": "Bản trả về không dùng được, giữ làm chứng cứ",
    "buyer_mended": "Đã sửa người mua",
}


class InvoicePages(Controller):
    path = "/invoices"
    include_in_schema = False

    @get(guards=[ACCOUNTANT])
    async def show(
        self, session: NamedDependency[AsyncSession], shown: FromQuery[Shown | None] = None
    ) -> Template:
        """One group of invoices; the stuck ones first while there are any."""
        counts = await count_invoices(session, now=utc_now())
        shown = shown or (Shown.STUCK if counts.stuck else Shown.DONE)
        context = {
            "shown": shown,
            "tabs": TABS,
            "counts": counts,
            "invoices": await list_invoices(session, shown),
            "words": STATE_WORDS,
        }
        return Template("billing/invoices.html", context=context)

    @get("/{name:str}", guards=[needs(*MONEY)])
    async def one(
        self,
        name: FromPath[str],
        sessions: NamedDependency[Sessions],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> Response[Any]:
        """<id>: what happened to an invoice and what may be done; <id>.pdf and <id>.xml: its files."""
        if "." in name:
            return await invoice_file(services, name, actor)
        if not actor.has(Role.ACCOUNTANT):
            raise Forbidden("Việc này dành cho kế toán.")
        async with sessions() as session:
            return await _page(session, file_id(name, ""))

    @post("/{name:str}/sendings", guards=[ACCOUNTANT])
    async def resend(
        self,
        name: FromPath[str],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Redirect:
        """Take an invoice up again; the provider is asked before anything is sent."""
        invoice_id = file_id(name, "")
        await resend_invoice(session, invoice_id, actor=actor)
        return Redirect(f"/invoices/{invoice_id}", status_code=303)

    @post("/{name:str}/buyer", guards=[ACCOUNTANT])
    async def mend(
        self,
        name: FromPath[str],
        data: URLEncodedBody[dict[str, str]],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Response[Any]:
        """Correct the buyer of an invoice that was not issued, and send it again."""
        invoice_id = file_id(name, "")
        before = await buyer_of(session, invoice_id)
        buyer = typed_buyer(before, data)
        try:
            msgspec.convert(msgspec.to_builtins(buyer), Buyer)
            async with session.begin_nested():
                await mend_buyer(session, MendBuyer(invoice_id, buyer), actor=actor, now=utc_now())
        except BuyerIncomplete as refusal:
            return await _page(
                session, invoice_id, buyer=buyer, errors={refusal.field or "name": refusal.detail}
            )
        except msgspec.ValidationError:
            return await _page(session, invoice_id, buyer=buyer, errors={"name": TOO_LONG})
        return Redirect(f"/invoices/{invoice_id}", status_code=303)


async def _page(
    session: AsyncSession,
    invoice_id: UUID,
    *,
    buyer: Buyer | None = None,
    errors: dict[str, str] | None = None,
) -> Template:
    invoice = await get_invoice(session, invoice_id)
    buyer = buyer or await buyer_of(session, invoice_id)
    events = await events_of_invoice(session, invoice_id)
    context = {
        "invoice": invoice,
        "word": STATE_WORDS[invoice.state],
        "mendable": invoice.state is State.CREATED,
        "open": invoice.state is not State.DELIVERED,
        "history": [(_moment(invoice.created_at), "Lập hoá đơn", ""), *(_told(event) for event in events)],
        "buyer": buyer,
        "kinds": KINDS,
        "warnings": buyer_warnings(buyer),
        "errors": errors or {},
    }
    return Template("billing/invoice.html", context=context, status_code=422 if errors else 200)


def _told(event: EventView) -> tuple[str, str, str]:
    return _moment(event.at), EVENT_WORDS.get(event.event, event.event), event.why


def _moment(moment: Instant) -> str:
    return f"{local(moment):%d/%m %H:%M}"
