"""How a sheet moves, and what its values must say together. Pure."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from emr.sheets.check import Errors, Values


class SheetState(StrEnum):
    DRAFT = "DRAFT"
    """Nháp."""
    COMPLETED = "COMPLETED"
    """Chờ ký: rendered once, nothing in it can change."""
    SIGNED = "SIGNED"
    """Đã ký: every slot."""
    SUPERSEDED = "SUPERSEDED"
    """Đã thay thế by a newer version that is signed."""
    CANCELLED = "CANCELLED"
    """Đã hủy: a draft that was given up."""


NEXT: dict[SheetState, frozenset[SheetState]] = {
    SheetState.DRAFT: frozenset({SheetState.COMPLETED, SheetState.CANCELLED}),
    SheetState.COMPLETED: frozenset({SheetState.SIGNED, SheetState.SUPERSEDED}),
    SheetState.SIGNED: frozenset({SheetState.SUPERSEDED}),
    SheetState.SUPERSEDED: frozenset(),
    SheetState.CANCELLED: frozenset(),
}

STATE_WORDS = {
    SheetState.DRAFT: "Nháp",
    SheetState.COMPLETED: "Chờ ký",
    SheetState.SIGNED: "Đã ký",
    SheetState.SUPERSEDED: "Đã thay thế",
    SheetState.CANCELLED: "Đã hủy",
}
LIVE = frozenset({SheetState.DRAFT, SheetState.COMPLETED, SheetState.SIGNED})


def may_move(old: SheetState, new: SheetState) -> bool:
    return new in NEXT[old]


def together(form: str, values: Values, *, today: date, age_months: int) -> Errors:
    """Return the errors that only show when fields are read together, by field."""
    judge = _TOGETHER.get(form)
    errors = judge(values, today, age_months) if judge else {}
    errors |= _blood_pressure(values)
    return errors


def _blood_pressure(values: Values) -> Errors:
    high, low = values.get("huyet_ap_tam_thu"), values.get("huyet_ap_tam_truong")
    if high is not None and low is not None and low >= high:
        return {"huyet_ap_tam_truong": "Huyết áp tối thiểu phải thấp hơn tối đa."}
    return {}


def _discharge(values: Values, _: date, age_months: int) -> Errors:
    """Giấy ra viện: order of times, days off by kind (TT 25/2025), guardian under 16 years."""
    errors: Errors = {}
    came, left = values.get("vao_vien"), values.get("ra_vien")
    if came and left and datetime.fromisoformat(left) < datetime.fromisoformat(came):
        errors["ra_vien"] = "Ra viện không thể trước lúc vào viện."
    days, kind = values.get("so_ngay_nghi"), values.get("nghi_loai") or "30"
    if days and days > int(kind):
        errors["so_ngay_nghi"] = f"Tối đa {kind} ngày theo căn cứ đã chọn."
    if kind == "50" and (values.get("tuoi_thai") or 0) < 13:
        errors["tuoi_thai"] = "Nghỉ 50 ngày chỉ khi sảy thai, phá thai từ 13 tuần tuổi: ghi tuổi thai."
    if age_months < 16 * 12 and not values.get("nguoi_giam_ho"):
        errors["nguoi_giam_ho"] = "Người bệnh dưới 16 tuổi: ghi họ tên cha, mẹ hoặc người giám hộ."
    return errors


def _appointment(values: Values, today: date, _: int) -> Errors:
    when = values.get("hen_ngay")
    if when and date.fromisoformat(when) <= today:
        return {"hen_ngay": "Ngày hẹn phải sau hôm nay."}
    if when and date.fromisoformat(when) > today + timedelta(days=366):
        return {"hen_ngay": "Ngày hẹn quá một năm. Hãy xem lại."}
    return {}


def _outpatient_record(values: Values, _: date, __: int) -> Errors:
    start, end = values.get("dt_ngoai_tru_tu"), values.get("dt_ngoai_tru_den")
    if start and end and end < start:
        return {"dt_ngoai_tru_den": "Ngày kết thúc phải sau ngày bắt đầu điều trị."}
    return {}


def _treatment_entry(values: Values, today: date, age_months: int) -> Errors:
    """An entry says something, and nothing is written for a day that has not come (36/BV2)."""
    del age_months
    if not any(values.get(key) for key in ("s", "o", "a", "p", "chi_dinh")):
        return {"s": "Ghi ít nhất một mục diễn biến hoặc chỉ định."}
    at = values.get("thoi_gian")
    if at and datetime.fromisoformat(at).date() > today:
        return {"thoi_gian": "Thời gian không được sau hôm nay."}
    return {}


_TOGETHER: dict[str, Callable[[Values, date, int], Errors]] = {
    "36-BV2": _treatment_entry,
    "GRV": _discharge,
    "PHK": _appointment,
    "15-BV1": _outpatient_record,
}


def diagnoses_of(values: Values) -> list[dict[str, Any]]:
    """Return the diagnoses a sheet states, in order: role MAIN, OTHER or FIRST (chẩn đoán sơ bộ)."""
    found: list[dict[str, Any]] = []
    for key, role in DIAGNOSIS_ROLES.items():
        value = values.get(key)
        stated = value if isinstance(value, list) else [value] if value else []
        if isinstance(value, str):
            continue  # Written as a line of text, as on the treatment sheet: it states none.
        for number, diagnosis in enumerate(stated):
            part = "MAIN" if role == "FIRST_IS_MAIN" and number == 0 else "OTHER" if role != "FIRST" else role
            part = "MAIN" if role == "MAIN" else part
            found.append({"role": part, "code": diagnosis["code"], "name": diagnosis["name"]})
    return found


DIAGNOSIS_ROLES = {
    "chan_doan_chinh": "MAIN",
    "cd_ra_vien_chinh": "MAIN",
    "cd_ra_vien": "MAIN",
    "chan_doan": "FIRST_IS_MAIN",
    "chan_doan_kem_theo": "OTHER",
    "cd_ra_vien_kem_theo": "OTHER",
    "benh_kem_theo": "OTHER",
    "chan_doan_so_bo": "FIRST",
    "cd_ban_dau": "FIRST",
}
