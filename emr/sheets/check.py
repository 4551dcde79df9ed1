"""What was written, read strictly: values in canonical form, or an error per field in words that help. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from emr.sheets.form import Field, Form
from kernel.clock import VN, format_day, parse_day_typed
from kernel.paper.fonts import unprintable
from kernel.text import clean_line, clean_text

LINE_LENGTH, NOTE_LENGTH, ROWS = 500, 20_000, 100
Values = dict[str, Any]
Errors = dict[str, str]
_MOMENT = re.compile(r"(\d{1,2}/\d{1,2}/\d{4}|\d{8})[ ,T]+(\d{1,2})[:hg](\d{2})")


class Bad(ValueError):
    """Why a value is refused, in Vietnamese. `at` names the part of a table."""

    def __init__(self, reason: str, *, at: str = "") -> None:
        super().__init__(reason)
        self.at = at


def check(form: Form, stage: str, data: Mapping[str, Any]) -> tuple[Values, Errors]:
    """Return the canonical values of every field of the stage (empty ones too, R-2) and the errors by field."""
    values: Values = {}
    errors: Errors = {}
    for field in form.fields_of(stage):
        try:
            values[field.key] = read_value(field, data.get(field.key))
        except Bad as bad:
            errors[field.key + bad.at] = str(bad)
    return values, errors


def read_value(field: Field, raw: Any) -> Any:
    """Return the canonical value, or the empty value of its type. Raises Bad."""
    if is_empty(raw):
        if field.required:
            raise Bad(f"Cần ghi: {_plain(field.label)}.")
        return empty_value(field)
    return _READERS[field.type](field, raw)


def empty_value(field: Field) -> Any:
    """Return the canonical value of a field nothing is written in."""
    if field.type in ("choices", "diagnoses", "table"):
        return []
    return False if field.type == "tick" else None


def is_empty(raw: Any) -> bool:
    """Tell whether nothing was written: blanks, empty lists, rows of blanks."""
    if isinstance(raw, str):
        return not raw.strip()
    if isinstance(raw, Mapping):
        return all(is_empty(part) for part in raw.values())
    if isinstance(raw, list | tuple):
        return all(is_empty(part) for part in raw)
    return raw is None


def _plain(label: str) -> str:
    """Return a label as it is named in a sentence: without its number and colon."""
    return re.sub(r"^[0-9IVXa-z]{1,4}[.)]\s+", "", label).rstrip(": ")


def _text(field: Field, raw: Any) -> str:
    return _clean(field, raw, clean_line, field.max_length or LINE_LENGTH)


def _note(field: Field, raw: Any) -> str:
    return _clean(field, raw, clean_text, field.max_length or NOTE_LENGTH)


def _clean(field: Field, raw: Any, clean: Callable[[str], str], limit: int) -> str:
    if not isinstance(raw, str):
        raise Bad(f"{_plain(field.label)} phải là chữ.")
    try:
        text = clean(raw)
    except ValueError:
        raise Bad("Có ký tự điều khiển không đọc được. Hãy gõ lại đoạn này.") from None
    if len(text) > limit:
        raise Bad(f"Dài {len(text)} ký tự, nhiều nhất {limit}.")
    if odd := unprintable(text):
        raise Bad(f"Không in được ký tự {' '.join(sorted(odd))}. Hãy viết bằng chữ.")
    return text


def _date(field: Field, raw: Any) -> str:
    try:
        return parse_day_typed(str(raw)).isoformat()
    except ValueError:
        raise Bad(f"{_plain(field.label)}: ghi ngày như 21/11/2026.") from None


def _moment(field: Field, raw: Any) -> str:
    """Read "21/11/2026 14:05" or an ISO moment; without a zone it is the clock on our wall."""
    text = str(raw).strip()
    try:
        if match := _MOMENT.fullmatch(text):
            day = parse_day_typed(match[1])
            moment = datetime(day.year, day.month, day.day, int(match[2]), int(match[3]), tzinfo=VN)
        else:
            moment = datetime.fromisoformat(text if "T" in text else "")
            moment = moment.astimezone(VN) if moment.tzinfo else moment.replace(tzinfo=VN)
    except (ValueError, OverflowError):
        raise Bad(f"{_plain(field.label)}: ghi giờ và ngày như 21/11/2026 14:05.") from None
    return moment.isoformat(timespec="minutes")


def _number(field: Field, raw: Any) -> Decimal:
    text = str(raw).strip().replace(",", ".")
    try:
        if isinstance(raw, bool) or not re.fullmatch(r"[+-]?\d{1,9}(\.\d{1,4})?", text):
            raise InvalidOperation
        number = Decimal(text)
    except InvalidOperation:
        raise Bad(f"{_plain(field.label)} phải là số.") from None
    low, high, unit = field.minimum, field.maximum, f" {field.unit}" if field.unit else ""
    if low is not None and number < Decimal(str(low)):
        raise Bad(f"{_plain(field.label)} không dưới {low:g}{unit}.")
    if high is not None and number > Decimal(str(high)):
        raise Bad(f"{_plain(field.label)} không quá {high:g}{unit}.")
    return number


def _integer(field: Field, raw: Any) -> int:
    number = _number(field, raw)
    if number != int(number):
        raise Bad(f"{_plain(field.label)} phải là số nguyên.")
    return int(number)


def _decimal(field: Field, raw: Any) -> str:
    """Keep measured numbers as exact text: 38.5 stays 38.5."""
    number = _number(field, raw)
    return format(number.normalize(), "f")


def _choice(field: Field, raw: Any) -> str:
    code = str(raw).strip()
    if code not in {option.code for option in field.options}:
        raise Bad(f"{_plain(field.label)}: chọn một trong các mục của mẫu.")
    return code


def _choices(field: Field, raw: Any) -> list[str]:
    codes = raw if isinstance(raw, list | tuple) else [raw]
    chosen = {_choice(field, code) for code in codes}
    return [option.code for option in field.options if option.code in chosen]


def _tick(_: Field, raw: Any) -> bool:
    return raw is True or str(raw).strip().lower() in ("1", "on", "true", "x", "có")


def _diagnosis(field: Field, raw: Any) -> dict[str, str]:
    """Read {"code": "J18.1", "name": "…"}; words without a code are a diagnosis too, in the doctor's words."""
    if isinstance(raw, str):
        raw = {"code": "", "name": raw}
    if not isinstance(raw, Mapping):
        raise Bad(f"{_plain(field.label)}: ghi mã ICD-10 và tên bệnh.")
    code = str(raw.get("code") or "").strip().upper()
    name = _text(field, str(raw.get("name") or ""))
    if code and not re.fullmatch(r"[A-Z][0-9]{2}(\.[0-9]{1,2})?[†*]?", code):
        raise Bad(f"{code} không phải mã ICD-10.")
    if not name:
        raise Bad(f"{_plain(field.label)}: thiếu tên bệnh của mã {code}.")
    return {"code": code, "name": name}


