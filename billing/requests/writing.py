"""The statements that write payment requests."""

from sqlalchemy import ARRAY, Boolean, DateTime, Text, Uuid, bindparam, func, insert, literal, select, update

from billing.care.service import name_of
from billing.references.service import NEXT
from billing.requests.models import PaymentRequest, RequestCharge
from billing.requests.rules import RequestKind, RequestState
from kernel.audit.api import audited
from kernel.outbox.api import enqueued_later
from kernel.statements import Statement

_KNOWN = select(PaymentRequest.id).where(PaymentRequest.id == bindparam("request"))
ASK = Statement(NEXT.add_columns(_KNOWN.exists().label("known"), name_of(bindparam("patient")).label("name")))
COLUMNS = [column.key for column in PaymentRequest.__table__.columns if column.key != "closed_at"]
_WRITTEN = (
    insert(PaymentRequest)
    .values({name: bindparam(name) for name in COLUMNS})
    .returning(PaymentRequest.id)
    .cte("written")
)
_COVERED = (
    insert(RequestCharge)
    .from_select(
        ["request_id", "charge_id"],
        select(_WRITTEN.c.id, func.unnest(bindparam("charges", type_=ARRAY(Uuid)))),
    )
    .cte("covered")
)
_CANCEL = (
    update(PaymentRequest)
    .where(
        PaymentRequest.account_id == bindparam("account"),
        PaymentRequest.state == RequestState.PENDING,
        PaymentRequest.kind == RequestKind.BILL,
    )
    .values(
        state=literal(RequestState.CANCELLED.value),
        closed_at=bindparam("now", type_=DateTime(timezone=True)),
        closed_reason=bindparam("reason", type_=Text),
    )
    .returning(PaymentRequest.id, PaymentRequest.counter)
)
_REPLACED = _CANCEL.where(bindparam("replaces", type_=Boolean)).cte("replaced")
# One statement writes the request with its charges, its end and its audit row, and returns those it replaces.
WRITE = Statement(
    select(_REPLACED.c.id, _REPLACED.c.counter).add_cte(_COVERED, enqueued_later(_WRITTEN), audited(_WRITTEN))
)
CANCEL_OPEN = Statement(_CANCEL)
CANCEL_ASKING = Statement(
    _CANCEL.where(
        PaymentRequest.id.in_(
            select(RequestCharge.request_id).where(RequestCharge.charge_id == bindparam("charge"))
        )
    )
)
