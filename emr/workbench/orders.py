"""The orders of a visit as the doctor sees them: price, paid or not, result."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import OrderState, OrderView
from emr.orders.rules import ReleasedBy
from emr.orders.work import orders_of_visit
from emr.places.service import list_rooms
from emr.sheets.prices import unit_prices
from emr.workbench.views import OrderRow
from kernel.money import format_vnd

WORDS = {
    OrderState.HELD: "Chờ thu",
    OrderState.DOING: "Đang làm",
    OrderState.REPORTED: "Chưa duyệt",
    OrderState.VOIDED: "Đã huỷ",
}
RELEASED_WORDS = {ReleasedBy.PAYMENT: "Đã thu", ReleasedBy.CREDIT: "Cho nợ"}
VOID_REASONS = (
    ("Chỉ định nhầm", "Chỉ định nhầm"),
    ("Người bệnh không làm", "Người bệnh không làm"),
    ("Đã có kết quả gần đây", "Đã có kết quả gần đây"),
    ("Đổi sang dịch vụ khác", "Đổi sang dịch vụ khác"),
)


def state_word(order: OrderView) -> str:
    """Say what needs somebody; an insured order that may simply be done says nothing."""
    if order.state is OrderState.RELEASED:
        return RELEASED_WORDS.get(order.released_by, "") if order.released_by else ""
    if order.state is OrderState.DONE:
        return "" if order.result else "Đã thực hiện"
    return WORDS.get(order.state, "")


def result_words(order: OrderView) -> str:
    if order.result is None:
        return ""
    value = (
        f"{order.result.value.replace('.', ',')} {order.result.unit}".strip() if order.result.value else ""
    )
    return value or order.result.text[:60]


async def order_rows(session: AsyncSession, visit_id: UUID) -> list[OrderRow]:
    """Return the investigations and procedures of a visit, without its exam."""
    orders = [order for order in await orders_of_visit(session, visit_id) if order.kind != "EXAM"]
    rooms = {room.code: room.name for room in await list_rooms(session)}
    prices = await unit_prices(session, [order.id for order in orders])
    return [
        OrderRow(
            id=order.id,
            name=order.service_name,
            quantity=order.quantity,
            room=rooms.get(order.room or "", order.room or ""),
            price=prices[order.id] * order.quantity if order.id in prices else None,
            word=state_word(order),
            result=result_words(order),
            abnormal=order.result.abnormal if order.result else "",
            voided=order.state is OrderState.VOIDED,
            can_void=order.state in (OrderState.HELD, OrderState.RELEASED),
        )
        for order in orders
    ]


def unpaid_note(rows: list[OrderRow]) -> str:
    """Say how much the till waits for: "84.400 ₫ chờ thu"."""
    waiting = [row for row in rows if row.word == WORDS[OrderState.HELD]]
    total = sum(row.price or 0 for row in waiting)
    return f"{format_vnd(total)} chờ thu" if total else f"{len(waiting)} chờ thu" if waiting else ""
