"""Assemble the issuing office from what the process has."""

import re
from functools import cache
from pathlib import Path

import anyio.to_thread

from billing.invoices.issuing import Office
from billing.invoices.provider import HttpInvoiceProvider
from billing.prints.invoice import invoice_view
from billing.settings import BillingSettings
from kernel.clock import utc_now
from kernel.paper.render import render
from kernel.services import Services
from signing.api import organisation_signer, sign_xml_invoice

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)


def open_office(services: Services) -> Office:
    """Return the office of this process. Without a provider's address nothing is sent."""
    settings: BillingSettings = services.settings.billing

    async def seal(xml: bytes, data_id: str) -> bytes:
        now = utc_now()
        signer = await organisation_signer(services, now=now)
        return await anyio.to_thread.run_sync(  # The key may be in an HSM.
            lambda: sign_xml_invoice(xml, signer, data_id=data_id, signature_id=f"NBan{data_id}", at=now)
        )

    async def view(xml: bytes) -> bytes:
        paper = invoice_view(xml, made_at=utc_now(), demo=services.settings.kernel.demo)
        return await services.cpu.run(render, paper)

    provider = None
    if settings.invoice_provider_url:
        provider = HttpInvoiceProvider(
            services.http,
            url=settings.invoice_provider_url,
            token=settings.invoice_provider_token,
            name=settings.invoice_provider_name,
            timeout_seconds=settings.invoice_timeout_seconds,
        )
    return Office(
        sessions=services.sessions,
        objects=services.objects,
        provider=provider,
        seal=seal,
        view=view,
        mode=settings.invoice_mode,
        symbol_suffix=settings.invoice_symbol_suffix,
        qr_guid=settings.invoice_qr_guid,
        authority=trusted(settings.invoice_authority_file),
    )


def trusted(path: Path | None) -> tuple[bytes, ...]:
    """Return the certificates of the tax authority that are believed; read again when the file changes."""
    return _read(path, path.stat().st_mtime_ns) if path and path.exists() else ()


@cache
def _read(path: Path, _changed: int) -> tuple[bytes, ...]:
    return tuple(_CERTIFICATE.findall(path.read_bytes()))