def _diagnoses(field: Field, raw: Any) -> list[dict[str, str]]:
    if not isinstance(raw, list | tuple):
        raw = [raw]
    return [_diagnosis(field, part) for part in raw if not is_empty(part)]


def _table(field: Field, raw: Any) -> list[Values]:
    if not isinstance(raw, list | tuple):
        raise Bad(f"{_plain(field.label)}: không đọc được các dòng.")
    rows = [row for row in raw if not is_empty(row)]
    if len(rows) > ROWS:
        raise Bad(f"{_plain(field.label)}: nhiều nhất {ROWS} dòng.")
    read = []
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise Bad(f"{_plain(field.label)}: không đọc được dòng {number + 1}.", at=f".{number}")
        cells: Values = {}
        for column in field.columns:
            try:
                cells[column.key] = read_value(column, row.get(column.key))
            except Bad as bad:
                raise Bad(f"Dòng {number + 1}: {bad}", at=f".{number}.{column.key}") from None
        read.append(cells)
    return read


_READERS: dict[str, Callable[[Field, Any], Any]] = {
    "text": _text,
    "note": _note,
    "date": _date,
    "moment": _moment,
    "integer": _integer,
    "decimal": _decimal,
    "choice": _choice,
    "choices": _choices,
    "tick": _tick,
    "diagnosis": _diagnosis,
    "diagnoses": _diagnoses,
    "table": _table,
}


def shown(field: Field, value: Any) -> str:
    """Return a canonical value as people read it on a line."""
    if value is None or value == "" or value == []:
        return ""
    write = _WRITERS.get(field.type)
    return write(field, value) if write else str(value)


def shown_diagnosis(value: Mapping[str, str]) -> str:
    return f"{value['name']} ({value['code']})" if value["code"] else value["name"]


_WRITERS: dict[str, Callable[[Field, Any], str]] = {
    "date": lambda _, value: format_day(datetime.fromisoformat(value).date()),
    "moment": lambda _, value: f"{datetime.fromisoformat(value):%H giờ %M phút, ngày %d/%m/%Y}",
    "decimal": lambda field, value: f"{str(value).replace('.', ',')} {field.unit}".strip(),
    "integer": lambda field, value: f"{value} {field.unit}".strip(),
    "choice": lambda field, value: _labels(field, [value]),
    "choices": lambda field, value: _labels(field, value),
    "tick": lambda _, value: "Có" if value else "",
    "diagnosis": lambda _, value: shown_diagnosis(value),
    "diagnoses": lambda _, value: "; ".join(shown_diagnosis(part) for part in value),
}


def _labels(field: Field, codes: list[str]) -> str:
    return ", ".join(option.label for option in field.options if option.code in codes)


def unflatten(form: Form, stage: str, pairs: list[tuple[str, str]]) -> Values:
    """Build the data of a sheet from the fields of a web form: "thuoc.0.ten" → {"thuoc": [{"ten": …}]}."""
    data: Values = {}
    kinds = {field.key: field for field in form.fields_of(stage)}
    for name, text in pairs:
        key, *path = name.split(".")
        field = kinds.get(key)
        if field is None or field.given:
            continue
        if field.type == "choices":
            data.setdefault(key, []).append(text)
        elif field.type in ("diagnoses", "table") and len(path) == 2 and path[0].isdigit():
            data.setdefault(key, {}).setdefault(int(path[0]), {})[path[1]] = text
        elif field.type == "diagnosis" and len(path) == 1:
            data.setdefault(key, {})[path[0]] = text
        elif not path:
            data[key] = text
    for field in kinds.values():
        if field.type in ("diagnoses", "table") and isinstance(data.get(field.key), dict):
            rows = data[field.key]
            data[field.key] = [rows[at] for at in sorted(rows)]
        elif field.type in ("choices", "tick") and not field.given:
            data.setdefault(field.key, [] if field.type == "choices" else False)
    return data
