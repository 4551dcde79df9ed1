"""What other packages may use of billing."""

from billing.bills.views import AccountState, BillLine, BillView
from billing.prices.rules import PriceKind
from billing.receipts.views import Method, ReceiptKind, ReceiptView
from billing.requests.rules import RequestKind, RequestState
from billing.requests.views import CreateRequest, RequestView

__all__ = [
    "AccountState",
    "BillLine",
    "BillView",
    "CreateRequest",
    "Method",
    "PriceKind",
    "ReceiptKind",
    "ReceiptView",
    "RequestKind",
    "RequestState",
    "RequestView",
]
