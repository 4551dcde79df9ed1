"""Controllers of billing, assembled by hospital."""

from litestar.types import ControllerRouterHandler

from billing.invoices.ask_pages import AskPages
from billing.invoices.pages import InvoicePages
from billing.invoices.rest import InvoiceController
from billing.prices.rest import PriceController
from billing.prints.pages import PaperPages
from billing.refunds.pages import AskRefundPages, RefundPages
from billing.refunds.rest import RefundController
from billing.requests.rest import RequestController
from billing.screens.pages import ScreenPages
from billing.till.cash_pages import CashPages
from billing.till.pages import AccountPages, TillPages
from billing.till.rest import TillController
from billing.till.unmatched import UnmatchedPages
from billing.webhooks.rest import WebhookController

ROUTES: list[ControllerRouterHandler] = [
    AccountPages,
    AskPages,
    CashPages,
    InvoiceController,
    InvoicePages,
    PaperPages,
    PriceController,
    AskRefundPages,
    RefundController,
    RefundPages,
    RequestController,
    ScreenPages,
    TillController,
    TillPages,
    UnmatchedPages,
    WebhookController,
]
