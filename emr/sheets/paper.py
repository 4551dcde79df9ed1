"""A filled-in form as a paper in the layout of the law. Pure: the same sheet gives the same paper."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import msgspec
from msgspec import Struct

from emr.sheets.check import Values, is_empty, shown
from emr.sheets.form import Field, Form, Section, SlotDefinition, Stage
from kernel.clock import Instant, local
from kernel.paper import blocks as b
from kernel.paper.render import render

_NOTES = frozenset({"note"})
_TICKED = frozenset({"choice", "choices", "tick"})


class Issuer(Struct, frozen=True):
    """Who issues the paper, as its head says."""

    authority: str
    facility: str
    unit: str
    address: str
    phone: str


class SheetPaper(Struct, frozen=True, kw_only=True):
    """Everything that is printed of one stage of a sheet."""

    form: Form
    stage: str
    values: Values  # Canonical values and given facts, by field key.
    issuer: Issuer
    marks: tuple[str, ...]  # Right side of the head: form number, record numbers.
    barcode: str
    person: str  # Who made it, with title.
    patient: str  # "NGUYỄN VĂN A · BN26000001", head of the later pages.
    at: Instant
    code: str
    verify_url: str
    record: bytes  # Canonical JSON, travels as the attachment.
    event: str = ""  # Clinical time, when it differs from the time of recording.
    supersedes: str = ""  # Said on an addendum: which paper it replaces and why.
    stamp: str = ""


def sheet_paper(sheet: SheetPaper) -> b.PaperDocument:
    """Lay out one stage of a sheet."""
    form, stage = sheet.form, sheet.form.stage(sheet.stage)
    content = [*_head(sheet, stage)]
    if sheet.supersedes:
        content.append(b.Paragraph(text=sheet.supersedes, slanted=True, size=9, align="center"))
    for section in form.sections_of(stage.code):
        content += _section(sheet, section)
    if sheet.event:
        content.append(b.Paragraph(label="Thời điểm thực hiện:", text=f"{sheet.event} (ghi vào hồ sơ sau)"))
    content.append(_signatures(stage, sheet.at, timed=form.group in ("BENH_AN", "PHIEU")))
    content += [b.Paragraph(text=note, size=8, slanted=True) for note in form.notes]
    return b.PaperDocument(
        title=f"{form.name} - {sheet.patient}",
        author=sheet.person,
        created_at=sheet.at,
        blocks=tuple(content),
        size=b.A4 if form.paper == "A4" else b.A5,
        foot=b.Foot(
            owner=sheet.issuer.facility,
            person=sheet.person,
            at=sheet.at,
            code=sheet.code,
            verify_url=sheet.verify_url,
        ),
        running=f"{form.name} · {sheet.patient}",
        stamp=sheet.stamp,
        attachments=(
            b.Attachment(f"{form.code}.json", sheet.record, f"Dữ liệu gốc của {form.name.lower()}"),
        ),
    )


def render_sheet(paper: SheetPaper) -> bytes:
    """Lay out and render a sheet. Pure and CPU-bound: for a worker process, which imports little to do it."""
    return render(sheet_paper(paper))


def canonical_record(content: dict[str, Any]) -> bytes:
    """Return the JSON that is signed with the paper: sorted keys, UTF-8, one line."""
    return msgspec.json.encode(content, order="deterministic")


def _head(sheet: SheetPaper, stage: Stage) -> Iterable[b.Block]:
    form, issuer = sheet.form, sheet.issuer
    if form.layout == "prescription":
        yield from _prescription_head(sheet)
        return
    in_head = form.group == "BENH_AN"
    yield b.Letterhead(
        authority=issuer.authority,
        facility=issuer.facility,
        unit=issuer.unit,
        motto=form.motto,
        title=form.title if in_head else "",
        marks=sheet.marks,
        barcode=sheet.barcode,
    )
    if not in_head:
        yield b.Title(text=form.title, below=form.below)
    elif len(form.stages) > 1:
        yield b.Title(text=stage.title.upper())


def _prescription_head(sheet: SheetPaper) -> Iterable[b.Block]:
    """Draw the head of form I: who prescribes on the left, the code of the prescription to scan on the right."""
    issuer = sheet.issuer
    code = sheet.values["ma_don"] or ""
    left = (
        b.Paragraph(text=issuer.facility.upper(), bold=True),
        b.Paragraph(text=f"Địa chỉ: {issuer.address}", size=8.5),
        b.Paragraph(text=f"Điện thoại: {issuer.phone}", size=8.5),
        b.Paragraph(text=issuer.unit, size=8.5),
    )
    right = (b.Code(text=code, side=62, caption=code, align="right"),) if code else ()
    yield b.Columns(left=left, right=right, share=0.68)
    yield b.Title(text=sheet.form.title)


def _section(sheet: SheetPaper, section: Section) -> list[b.Block]:
    content: list[b.Block] = [b.Heading(text=section.title)] if section.title else []
    content += [b.Paragraph(text=section.text)] if section.text else []
    shown_fields = [field for field in section.fields if _is_printed(field, sheet.values.get(field.key))]
    for line, fields in groupby(shown_fields, key=lambda field: field.line or field.key):
        row = list(fields)
        if isinstance(line, int):
            content.append(b.Fields(rows=(tuple(_value(field, sheet.values) for field in row),)))
        else:
            content += _alone(sheet, row[0])
    return content


def _is_printed(field: Field, value: Any) -> bool:
    return not field.hidden and not (field.quiet and (is_empty(value) or value is False))


def _value(field: Field, values: Values) -> b.Value:
    text = shown(field, values.get(field.key))
    return b.Value(label=field.label, text=text, share=field.share, boxes=field.boxes)


def _alone(sheet: SheetPaper, field: Field) -> list[b.Block]:
    """Draw a field that has its line, or its lines, for itself."""
    value = sheet.values.get(field.key)
    if field.type in _TICKED:
        return [_ticks(field, value)]
    if field.type == "table":
        if sheet.form.layout == "prescription":
            return _drug_list(field, value or [])
        return _table(field, value or [])
    if field.type in _NOTES:
        return [b.Paragraph(label=field.label, text=value or "", blank_lines=field.blank_lines)]
    return [b.Fields(rows=((_value(field, sheet.values),),))]


def _ticks(field: Field, value: Any) -> b.Choices:
    if field.type == "tick":
        return b.Choices(options=(b.Choice(field.label, bool(value)),))
    chosen = value if isinstance(value, list) else [value]
    options = tuple(b.Choice(option.label, option.code in chosen) for option in field.options)
    return b.Choices(label=field.label, options=options)


def _table(field: Field, rows: list[Values]) -> list[b.Block]:
    columns = (
        b.Column(title="STT", share=0.65, align="center"),
        *(b.Column(title=column.label, share=column.share, align=column.align) for column in field.columns),
    )
    body = tuple(
        b.Row(cells=(str(number), *(shown(column, row.get(column.key)) for column in field.columns)))
        for number, row in enumerate(rows, start=1)
    )
    blank = b.Row(cells=("",) * len(columns))
    title: list[b.Block] = [b.Paragraph(label=field.label, text=" ")] if field.label else []
    return [*title, b.Table(columns=columns, rows=body or (blank, blank))]


def _drug_list(field: Field, rows: list[Values]) -> list[b.Block]:
    """Print drugs as form I does: numbered name and quantity, then how to take it (TT 26/2025 Đ6)."""
    content: list[b.Block] = [b.Heading(text=field.label, level=2)]
    for number, row in enumerate(rows, start=1):
        strength = row["ham_luong"] or ""
        name = row["ten"] or ""
        what = f"{name} {strength}".strip() if strength and strength not in name else name
        amount = f"{leading_zero(row['so_luong'])} {row['don_vi'] or ''}".strip()
        name_line = b.Fields(
            rows=((b.Value(label=f"{number}.", text=what, share=3), b.Value(label="Số lượng:", text=amount)),)
        )
        content.append(b.Keep(blocks=(name_line, b.Paragraph(text=directions(row)))))
    content.append(b.Paragraph(label="Cộng khoản:", text=leading_zero(str(len(rows)))))
    return content


def directions(row: Values) -> str:
    """Say how a drug is taken, in one sentence: route, dose, times, when, how long."""
    route = (row["duong_dung"] or "Dùng").strip()
    return (
        f"{route[:1].upper()}{route[1:]}: ngày {row['so_lan']} lần, mỗi lần {row['lieu']}, {row['thoi_diem']}, "
        f"trong {row['so_ngay']} ngày."
    )


def leading_zero(amount: str) -> str:
    """Print a quantity under ten with a zero before it, so that no digit can be added (TT 26/2025 Đ6 k7)."""
    whole, dot, part = str(amount).partition(".")
    if part.strip("0") == "":
        dot = part = ""
    if len(whole) == 1 and not (whole == "0" and part):
        whole = f"0{whole}"
    return f"{whole},{part}" if dot else whole


def _signatures(stage: Stage, at: Instant, *, timed: bool) -> b.Signatures:
    moment = local(at)
    day = f"gày {moment.day:02d} tháng {moment.month:02d} năm {moment.year}"
    date = f"{moment:%H} giờ {moment:%M}, n{day}" if timed else f"N{day}"

    def slot(definition: SlotDefinition) -> b.Slot:
        return b.Slot(
            field=definition.field,
            role=definition.role,
            hint=definition.hint,
            date=date if definition.dated else "",
        )

    order = sorted(stage.slots, key=lambda definition: definition.place)
    return b.Signatures(slots=tuple(slot(definition) for definition in order))
