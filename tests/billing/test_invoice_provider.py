"""The adapter against the fake provider in each of its moods."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from litestar import Litestar

from billing.invoices.document import invoice_xml
from billing.invoices.provider import (
    HttpInvoiceProvider,
    Issued,
    Outgoing,
    Pending,
    ProviderUnsure,
    Rejected,
    Unknown,
)
from billing.invoices.rules import Relation
from hospital.demo.outside.invoice_provider import DEMO_TOKEN, PATH, Mood, Provider, SetMood, routes
from hospital.demo.outside.tax_authority import ensure_authority
from kernel.ids import new_id
from tests.billing.test_invoice_document import a_numbered

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


class Impatient(httpx.ASGITransport):
    """Gives up as a client does whose read timeout is over."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await asyncio.wait_for(super().handle_async_request(request), 0.5)
        except TimeoutError as error:
            raise httpx.ReadTimeout("too late", request=request) from error


@pytest.fixture
def fake(tmp_path: Path) -> Provider:
    return Provider(ensure_authority(tmp_path, NOW))


@pytest.fixture
async def http(fake: Provider) -> AsyncIterator[httpx.AsyncClient]:
    app = Litestar(routes(None, fake), openapi_config=None)
    async with httpx.AsyncClient(transport=Impatient(app), base_url="http://outside") as client:  # type: ignore[arg-type]  # Litestar types its scopes more narrowly
        yield client


@pytest.fixture
def provider(http: httpx.AsyncClient) -> HttpInvoiceProvider:
    return HttpInvoiceProvider(
        http, url=f"http://outside{PATH}", token=DEMO_TOKEN, name="giả lập", timeout_seconds=5
    )


def outgoing(number: int = 15, uuid: UUID | None = None) -> Outgoing:
    invoice = msgspec.structs.replace(a_numbered(), number=number)
    signature = b'<NBan><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"></Signature></NBan>'
    xml = invoice_xml(invoice, guid="0" * 32).replace(b"<NBan></NBan>", signature)
    return Outgoing(uuid or new_id(), xml)


async def test_an_invoice_comes_back_with_its_code(provider: HttpInvoiceProvider, fake: Provider) -> None:
    invoice = outgoing()
    answer = await provider.issue(invoice)
    assert isinstance(answer, Issued)
    assert fake.authority.code(str(invoice.uuid)).encode() in answer.xml


async def test_sent_twice_it_is_issued_once(provider: HttpInvoiceProvider, fake: Provider) -> None:
    invoice = outgoing()
    assert await provider.issue(invoice) == await provider.issue(invoice)
    assert len(fake.invoices) == 1


@pytest.mark.parametrize("mood", [Mood.TIMEOUT, Mood.DUPLICATE, Mood.GARBAGE])
async def test_an_unclear_answer_is_asked_after_by_our_uuid(
    provider: HttpInvoiceProvider, fake: Provider, mood: Mood
) -> None:
    invoice = outgoing()
    fake.mood = SetMood(mood)
    with pytest.raises(ProviderUnsure):
        await provider.issue(invoice)
    fake.mood = SetMood(Mood.OK)
    assert isinstance(await provider.status(invoice.uuid), Issued)


async def test_an_outage_leaves_nothing_behind(provider: HttpInvoiceProvider, fake: Provider) -> None:
    invoice = outgoing()
    fake.mood = SetMood(Mood.ERROR)
    with pytest.raises(ProviderUnsure, match="503"):
        await provider.issue(invoice)
    fake.mood = SetMood(Mood.OK)
    assert isinstance(await provider.status(invoice.uuid), Unknown)


async def test_a_code_may_come_later(provider: HttpInvoiceProvider, fake: Provider) -> None:
    invoice = outgoing()
    fake.mood = SetMood(Mood.PENDING)
    assert isinstance(await provider.issue(invoice), Pending)
    assert isinstance(await provider.status(invoice.uuid), Issued)


async def test_a_refusal_carries_its_reasons(provider: HttpInvoiceProvider, fake: Provider) -> None:
    fake.mood = SetMood(Mood.REJECT)
    assert await provider.issue(outgoing()) == Rejected(("Bị từ chối theo yêu cầu",))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"<TgTTTBSo>735000<", b"<TgTTTBSo>735001<", "Tổng tiền"),
        (b"Signature", b"Signatur", "chữ ký"),
        (b"<HDon>", b"<HDon> ", "định dạng"),
    ],
)
async def test_the_fake_checks_as_a_provider_does(
    provider: HttpInvoiceProvider, old: bytes, new: bytes, reason: str
) -> None:
    invoice = outgoing()
    answer = await provider.issue(Outgoing(invoice.uuid, invoice.xml.replace(old, new)))
    assert isinstance(answer, Rejected)
    assert reason in answer.reasons[0]


async def test_a_number_is_used_once(provider: HttpInvoiceProvider) -> None:
    await provider.issue(outgoing(15))
    answer = await provider.issue(outgoing(15))
    assert answer == Rejected(("Số hóa đơn đã dùng",))


async def test_one_uuid_is_one_content(provider: HttpInvoiceProvider) -> None:
    uuid = new_id()
    await provider.issue(outgoing(15, uuid))
    with pytest.raises(ProviderUnsure, match="409"):
        await provider.issue(outgoing(16, uuid))


async def test_a_wrong_token_is_no_answer_about_an_invoice(http: httpx.AsyncClient) -> None:
    provider = HttpInvoiceProvider(
        http, url=f"http://outside{PATH}", token="wrong", name="x", timeout_seconds=5
    )
    for call in (provider.issue(outgoing()), provider.status(new_id()), provider.health()):
        with pytest.raises(ProviderUnsure, match="401"):
            await call


async def test_a_missing_address_is_not_an_unknown_invoice(http: httpx.AsyncClient) -> None:
    provider = HttpInvoiceProvider(
        http, url="http://outside/elsewhere", token=DEMO_TOKEN, name="x", timeout_seconds=5
    )
    with pytest.raises(ProviderUnsure):
        await provider.status(new_id())


async def test_a_notice_of_error_has_a_reference(provider: HttpInvoiceProvider, fake: Provider) -> None:
    assert await provider.notify_error([new_id()], "Sai tên người mua") == "04SS-000001"
    assert fake.notices[0].reason == "Sai tên người mua"
    await provider.health()


async def test_a_relation_is_told(provider: HttpInvoiceProvider, http: httpx.AsyncClient) -> None:
    sent: list[Any] = []

    async def keep(request: httpx.Request) -> None:
        sent.append(request.content)

    http.event_hooks["request"].append(keep)
    invoice = outgoing()
    await provider.issue(Outgoing(invoice.uuid, invoice.xml, Relation.REPLACES, new_id()))
    assert b'"relation":"replaces"' in sent[0]
