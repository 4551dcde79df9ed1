"""Which invoice covers which money."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.service import open_account
from billing.charges.service import void_charge
from billing.invoices.content import Buyer, BuyerKind, Content
from billing.invoices.grouping import group_lines, merge_lines, one_line
from billing.invoices.models import Invoice, InvoiceDue, InvoiceEpisode, InvoiceReceipt
from billing.invoices.planning import (
    EarlierNotIssued,
    Planner,
    closing_time,
    invoice_day,
    plan_day,
    plan_settled,
)
from billing.invoices.rules import Policy, State
from billing.invoices.service import (
    AlreadyIssued,
    AskInvoice,
    BuyerIncomplete,
    InvoiceExists,
    MendBuyer,
    Shown,
    ask_invoice,
    buyer_warnings,
    count_invoices,
    invoices_of_episode,
    list_invoices,
    mend_buyer,
    resend_invoice,
)
from billing.receipts.models import Receipt
from billing.settlements.service import end_episode
from kernel.clock import utc_now
from kernel.ids import new_id
from tests.billing.builders import (
    ACCOUNTANT,
    CASHIER,
    FACILITY,
    SETTINGS,
    a_charge,
    a_patient,
    a_request,
    an_episode,
)
from tests.billing.transfers import pay

EACH = Planner(FACILITY, msgspec.structs.replace(SETTINGS, invoice_policy=Policy.EACH_PAYMENT))
DAILY = Planner(FACILITY, SETTINGS)
COMPANY = Buyer(BuyerKind.ORGANISATION, "Công ty Mẫu", "0101243150", address="Tỉnh Ví Dụ")


async def a_settled_episode(session: AsyncSession, *, deposit: int = 0) -> UUID:
    """An exam of 150 000 đồng, paid and ended."""
    episode = await an_episode(session)
    request = await a_request(session, episode, **({"deposit": deposit} if deposit else {}))
    await pay(session, request.amount, request.reference)
    assert await end_episode(session, episode, ended_at=utc_now(), now=utc_now(), settings=SETTINGS)
    return episode


async def the_invoices(session: AsyncSession) -> list[Invoice]:
    return list(await session.scalars(select(Invoice).order_by(Invoice.id)))


def content_of(invoice: Invoice) -> Content:
    return msgspec.convert(invoice.content, Content)


async def test_each_payment_gets_its_own_invoice_by_policy(session: AsyncSession) -> None:
    episode = await a_settled_episode(session)
    invoice_id = await plan_settled(session, EACH, episode, now=utc_now())
    (invoice,) = await the_invoices(session)
    assert (invoice.id, invoice.total, invoice.scope, invoice.state) == (
        invoice_id,
        150_000,
        "individual",
        State.CREATED,
    )
    content = content_of(invoice)
    assert [(line.name, line.amount, line.tax_rate) for line in content.lines] == [
        ("Khám bệnh", 150_000, "KCT")
    ]
    assert (content.buyer.name, content.payment_method) == ("Nguyễn Thị Thu Hà", "Chuyển khoản")
    assert (content.buyer.citizen_id, content.buyer.phone) == ("", "")
    assert content.references[0].value.startswith("TD-")


async def test_planning_twice_makes_one_invoice(session: AsyncSession) -> None:
    episode = await a_settled_episode(session)
    await plan_settled(session, EACH, episode, now=utc_now())
    assert await plan_settled(session, EACH, episode, now=utc_now()) is None
    assert len(await the_invoices(session)) == 1


async def test_a_share_of_0_makes_no_invoice(session: AsyncSession) -> None:
    episode = new_id()
    await open_account(session, episode_id=episode, patient_id=await a_patient(session), now=utc_now())
    assert await end_episode(session, episode, ended_at=utc_now(), now=utc_now(), settings=SETTINGS)
    assert await plan_settled(session, EACH, episode, now=utc_now()) is None
    assert await plan_settled(session, DAILY, episode, now=utc_now()) is None
    assert await the_invoices(session) == []


async def test_who_did_not_ask_is_in_the_one_invoice_of_the_day(session: AsyncSession) -> None:
    episodes = [await a_settled_episode(session) for _ in range(3)]
    for episode in episodes:
        assert await plan_settled(session, DAILY, episode, now=utc_now()) is None
    assert await session.scalar(select(func.count()).select_from(InvoiceDue)) == 3
    day = invoice_day(utc_now())
    await plan_day(session, DAILY, day, now=utc_now())
    (invoice,) = await the_invoices(session)
    assert (invoice.scope, invoice.total, invoice.day) == ("aggregate", 450_000, day)
    assert content_of(invoice).buyer.kind is BuyerKind.CONSUMER
    covered = await session.execute(select(InvoiceEpisode.episode_id, InvoiceEpisode.amount))
    assert {row.episode_id: row.amount for row in covered} == dict.fromkeys(episodes, 150_000)
    assert await session.scalar(select(func.count()).select_from(InvoiceReceipt)) == 3
    assert await plan_day(session, DAILY, day, now=utc_now()) is None


async def test_money_of_the_day_equals_its_invoices(session: AsyncSession) -> None:
    """sum(receipts of day) = sum(individual invoices) + aggregate invoice + deposits."""
    asked, silent = await a_settled_episode(session), await a_settled_episode(session)
    open_one = await an_episode(session)
    await pay(session, 150_000, (await a_request(session, open_one)).reference)
    waiting = await an_episode(session)
    await pay(session, 500_000, (await a_request(session, waiting, deposit=500_000)).reference)
    command = AskInvoice(asked, COMPANY)
    await ask_invoice(session, command, planner=DAILY, actor=CASHIER, now=utc_now())
    await plan_settled(session, DAILY, silent, now=utc_now())
    await plan_day(session, DAILY, invoice_day(utc_now()), now=utc_now())
    invoiced = sum(invoice.total for invoice in await the_invoices(session))
    received = await session.scalar(select(func.sum(Receipt.amount)))
    assert received == invoiced + 500_000


async def test_a_service_paid_before_the_end_is_invoiced_that_day_and_not_again(
    session: AsyncSession,
) -> None:
    episode = await an_episode(session)
    await pay(session, 150_000, (await a_request(session, episode)).reference)
    await plan_day(session, DAILY, invoice_day(utc_now()), now=utc_now())
    (invoice,) = await the_invoices(session)
    assert (invoice.total, content_of(invoice).lines[0].code) == (150_000, "TT")
    await end_episode(session, episode, ended_at=utc_now(), now=utc_now(), settings=SETTINGS)
    assert await plan_settled(session, EACH, episode, now=utc_now()) is None


async def test_what_came_later_is_invoiced_alone(session: AsyncSession) -> None:
    episode = await an_episode(session)
    await pay(session, 150_000, (await a_request(session, episode)).reference)
    await plan_day(session, DAILY, invoice_day(utc_now()), now=utc_now())
    await a_charge(session, episode, service_code="XN01", service_name="Xét nghiệm", group="1")
    await pay(session, 90_000, (await a_request(session, episode)).reference)
    await end_episode(session, episode, ended_at=utc_now(), now=utc_now(), settings=SETTINGS)
    await plan_settled(session, EACH, episode, now=utc_now())
    assert [invoice.total for invoice in await the_invoices(session)] == [150_000, 90_000]


async def test_a_deposit_alone_is_never_invoiced(session: AsyncSession) -> None:
    episode = await an_episode(session)
    await pay(session, 500_000, (await a_request(session, episode, deposit=500_000)).reference)
    assert await plan_day(session, DAILY, invoice_day(utc_now()), now=utc_now()) is None


async def test_a_discharge_settled_from_deposits_has_an_invoice(session: AsyncSession) -> None:
    episode = await a_settled_episode(session, deposit=500_000)
    await plan_settled(session, EACH, episode, now=utc_now())
    (invoice,) = await the_invoices(session)
    assert invoice.total == 150_000
    assert await session.scalar(select(func.count()).select_from(InvoiceReceipt)) == 0


async def test_a_receipt_is_in_one_live_invoice(session: AsyncSession) -> None:
    episode = await a_settled_episode(session)
    first = await plan_settled(session, EACH, episode, now=utc_now())
    other = await a_settled_episode(session)
    second = await plan_settled(session, EACH, other, now=utc_now())
    receipt = await session.scalar(
        select(InvoiceReceipt.receipt_id).where(InvoiceReceipt.invoice_id == first)
    )
    session.add(InvoiceReceipt(invoice_id=second, receipt_id=receipt))
    with pytest.raises(IntegrityError):
        await session.flush()


async def test_what_is_not_owed_any_more_is_adjusted_once_the_buyer_was_told(session: AsyncSession) -> None:
    episode = await an_episode(session)
    test = await a_charge(session, episode, service_code="XN01", service_name="Xét nghiệm", group="1")
    await pay(session, 240_000, (await a_request(session, episode)).reference)
    await plan_day(session, DAILY, invoice_day(utc_now()), now=utc_now())
    await void_charge(session, order_id=test.order_id, episode_id=episode, now=utc_now())
    await end_episode(session, episode, ended_at=utc_now(), now=utc_now(), settings=SETTINGS)
    with pytest.raises(EarlierNotIssued):
        await plan_settled(session, DAILY, episode, now=utc_now())
    (original,) = await the_invoices(session)
    original.number, original.issued_on = 1, date(2026, 11, 21)
    await session.flush()
    assert await plan_settled(session, DAILY, episode, now=utc_now())
    (_, lowering) = await the_invoices(session)
    assert (lowering.total, lowering.relation, lowering.relates_to) == (-90_000, "adjusts", original.id)
    assert "báo người mua" in lowering.problem
    related = content_of(lowering).related
    assert related
    assert related.number == 1
    assert await plan_settled(session, DAILY, episode, now=utc_now()) is None


async def test_a_receipt_that_found_no_invoice_in_a_day_raises_an_alarm(session: AsyncSession) -> None:
    episode = await an_episode(session)
    await pay(session, 150_000, (await a_request(session, episode)).reference)
    assert (await count_invoices(session, now=utc_now())).forgotten == 0
    later = utc_now() + timedelta(hours=25)
    assert (await count_invoices(session, now=later)).forgotten == 1
    await plan_day(session, DAILY, invoice_day(later), now=later)
    assert (await count_invoices(session, now=later)).forgotten == 0


# Asking for one


async def test_a_company_is_named_when_it_asks_before_the_end(session: AsyncSession) -> None:
    episode = await an_episode(session)
    command = AskInvoice(episode, COMPANY)
    assert await ask_invoice(session, command, planner=DAILY, actor=CASHIER, now=utc_now()) is None
    await pay(session, 150_000, (await a_request(session, episode)).reference)
    await end_episode(session, episode, ended_at=utc_now(), now=utc_now(), settings=SETTINGS)
    assert await plan_day(session, DAILY, invoice_day(utc_now()), now=utc_now()) is None
    await plan_settled(session, DAILY, episode, now=utc_now())
    (invoice,) = await the_invoices(session)
    assert content_of(invoice).buyer == COMPANY


async def test_asking_later_the_same_day_takes_it_out_of_the_aggregate(session: AsyncSession) -> None:
    episode = await a_settled_episode(session)
    await plan_settled(session, DAILY, episode, now=utc_now())
    command = AskInvoice(episode, COMPANY)
    assert await ask_invoice(session, command, planner=DAILY, actor=CASHIER, now=utc_now())
    assert await plan_day(session, DAILY, invoice_day(utc_now()), now=utc_now()) is None
    with pytest.raises(InvoiceExists):
        await ask_invoice(session, command, planner=DAILY, actor=CASHIER, now=utc_now())
    assert len(await invoices_of_episode(session, episode)) == 1


@pytest.mark.parametrize(
    ("buyer", "field"),
    [
        (Buyer(), "kind"),
        (Buyer(BuyerKind.PERSON, " "), "name"),
        (Buyer(BuyerKind.ORGANISATION, "Công ty"), "tax_code"),
        (Buyer(BuyerKind.ORGANISATION, "Công ty", "0101243150"), "address"),
    ],
)
async def test_a_buyer_lacks_what_the_law_wants(session: AsyncSession, buyer: Buyer, field: str) -> None:
    with pytest.raises(BuyerIncomplete) as refused:
        await ask_invoice(session, AskInvoice(new_id(), buyer), planner=DAILY, actor=CASHIER, now=utc_now())
    assert refused.value.field == field


def test_a_doubtful_tax_code_is_a_warning() -> None:
    assert buyer_warnings(COMPANY) == []
    assert buyer_warnings(msgspec.structs.replace(COMPANY, tax_code="0101243151"))


# The accountant's list


async def stuck(session: AsyncSession, **values: Any) -> Invoice:
    episode = await a_settled_episode(session)
    invoice = await session.get_one(Invoice, await plan_settled(session, EACH, episode, now=utc_now()))
    for name, value in values.items():
        setattr(invoice, name, value)
    await session.flush()
    return invoice


async def test_lists_group_by_what_needs_somebody(session: AsyncSession) -> None:
    invoice = await stuck(session, problem="Nhà cung cấp từ chối: Sai tên")
    await stuck(session)
    counts = await count_invoices(session, now=utc_now())
    assert (counts.stuck, counts.waiting, counts.done, counts.due) == (1, 1, 0, 0)
    (first,) = await list_invoices(session, Shown.STUCK)
    assert (first.id, first.stuck) == (invoice.id, True)


async def test_a_refused_buyer_is_mended(session: AsyncSession) -> None:
    invoice = await stuck(session, problem="Nhà cung cấp từ chối: Sai tên")
    await mend_buyer(session, MendBuyer(invoice.id, COMPANY), actor=ACCOUNTANT, now=utc_now())
    assert content_of(invoice).buyer == COMPANY
    assert invoice.problem == ""


async def test_what_was_issued_is_neither_mended_nor_resent(session: AsyncSession) -> None:
    now = utc_now()
    invoice = await stuck(
        session,
        state=State.DELIVERED,
        number=1,
        issued_on=date(2026, 11, 21),
        signed_sha256="x",
        archived_sha256="x",
        verified_at=now,
        tax_code="M",
    )
    with pytest.raises(AlreadyIssued):
        await resend_invoice(session, invoice.id, actor=ACCOUNTANT)
    with pytest.raises(AlreadyIssued):
        await mend_buyer(session, MendBuyer(invoice.id, COMPANY), actor=ACCOUNTANT, now=now)


# Pure


def test_group_lines_add_up_to_the_whole_dong() -> None:
    shares = [
        ("13", Decimal("10120.40")),
        ("1", Decimal("0.40")),
        ("19", Decimal("5.70")),
        ("2", Decimal("0")),
    ]
    lines = group_lines(shares, 10_127)
    assert sum(line.amount for line in lines) == 10_127
    assert [line.code for line in lines] == ["KB", "KHAC"]


def test_lines_of_many_people_are_added_up_by_group() -> None:
    lines = merge_lines(
        [*group_lines([("13", Decimal(5))], 5), *one_line(3), *group_lines([("13", Decimal(2))], 2)]
    )
    assert [(line.code, line.amount) for line in lines] == [("KB", 7), ("KHAC", 3)]


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 11, 21, 16, 44, tzinfo=UTC), date(2026, 11, 21)),
        (datetime(2026, 11, 21, 16, 45, tzinfo=UTC), date(2026, 11, 22)),
        (datetime(2026, 11, 21, 17, 1, tzinfo=UTC), date(2026, 11, 22)),
    ],
)
def test_the_day_closes_at_a_quarter_to_midnight(moment: datetime, day: date) -> None:
    assert invoice_day(moment) == day
    assert closing_time(day) > moment >= closing_time(day - timedelta(days=1))
