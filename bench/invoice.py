"""Writing and signing an invoice, and checking one that came back, beside the RSA operation that none can do without."""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from billing.invoices.content import Buyer, BuyerKind, Content, Line, Numbered, Seller
from billing.invoices.document import document_id, invoice_xml
from billing.invoices.returned import check_returned
from billing.invoices.rules import Kind, Mode
from hospital.demo.outside.tax_authority import TaxAuthority, ensure_authority
from signing.schemes import Scheme
from signing.xml import sign_xml_invoice

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
ROUNDS = 60
INVOICE = Numbered(
    Content(
        Kind.VAT,
        Seller("Bệnh viện Đa khoa Ví Dụ", "0199999999", "1 Đường Mẫu"),
        Buyer(BuyerKind.PERSON, "Nguyễn Thị Thử Nghiệm"),
        tuple(Line(f"Nhóm chi phí {n}", 100_000 + n) for n in range(8)),
    ),
    "C26TYY",
    1,
    date(2026, 11, 21),
)


class Seller2048:
    """A seller's key in memory."""

    xml_scheme = Scheme.RSA_PKCS1_SHA256

    def __init__(self, holder: TaxAuthority) -> None:
        self.certificate = holder.certificate
        self._key = holder._key

    def sign_xml(self, data: bytes) -> bytes:
        return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def best(work: Callable[[], object]) -> float:
    """Return the CPU milliseconds of one call, the best of 5 rounds."""
    found = []
    for _ in range(5):
        begin = time.process_time()
        for _ in range(ROUNDS):
            work()
        found.append((time.process_time() - begin) / ROUNDS * 1000)
    return min(found)


def main() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        seller = Seller2048(ensure_authority(Path(folder) / "seller", NOW))
        authority = ensure_authority(Path(folder) / "authority", NOW)

    def made() -> bytes:
        xml = invoice_xml(INVOICE, guid="0" * 32)
        return sign_xml_invoice(xml, seller, data_id=document_id(INVOICE), signature_id="NBan-1", at=NOW)

    sent = made()
    coded = authority.stamp(sent.decode(), "0190", NOW).encode()
    floor = best(lambda: seller.sign_xml(b"x" * 600))
    rows = [("write and sign an invoice of 8 lines, CPU", best(made))]
    trusted = [authority.pem]
    rows.append(
        (
            "check a coded invoice (data, two signatures), CPU",
            best(lambda: check_returned(coded, sent=sent, mode=Mode.CQT_CODE, authority=trusted)),
        )
    )
    return [
        {"name": name, "value": value, "unit": "ms", "floor": floor, "ratio": value / floor}
        for name, value in rows
    ]
