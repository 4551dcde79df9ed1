"""An issuing office over a fake provider, for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from litestar import Litestar

from billing.invoices.content import Content, totals_of
from billing.invoices.issuing import Office
from billing.invoices.models import Invoice
from billing.invoices.provider import HttpInvoiceProvider
from billing.invoices.rules import FORMAT_VERSION, LEGAL_BASIS, Mode, State
from hospital.demo.outside.invoice_provider import DEMO_TOKEN, PATH, Provider, routes
from hospital.demo.outside.tax_authority import TaxAuthority, ensure_authority
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.objects import FolderStore
from signing.schemes import Scheme
from signing.xml import sign_xml_invoice
from tests.billing.test_invoice_document import a_content

NOW = datetime(2026, 11, 21, 2, 15, 30, tzinfo=UTC)


class SellerKey:
    """A seller's key in memory."""

    xml_scheme = Scheme.RSA_PKCS1_SHA256

    def __init__(self, holder: TaxAuthority) -> None:
        self.certificate = holder.certificate
        self._sign = holder._key.sign

    def sign_xml(self, data: bytes) -> bytes:
        return self._sign(data, padding.PKCS1v15(), hashes.SHA256())


@asynccontextmanager
async def an_office(sessions: Sessions, folder: Path) -> AsyncIterator[tuple[Office, Provider]]:
    fake = Provider(ensure_authority(folder / "authority", NOW))
    seller = SellerKey(ensure_authority(folder / "seller", NOW))
    app = Litestar(routes(None, fake), openapi_config=None)

    async def seal(xml: bytes, data_id: str) -> bytes:
        return sign_xml_invoice(xml, seller, data_id=data_id, signature_id=f"NBan-{data_id}", at=NOW)

    async def view(xml: bytes) -> bytes:
        return b"%PDF view of " + xml[:20]

    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar types its scopes more narrowly
    async with httpx.AsyncClient(transport=transport, base_url="http://outside") as http:
        yield (
            Office(
                sessions=sessions,
                objects=FolderStore(folder / "objects"),
                provider=HttpInvoiceProvider(
                    http, url=f"http://outside{PATH}", token=DEMO_TOKEN, name="giả lập", timeout_seconds=5
                ),
                seal=seal,
                view=view,
                mode=Mode.CQT_CODE,
                symbol_suffix="YY",
                qr_guid="0" * 32,
                authority=(fake.authority.pem,),
            ),
            fake,
        )


def an_invoice(content: Content | None = None) -> Invoice:
    content = content or a_content()
    return Invoice(
        id=new_id(),
        scope="individual",
        day=NOW.date(),
        kind=int(content.kind),
        symbol="C26TYY",
        content=msgspec.to_builtins(content),
        total=totals_of(content).total,
        state=State.CREATED,
        provider="giả lập",
        format_version=FORMAT_VERSION,
        legal_basis=LEGAL_BASIS,
        created_at=NOW,
    )
