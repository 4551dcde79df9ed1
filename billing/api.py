"""What other packages may use of billing."""

from billing.accounts.service import NoAccount, account_of
from billing.bills.service import BillNotComputable, bill
from billing.bills.views import AccountState, BillLine, BillView
from billing.invoices.content import Buyer, BuyerKind
from billing.invoices.planning import Planner
from billing.invoices.service import (
    AskInvoice,
    BuyerIncomplete,
    InvoiceExists,
    InvoiceView,
    NoSuchInvoice,
    ask_invoice,
    get_invoice,
    invoices_of_episode,
)
from billing.notices.rules import sepay_signature
from billing.notices.service import Delivery
from billing.payments.service import pay_in_cash
from billing.prices.rules import PriceKind
from billing.prices.service import NewPrice, add_prices, prices_of
from billing.prints.service import bill_pdf, invoice_pdf, receipt_pdf
from billing.receipts.service import (
    NoSuchReceipt,
    get_receipt,
    receipts_of_episode,
    receipts_of_patient,
    receipts_of_request,
)
from billing.receipts.views import Method, ReceiptKind, ReceiptView
from billing.requests.rules import RequestKind, RequestState
from billing.requests.service import (
    AlreadySettled,
    NoSuchRequest,
    NothingToPay,
    PriceMissing,
    RequestClosed,
    RequestIdReused,
    cancel_request,
    counter_topic,
    create_request,
    get_request,
    requests_of_episode,
)
from billing.requests.views import CreateRequest, RequestView
from billing.settlements.service import NotEndedYet, NotPaidYet, settle_episode
from billing.shifts.service import CounterView, add_counter, list_counters
from billing.vietqr.banks import bank_name
from billing.vietqr.drawing import draw as draw_qr
from billing.vietqr.rules import BadQr
from billing.vietqr.rules import Decoded as DecodedQr
from billing.vietqr.rules import decode as decode_qr
from billing.webhooks.service import take_notice as receive_notice

__all__ = [
    "AccountState",
    "AlreadySettled",
    "AskInvoice",
    "BadQr",
    "BillLine",
    "BillNotComputable",
    "BillView",
    "Buyer",
    "BuyerIncomplete",
    "BuyerKind",
    "CounterView",
    "CreateRequest",
    "DecodedQr",
    "Delivery",
    "InvoiceExists",
    "InvoiceView",
    "Method",
    "NewPrice",
    "NoAccount",
    "NoSuchInvoice",
    "NoSuchReceipt",
    "NoSuchRequest",
    "NotEndedYet",
    "NotPaidYet",
    "NothingToPay",
    "Planner",
    "PriceKind",
    "PriceMissing",
    "ReceiptKind",
    "ReceiptView",
    "RequestClosed",
    "RequestIdReused",
    "RequestKind",
    "RequestState",
    "RequestView",
    "account_of",
    "add_counter",
    "add_prices",
    "ask_invoice",
    "bank_name",
    "bill",
    "bill_pdf",
    "cancel_request",
    "counter_topic",
    "create_request",
    "decode_qr",
    "draw_qr",
    "get_invoice",
    "get_receipt",
    "get_request",
    "invoice_pdf",
    "invoices_of_episode",
    "list_counters",
    "pay_in_cash",
    "prices_of",
    "receipt_pdf",
    "receipts_of_episode",
    "receipts_of_patient",
    "receipts_of_request",
    "receive_notice",
    "requests_of_episode",
    "sepay_signature",
    "settle_episode",
]
