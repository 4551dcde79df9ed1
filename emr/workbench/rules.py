"""Between the doctor's one page and the sheets it fills. Pure.

The page is one form. A field `PKB:ly_do` belongs to the sheet PKB; diagnoses are one list of rows `dx.0.code`,
`dx.0.name` of which the first is the main one, and every sheet that names a diagnosis takes it from there.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from emr.api import OrderState, Outcome

NOTE, PRESCRIPTION, APPOINTMENT, ORDER_SLIP = "PKB", "DT-C", "PHK", "PCD"
FORMS = (NOTE, PRESCRIPTION, APPOINTMENT)
"""The sheets the page writes, in the order they are signed; the order slip writes itself from the orders."""

OUTCOMES = {
    "1": Outcome.HOME,
    "2": Outcome.HOME,
    "3": Outcome.HOME,
    "4": Outcome.ADMITTED,
    "5": Outcome.REFERRED,
}
"""`huong_giai_quyet` of the note says how the visit ends."""

Pairs = Sequence[tuple[str, str]]
Data = dict[str, Any]


def split_by_form(pairs: Pairs) -> dict[str, list[tuple[str, str]]]:
    """Sort the fields of the page by their sheet; those without a prefix come under ""."""
    parts: dict[str, list[tuple[str, str]]] = {}
    for name, text in pairs:
        form, found, field = name.rpartition(":")
        parts.setdefault(form if found else "", []).append((field, text))
    return parts


def rows_of(pairs: Pairs, key: str) -> list[dict[str, str]]:
    """Read rows `key.<n>.<column>` in the order of n, leaving out those without any text."""
    rows: dict[int, dict[str, str]] = {}
    for name, text in pairs:
        head, _, rest = name.partition(".")
        number, _, column = rest.partition(".")
        if head == key and number.isdigit() and column:
            rows.setdefault(int(number), {})[column] = text.strip()
    return [rows[n] for n in sorted(rows) if any(rows[n].values())]


def diagnoses_of(pairs: Pairs) -> list[dict[str, str]]:
    """Return the diagnoses of the page, main one first, each code once."""
    seen: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows_of(pairs, "dx"):
        entry = {"code": row.get("code", "").upper(), "name": row.get("name", "")}
        seen.setdefault((entry["code"], entry["code"] or entry["name"]), entry)
    return list(seen.values())


def note_data(data: Data, diagnoses: list[dict[str, str]]) -> Data:
    """Put the diagnoses into the examination note (phiếu khám bệnh)."""
    main = diagnoses[0] if diagnoses else None
    return data | {"chan_doan_chinh": main, "chan_doan_kem_theo": diagnoses[1:]}


def diagnoses_of_note(data: Mapping[str, Any]) -> list[dict[str, str]]:
    """Read them back from a saved note."""
    main = data.get("chan_doan_chinh")
    return [*([main] if main else []), *(data.get("chan_doan_kem_theo") or [])]


def prescription_data(data: Data, diagnoses: list[dict[str, str]]) -> Data | None:
    """Return the prescription's content, None when no drug is on it."""
    return data | {"chan_doan": diagnoses} if data.get("thuoc") else None


def appointment_data(data: Data, diagnoses: list[dict[str, str]]) -> Data | None:
    """Return the follow-up slip's content, None when no day is set."""
    if not str(data.get("hen_ngay") or "").strip():
        return None
    return data | {"chan_doan": diagnoses[0] if diagnoses else None, "benh_kem_theo": diagnoses[1:]}


def outcome_of(data: Mapping[str, Any]) -> Outcome:
    """Tell how the visit ends by the note; a note that says nothing sends the person home."""
    return OUTCOMES.get(str(data.get("huong_giai_quyet") or ""), Outcome.HOME)


def progress(states: Iterable[OrderState]) -> tuple[int, int]:
    """Count finished and all live orders of a visit."""
    live = [state for state in states if state is not OrderState.VOIDED]
    done = sum(state in (OrderState.DONE, OrderState.REPORTED) for state in live)
    return done, len(live)


def page_fields(errors: Mapping[str, str], form: str) -> dict[str, str]:
    """Name the errors of a sheet by the fields of the page."""
    shared = {"chan_doan_chinh": "dx", "chan_doan": "dx", "chan_doan_kem_theo": "dx", "benh_kem_theo": "dx"}
    named: dict[str, str] = {}
    for field, text in errors.items():
        name = shared.get(field.partition(".")[0])
        named.setdefault(name or f"{form}:{field}", text)
    return named
