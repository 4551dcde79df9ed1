"""The XML of one invoice, format 2.1.0 (decision of the Tax Department of 30/05/2025)."""

from decimal import Decimal

from billing.invoices.content import (
    CONSUMER,
    Buyer,
    BuyerKind,
    Content,
    Line,
    Numbered,
    Reference,
    Related,
    Seller,
    Totals,
    check_figures,
)
from billing.invoices.lookup import lookup_code
from billing.invoices.markup import Node, node, optional, text, write
from billing.invoices.rules import FORMAT_VERSION, Kind, Relation, relation_text
from kernel.money import vnd_in_words

TITLES = {Kind.VAT: "Hóa đơn giá trị gia tăng", Kind.SALES: "Hóa đơn bán hàng"}
_RELATIONS = {Relation.REPLACES: 1, Relation.ADJUSTS: 2}
_E_INVOICE = 1  # LHDCLQuan


def document_id(invoice: Numbered) -> str:
    """Return the Id of DLHDon, which the signature refers to."""
    return f"_{int(invoice.content.kind)}{invoice.symbol}-{invoice.number}"


def invoice_data(invoice: Numbered) -> str:
    """Return DLHDon, the element that is signed. Raises WrongFigures, BadText."""
    content, totals = invoice.content, check_figures(invoice.content)
    tree = node(
        "DLHDon",
        _general(invoice),
        node(
            "NDHDon",
            _seller(content.seller),
            _buyer(content.buyer),
            node(
                "DSHHDVu",
                *(_line(number, line, content.kind) for number, line in enumerate(content.lines, 1)),
            ),
            _totals(content.kind, totals),
        ),
    )
    return write(tree, attributes=f' Id="{document_id(invoice)}"')


def invoice_xml(invoice: Numbered, *, guid: str) -> bytes:
    """Return the unsigned invoice with an empty place for the seller's signature. Raises WrongFigures, BadText."""
    code = lookup_code(invoice, total=check_figures(invoice.content).total, guid=guid)
    body = invoice_data(invoice) + write(text("DLQRCode", code)) + "<DSCKS><NBan></NBan></DSCKS>"
    return f'<?xml version="1.0" encoding="UTF-8"?><HDon>{body}</HDon>'.encode()


def number_text(value: Decimal | int) -> str:
    """Write a number with a dot, no thousands mark, at most 6 decimals and none that are 0."""
    plain = f"{Decimal(value).quantize(Decimal('0.000001')):f}"
    return plain.rstrip("0").rstrip(".")


def _general(invoice: Numbered) -> Node:
    content = invoice.content
    return node(
        "TTChung",
        text("PBan", FORMAT_VERSION),
        text("THDon", TITLES[content.kind]),
        text("KHMSHDon", int(content.kind)),
        text("KHHDon", invoice.symbol),
        text("SHDon", invoice.number),
        text("NLap", invoice.issued_on.isoformat()),
        text("HDCTTChinh", 0),
        text("HDDCKPTQuan", 0) if content.kind is Kind.SALES else None,
        optional("SBKe", content.list_no),
        optional("NBKe", content.list_date),
        text("DVTTe", "VND"),
        text("HTTToan", content.payment_method),
        text("MSTTCGP", content.provider_tax_code or content.seller.tax_code),
        _related(content.related),
        _references(content.references),
    )


def _related(related: Related | None) -> Node | None:
    if related is None:
        return None
    wording = relation_text(
        related.relation,
        kind=related.kind,
        symbol=related.symbol,
        number=related.number,
        issued_on=related.issued_on,
    )
    return node(
        "TTHDLQuan",
        text("TCHDon", _RELATIONS[related.relation]),
        text("LHDCLQuan", _E_INVOICE),
        text("KHMSHDCLQuan", int(related.kind)),
        text("KHHDCLQuan", related.symbol),
        text("SHDCLQuan", related.number),
        text("NLHDCLQuan", related.issued_on.isoformat()),
        text("GChu", related.note or wording),
    )


def _references(references: tuple[Reference, ...]) -> Node | None:
    if not references:
        return None
    rows = (
        node("TTin", text("TTruong", row.name), text("KDLieu", row.kind), text("DLieu", row.value))
        for row in references
    )
    return node("TTKhac", *rows)


def _seller(seller: Seller) -> Node:
    return node(
        "NBan",
        text("Ten", seller.name),
        text("MST", seller.tax_code),
        text("DChi", seller.address),
        optional("SDThoai", seller.phone.replace(" ", "")),
    )


def _buyer(buyer: Buyer) -> Node:
    organisation = buyer.kind is BuyerKind.ORGANISATION
    person = CONSUMER if buyer.kind is BuyerKind.CONSUMER else "" if organisation else buyer.name
    return node(
        "NMua",
        optional("Ten", buyer.name if organisation else ""),
        optional("MST", buyer.tax_code),
        optional("MDVQHNSach", buyer.budget_code),
        optional("DChi", buyer.address),
        optional("MKHang", buyer.customer_code),
        optional("SDThoai", buyer.phone),
        optional("CCCDan", buyer.citizen_id),
        optional("SHChieu", buyer.passport),
        optional("DCTDTu", buyer.email),
        optional("HVTNMHang", person),
    )


def _line(number: int, line: Line, kind: Kind) -> Node:
    return node(
        "HHDVu",
        text("TChat", 1),
        text("STT", number),
        optional("MHHDVu", line.code),
        text("THHDVu", line.name),
        optional("DVTinh", line.unit),
        text("SLuong", number_text(line.quantity)),
        text("DGia", number_text(line.unit_price)),
        text("ThTien", number_text(line.amount)),
        text("TSuat", line.tax_rate) if kind is Kind.VAT else None,
    )


def _totals(kind: Kind, totals: Totals) -> Node:
    rows = (
        node("LTSuat", text("TSuat", row.rate), text("ThTien", row.amount), text("TThue", row.tax))
        for row in totals.rows
    )
    taxed = kind is Kind.VAT
    return node(
        "TToan",
        node("THTTLTSuat", *rows) if taxed else None,
        text("TgTCThue", totals.before_tax) if taxed else None,
        text("TgTThue", totals.tax) if taxed else None,
        text("TgTTTBSo", totals.total),
        text("TgTTTBChu", vnd_in_words(totals.total)),
    )


def consumer_content(
    kind: Kind, seller: Seller, lines: tuple[Line, ...], references: tuple[Reference, ...]
) -> Content:
    """Return the end-of-day invoice for all who did not ask for one of their own."""
    return Content(kind, seller, Buyer(BuyerKind.CONSUMER), lines, references=references)
