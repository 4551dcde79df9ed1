"""The rules of TT 26/2025 that a prescription of form I must keep (P01-P28 of the specification). Pure."""

import re
import secrets
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from msgspec import Struct

from emr.catalogs.views import Drug

_RANDOM = "0123456789abcdefghijklmnopqrstuvwxyz"
CODE = re.compile(r"[0-9A-Za-z]{5}[0-9a-z]{7}-[NHCT]")
CHILD_MONTHS = 72
"""P05: a child under 72 months."""
Errors = dict[str, str]


class Limits(Struct, frozen=True):
    """Figures of the law that may change, or that a facility narrows."""

    days: int = 30
    """P11. 90 only for diagnoses of appendix VII, whose list was not obtained: see `long_codes`."""
    long_days: int = 90
    long_codes: frozenset[str] = frozenset()
    collect_days: int = 5
    """P21: collected within 5 days of the date of prescribing."""


def new_code(facility_code: str, kind: str = "C") -> str:
    """Return a prescription code: facility, seven random characters, kind (P07). Never sequential."""
    code = f"{facility_code}{''.join(secrets.choice(_RANDOM) for _ in range(7))}-{kind}"
    if not CODE.fullmatch(code):
        raise ValueError(f"facility code {facility_code!r}: five letters or digits")
    return code


def is_code(text: str) -> bool:
    return bool(CODE.fullmatch(text))


def age_months(birth: date, on: date) -> int:
    """Return full months lived, as P05 compares them."""
    return (on.year - birth.year) * 12 + on.month - birth.month - (on.day < birth.day)


def valid_until(prescribed: date, limits: Limits) -> date:
    """Return the last day to collect the drugs: the day of prescribing is the first of five."""
    return prescribed + timedelta(days=limits.collect_days - 1)


def drug_name(drug: Drug) -> str:
    """Return the name as P08 wants it: the INN with the brand in brackets; several substances: the brand."""
    brand, inn = drug.name.strip(), drug.inn.strip()
    if not inn or brand.casefold() == inn.casefold():
        return brand
    if re.search(r"\+|,|/", inn):
        return brand
    return inn if brand.casefold().startswith(inn.casefold()) else f"{inn} ({brand})"


def longest_days(codes: list[str], limits: Limits) -> int:
    """Return how many days may be prescribed for these diagnoses (P11)."""
    listed = any(code in limits.long_codes or code[:3] in limits.long_codes for code in codes)
    return limits.long_days if listed else limits.days


def judge(
    values: Mapping[str, Any], *, months: int, drugs: Mapping[str, Drug], limits: Limits, has_guardian: bool
) -> Errors:
    """Return what keeps the prescription from being signed, by field of the form.

    `values`: canonical values of DT-C. `drugs`: the catalogue entries of the codes in its lines.
    """
    errors: Errors = {}
    if months < CHILD_MONTHS:
        if not values.get("can_nang"):
            errors["can_nang"] = "Trẻ dưới 72 tháng tuổi: phải ghi cân nặng."
        if not values.get("nguoi_dua_tre") and not has_guardian:
            errors["nguoi_dua_tre"] = (
                "Trẻ dưới 72 tháng tuổi: phải ghi tên bố, mẹ hoặc người đưa trẻ đến khám."
            )
    codes = [diagnosis["code"] for diagnosis in values.get("chan_doan") or []]
    limit = longest_days(codes, limits)
    seen: dict[str, int] = {}
    for number, line in enumerate(values.get("thuoc") or []):
        errors |= _judge_line(number, line, drugs=drugs, limit=limit)
        if (first := seen.setdefault(line["ma"], number)) != number:
            errors[f"thuoc.{number}.ma"] = f"Thuốc này đã có ở dòng {first + 1}. Gộp vào một dòng."
    return errors


def _judge_line(number: int, line: Mapping[str, Any], *, drugs: Mapping[str, Drug], limit: int) -> Errors:
    drug = drugs.get(line["ma"])
    if drug is None:
        return {
            f"thuoc.{number}.ma": f"{line['ten'] or line['ma']} không phải thuốc trong danh mục kê đơn. "
            "Thực phẩm chức năng, mỹ phẩm không được kê: ghi vào lời dặn nếu cần."
        }
    errors: Errors = {}
    if drug.control:
        kind = {"N": "gây nghiện (mẫu N)", "H": "hướng thần, tiền chất (mẫu H)"}[drug.control]
        errors[f"thuoc.{number}.ma"] = (
            f"{drug.name} là thuốc {kind}: kê bằng đơn riêng, không kê chung đơn thường."
        )
    if not (drug.strength and drug.unit and (line["duong_dung"] or drug.route)):
        errors[f"thuoc.{number}.ma"] = f"{drug.name}: danh mục thiếu hàm lượng, đơn vị hoặc đường dùng."
    if line["so_ngay"] > limit:
        errors[f"thuoc.{number}.so_ngay"] = f"Số ngày kê đơn tối đa là {limit}."
    amount = Decimal(line["so_luong"])
    if amount != amount.to_integral() and drug.unit.casefold() in ("lọ", "ống", "chai", "tuýp", "hộp"):
        errors[f"thuoc.{number}.so_luong"] = f"{drug.name}: số lượng tính theo {drug.unit} phải là số nguyên."
    return errors
