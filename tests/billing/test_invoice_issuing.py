"""One invoice on its way: numbered once, sent once, believed only when it is right, never lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.content import Line
from billing.invoices.issuing import Busy, NotYet, Office, SeriesFull, issue_invoice, take_number
from billing.invoices.models import Invoice, InvoiceEvent, InvoiceSeries
from billing.invoices.returned import check_returned
from billing.invoices.rules import Mode, State
from hospital.demo.outside.invoice_provider import Mood, Provider, SetMood
from kernel.ids import new_id
from tests.billing.invoice_office import NOW, an_invoice, an_office
from tests.billing.test_invoice_document import a_content
from tests.conftest import RealDatabase


@pytest.fixture
async def place(real_db: RealDatabase, tmp_path: Path) -> AsyncIterator[tuple[Office, Provider]]:
    async with an_office(real_db.sessions, tmp_path) as place:
        yield place


async def keep(office: Office, invoice: Invoice) -> UUID:
    async with office.sessions.begin() as session:
        session.add(invoice)
    return invoice.id


async def read(office: Office, invoice_id: UUID) -> Invoice:
    async with office.sessions() as session:
        return await session.get_one(Invoice, invoice_id)


async def test_an_invoice_goes_all_the_way_at_once(place: tuple[Office, Provider]) -> None:
    office, fake = place
    invoice_id = await keep(office, an_invoice())
    assert await issue_invoice(office, invoice_id, now=NOW) is State.DELIVERED
    row = await read(office, invoice_id)
    assert (row.number, row.symbol, str(row.issued_on)) == (1, "C26TYY", "2026-11-21")
    assert row.tax_code == fake.authority.code(str(invoice_id))
    assert row.leased_until is None
    assert row.archived_sha256
    assert row.signed_sha256
    archived, signed = (
        await office.objects.get(row.archived_sha256),
        await office.objects.get(row.signed_sha256),
    )
    check_returned(archived, sent=signed, mode=Mode.CQT_CODE, authority=office.authority)
    assert row.view_sha256
    async with office.sessions() as session:
        events = await session.scalars(select(InvoiceEvent.event).order_by(InvoiceEvent.id))
        assert list(events) == ["signed", "coded", "delivered"]


async def test_a_delivered_invoice_stays_as_it_is(place: tuple[Office, Provider]) -> None:
    office, fake = place
    invoice_id = await keep(office, an_invoice())
    await issue_invoice(office, invoice_id, now=NOW)
    assert await issue_invoice(office, invoice_id, now=NOW) is State.DELIVERED
    assert fake.posts == 1


@pytest.mark.parametrize("mood", [Mood.GARBAGE, Mood.DUPLICATE])
async def test_an_unclear_answer_is_asked_after_and_never_sent_twice(
    place: tuple[Office, Provider], mood: Mood
) -> None:
    office, fake = place
    invoice_id = await keep(office, an_invoice())
    fake.mood = SetMood(mood)
    with pytest.raises(NotYet):
        await issue_invoice(office, invoice_id, now=NOW)
    assert (await read(office, invoice_id)).state == State.SIGNED
    assert await issue_invoice(office, invoice_id, now=NOW + timedelta(minutes=1)) is State.DELIVERED
    assert fake.posts == 1


async def test_an_outage_keeps_the_number_for_the_next_try(place: tuple[Office, Provider]) -> None:
    office, fake = place
    invoice_id = await keep(office, an_invoice())
    fake.mood = SetMood(Mood.ERROR)
    for _ in range(2):
        with pytest.raises(NotYet):
            await issue_invoice(office, invoice_id, now=NOW)
    fake.mood = SetMood(Mood.OK)
    assert await issue_invoice(office, invoice_id, now=NOW) is State.DELIVERED
    assert (await read(office, invoice_id)).number == 1


async def test_a_code_that_comes_later_is_fetched(place: tuple[Office, Provider]) -> None:
    office, fake = place
    invoice_id = await keep(office, an_invoice())
    fake.mood = SetMood(Mood.PENDING)
    with pytest.raises(NotYet, match="chờ mã"):
        await issue_invoice(office, invoice_id, now=NOW)
    assert (await read(office, invoice_id)).state == State.SENT
    assert await issue_invoice(office, invoice_id, now=NOW) is State.DELIVERED
    assert fake.posts == 1


async def test_a_refused_content_is_mended_under_its_own_number(place: tuple[Office, Provider]) -> None:
    office, fake = place
    invoice_id = await keep(office, an_invoice())
    fake.mood = SetMood(Mood.REJECT)
    assert await issue_invoice(office, invoice_id, now=NOW) is State.CREATED
    row = await read(office, invoice_id)
    assert row.problem == "Nhà cung cấp từ chối: Bị từ chối theo yêu cầu"
    fake.mood = SetMood(Mood.OK)
    assert await issue_invoice(office, invoice_id, now=NOW) is State.DELIVERED
    assert (await read(office, invoice_id)).number == 1


async def test_a_forged_return_is_kept_as_evidence_and_not_believed(place: tuple[Office, Provider]) -> None:
    office, fake = place
    invoice_id = await keep(office, an_invoice())
    fake.mood = SetMood(Mood.FORGED)
    assert await issue_invoice(office, invoice_id, now=NOW) is State.SIGNED
    row = await read(office, invoice_id)
    assert "khác nội dung đã ký" in row.problem
    assert row.archived_sha256 is None
    async with office.sessions() as session:
        event = await session.scalar(select(InvoiceEvent).where(InvoiceEvent.event == "bad_return"))
    assert event
    assert b"7350000" in await office.objects.get(event.detail["sha256"])


async def test_without_a_provider_it_waits_signed(place: tuple[Office, Provider]) -> None:
    office, _ = place
    invoice_id = await keep(office, an_invoice())
    unconnected = msgspec.structs.replace(office, provider=None)
    assert await issue_invoice(unconnected, invoice_id, now=NOW) is State.SIGNED
    assert (await read(office, invoice_id)).problem == "Chưa nối nhà cung cấp hoá đơn điện tử."
    assert await issue_invoice(office, invoice_id, now=NOW) is State.DELIVERED


async def test_wrong_figures_take_no_number(place: tuple[Office, Provider]) -> None:
    office, fake = place
    wrong = an_invoice()
    wrong.content = msgspec.to_builtins(a_content(lines=(Line("Thuốc", 1000, tax_rate="7%"),)))
    invoice_id = await keep(office, wrong)
    assert await issue_invoice(office, invoice_id, now=NOW) is State.CREATED
    row = await read(office, invoice_id)
    assert row.number is None
    assert "7%" in row.problem
    assert fake.posts == 0


async def test_one_worker_at_a_time(place: tuple[Office, Provider]) -> None:
    office, fake = place
    invoice = an_invoice()
    invoice.leased_until = NOW + timedelta(minutes=1)
    invoice_id = await keep(office, invoice)
    with pytest.raises(Busy):
        await issue_invoice(office, invoice_id, now=NOW)
    assert await issue_invoice(office, invoice_id, now=NOW + timedelta(minutes=2)) is State.DELIVERED
    assert fake.posts == 1


async def test_numbers_have_no_gaps_though_some_fail(place: tuple[Office, Provider]) -> None:
    office, fake = place
    ids = [await keep(office, an_invoice()) for _ in range(12)]

    async def one(index: int, invoice_id: UUID) -> None:
        if index % 3 == 0:
            async with office.sessions() as session:
                await session.begin()
                await take_number(session, 1, "C26TYY")
                await session.rollback()
        await issue_invoice(office, invoice_id, now=NOW)

    await asyncio.gather(*(one(index, invoice_id) for index, invoice_id in enumerate(ids)))
    async with office.sessions() as session:
        numbers = list(await session.scalars(select(Invoice.number).order_by(Invoice.number)))
        following = await session.scalar(select(func.max(InvoiceSeries.next_number)))
    assert numbers == list(range(1, 13))
    assert following == 13
    assert len(fake.invoices) == 12


async def test_a_new_year_begins_a_new_symbol_at_1(place: tuple[Office, Provider]) -> None:
    office, _ = place
    first, second = await keep(office, an_invoice()), await keep(office, an_invoice())
    await issue_invoice(office, first, now=NOW)
    new_year = datetime.fromisoformat("2026-12-31T18:00:00+00:00")  # 01:00 on 1 January in Vietnam.
    await issue_invoice(office, second, now=new_year)
    row = await read(office, second)
    assert (row.symbol, row.number, str(row.issued_on)) == ("C27TYY", 1, "2027-01-01")


async def test_a_full_series_is_refused(session: AsyncSession) -> None:
    session.add(InvoiceSeries(kind=1, symbol="C26TYY", next_number=99_999_999))
    await session.flush()
    assert await take_number(session, 1, "C26TYY") == 99_999_999
    with pytest.raises(SeriesFull):
        await take_number(session, 1, "C26TYY")


CODED = (
    "UPDATE billing_invoice SET number = 7, issued_on = '2026-11-21', signed_sha256 = 'x', archived_sha256 = 'x', "
    "verified_at = now(), tax_code = 'M', state = 'coded'"
)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE billing_invoice SET number = 8",
        "UPDATE billing_invoice SET symbol = 'C26TZZ'",
        "UPDATE billing_invoice SET total = 1",
        "UPDATE billing_invoice SET content = '{}'",
        "UPDATE billing_invoice SET tax_code = 'N'",
        "DELETE FROM billing_invoice",
        "UPDATE billing_invoice SET state = 'cancelled'",
    ],
)
async def test_a_coded_invoice_is_never_changed_or_deleted(session: AsyncSession, statement: str) -> None:
    session.add(an_invoice())
    await session.flush()
    await session.execute(text(CODED))
    with pytest.raises(DBAPIError):
        async with session.begin_nested():
            await session.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE billing_invoice SET state = 'signed'",
        "UPDATE billing_invoice SET number = 1",
        "UPDATE billing_invoice SET number = 0, issued_on = '2026-11-21'",
        "UPDATE billing_invoice SET total = 0",
        "UPDATE billing_invoice SET relation = 'adjusts'",
    ],
)
async def test_half_an_invoice_is_refused(session: AsyncSession, statement: str) -> None:
    session.add(an_invoice())
    await session.flush()
    with pytest.raises(DBAPIError):
        async with session.begin_nested():
            await session.execute(text(statement))


async def test_events_are_for_good(session: AsyncSession) -> None:
    invoice = an_invoice()
    session.add(invoice)
    await session.flush()
    session.add(InvoiceEvent(id=new_id(), invoice_id=invoice.id, at=NOW, event="x", detail={}, actor="y"))
    await session.flush()
    with pytest.raises(DBAPIError):
        async with session.begin_nested():
            await session.execute(text("DELETE FROM billing_invoice_event"))
