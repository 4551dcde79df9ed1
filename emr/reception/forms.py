"""Read what reception typed into commands, field by field."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from emr.episodes.rules import IdentifiedBy, Payer, QueuePriority
from emr.episodes.views import CardCheck, Guardian, OpenVisit
from emr.patients.rules import birth_text
from emr.patients.scan import CitizenCard, InsuranceCardScan, Precision, Scan, Sex, TypedNumber
from emr.patients.views import ChangePatient, PatientView, RegisterPatient
from kernel.clock import Instant, format_day, parse_day_typed
from kernel.money import parse_vnd
from kernel.text import format_phone

Form = Mapping[str, str]


class InvalidForm(Exception):
    """What must be mended, by field."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = errors


class _Reader:
    """Collects what is wrong while it reads."""

    def __init__(self, form: Form) -> None:
        self.form = {name: value.strip() for name, value in form.items()}
        self.errors: dict[str, str] = {}

    def text(self, name: str) -> str:
        return self.form.get(name, "")

    def needed(self, name: str, complaint: str) -> str:
        if not self.text(name):
            self.errors[name] = complaint
        return self.text(name)

    def optional(self, name: str) -> str | None:
        return self.text(name) or None

    def number(self, name: str) -> str | None:
        """A number typed with spaces or dots between."""
        return re.sub(r"[\s.\-]", "", self.text(name)).upper() or None

    def amount(self, name: str) -> int | None:
        """Đồng as typed; None when left empty."""
        if not self.text(name):
            return None
        try:
            return parse_vnd(self.text(name))
        except ValueError:
            self.errors[name] = "Số tiền là số đồng nguyên, ví dụ 1.250.000."
            return None

    def day(self, name: str) -> date | None:
        if not self.text(name):
            return None
        try:
            return parse_day_typed(self.text(name))
        except ValueError:
            self.errors[name] = "Ngày không đúng. Gõ như 01022026 hoặc 01/02/2026."
            return None

    def birth(self, name: str) -> tuple[date, Precision]:
        try:
            return parse_birth(self.text(name))
        except ValueError:
            self.errors[name] = "Ngày sinh không đúng. Gõ như 01/02/1999, 02/1999 hoặc 1999."
            return date(1900, 1, 1), Precision.DAY

    def particulars(self) -> dict[str, Any]:
        """What a person says of themselves; a chart's other fields are not on the form."""
        name = self.needed("name", "Nhập họ tên.")
        birth, precision = self.birth("birth")
        sex = next((sex for sex in Sex if sex == self.text("sex")), None)
        if sex is None:
            self.errors["sex"] = "Chọn giới tính."
        return {
            "name": name,
            "birth_date": birth,
            "birth_precision": precision,
            "sex": sex,
            "citizen_id": self.number("citizen_id"),
            "insurance_no": self.number("insurance_no"),
            "passport_no": self.number("passport_no"),
            "phone": self.optional("phone"),
            "address": self.text("address"),
            "ethnic_code": self.optional("ethnic_code"),
            "occupation": self.text("occupation"),
            "allergies": self.text("allergies"),
        }

    def finish(self) -> None:
        if self.errors:
            raise InvalidForm(self.errors)


def parse_birth(typed: str) -> tuple[date, Precision]:
    """Read "01/02/1999", "01021999", "02/1999", "1999" or "khoảng 1960". Raises ValueError."""
    typed = typed.strip().lower()
    estimated = typed.startswith("khoảng")
    typed = typed.removeprefix("khoảng").strip()
    if re.fullmatch(r"[0-9]{4}", typed):
        return date(int(typed), 1, 1), Precision.ESTIMATED if estimated else Precision.YEAR
    if match := re.fullmatch(r"([0-9]{1,2})/([0-9]{4})", typed):
        return date(int(match[2]), int(match[1]), 1), Precision.MONTH
    return parse_day_typed(typed), Precision.DAY


def read_registration(form: Form) -> RegisterPatient:
    """Raises InvalidForm."""
    reader = _Reader(form)
    typed = reader.particulars()
    reader.finish()
    return RegisterPatient(id=UUID(reader.text("id")), old_id=reader.number("old_id"), **typed)


def read_change(form: Form, patient: PatientView) -> ChangePatient:
    """Raises InvalidForm."""
    reader = _Reader(form)
    typed = reader.particulars()
    reason = reader.needed("reason", "Ghi lý do sửa.")
    if reason and len(reason) < 3:
        reader.errors["reason"] = "Ghi lý do rõ hơn."
    reader.finish()
    return ChangePatient(
        revision=int(reader.text("revision") or 0),
        reason=reason,
        ward_code=patient.ward_code,
        province_code=patient.province_code,
        nationality=patient.nationality,
        **typed,
    )


def read_opening(form: Form, patient_id: UUID, *, now: Instant) -> OpenVisit:
    """Raises InvalidForm."""
    reader = _Reader(form)
    room, _, service = reader.needed("exam", "Chọn phòng khám.").partition(":")
    if reader.text("payer") not in list(Payer):
        reader.errors["payer"] = "Chọn đối tượng."
    payer = Payer(reader.text("payer")) if "payer" not in reader.errors else Payer.SELF_PAY
    card = _card(reader, now) if payer is Payer.BHYT else None
    guardian = _guardian(reader)
    reader.finish()
    return OpenVisit(
        id=UUID(reader.text("id")),
        patient_id=patient_id,
        payer=payer,
        room=room,
        service_code=service,
        reason=reader.text("reason"),
        insurance=card,
        identified_by=IdentifiedBy(reader.text("identified_by") or IdentifiedBy.MANUAL),
        identified_reply=reader.text("reply_code"),
        priority=QueuePriority(reader.text("priority") or QueuePriority.NORMAL),
        guardian=guardian,
    )


def read_card(form: Form, *, now: Instant) -> CardCheck:
    """Read what a look-up at the BHXH portal said. Raises InvalidForm."""
    reader = _Reader(form)
    card = _card(reader, now)
    reader.finish()
    assert card is not None, "without an error there is a card"
    return card


def _card(reader: _Reader, now: Instant) -> CardCheck | None:
    number = reader.number("card_number") or ""
    if not number:
        reader.errors["card_number"] = "Nhập số thẻ BHYT hoặc mã BHXH."
    valid_from, valid_to = reader.day("valid_from"), reader.day("valid_to")
    five_years = reader.day("five_years_from")
    down = bool(reader.text("portal_down"))
    if not valid_from and not down and "valid_from" not in reader.errors:
        reader.errors["valid_from"] = "Nhập ngày bắt đầu giá trị thẻ như cổng BHXH trả về."
    if not reader.text("route") and not down:
        reader.errors["route"] = "Chọn «Đến khám theo»: mức hưởng theo đó mà tính."
    level = reader.text("benefit_level") or (number[2] if len(number) == 15 else "")
    given = {
        "card_number": number,
        "facility_code": reader.text("facility_code"),
        "valid_from": valid_from,
        "valid_to": valid_to,
        "benefit_level": level,
        "route": reader.text("route"),
        "five_years_from": five_years,
        "copaid": reader.amount("copaid"),
        "copaid_before_change": reader.amount("copaid_before_change") or 0,
        "reply_code": reader.text("reply_code"),
        "checked_at": now,
        "portal_down": "Cổng không trả lời" if down else "",
    }
    try:
        return msgspec.convert(given, CardCheck)
    except msgspec.ValidationError:
        reader.errors.setdefault("benefit_level", "Mức hưởng là một chữ số từ 1 đến 5.")
        return None


def _guardian(reader: _Reader) -> Guardian | None:
    name, relation = reader.text("guardian_name"), reader.text("guardian_relation")
    if not name and not relation:
        return None
    if not name or not relation:
        reader.errors["guardian_name" if not name else "guardian_relation"] = "Nhập đủ họ tên và quan hệ."
        return None
    return Guardian(name=name, relation=relation, phone=reader.text("guardian_phone"))


class Prefill(Struct, frozen=True):
    """What a scan fills in, as text for the form."""

    name: str = ""
    birth: str = ""
    sex: str = ""
    citizen_id: str = ""
    old_id: str = ""
    insurance_no: str = ""
    address: str = ""
    identified_by: str = IdentifiedBy.MANUAL
    facility_code: str = ""
    valid_from: str = ""
    valid_to: str = ""
    five_years_from: str = ""


def prefill(scan: Scan) -> Prefill:
    """Turn a scan into the fields it can fill."""
    match scan:
        case CitizenCard():
            return Prefill(
                name=scan.name,
                birth=format_day(scan.birth_date),
                sex=scan.sex,
                citizen_id=scan.citizen_id,
                old_id=scan.old_id or "",
                address=scan.address,
                identified_by=IdentifiedBy.QR_CCCD,
            )
        case InsuranceCardScan():
            return Prefill(
                name=scan.name,
                birth=birth_text(scan.birth_date, scan.birth_precision),
                sex=scan.sex,
                insurance_no=scan.insurance_no,
                address=scan.address or "",
                facility_code=scan.facility_code or "",
                valid_from=format_day(scan.valid_from) if scan.valid_from else "",
                valid_to=format_day(scan.valid_to) if scan.valid_to else "",
                five_years_from=format_day(scan.five_years_from) if scan.five_years_from else "",
            )
        case TypedNumber(kind="citizen_id"):
            return Prefill(citizen_id=scan.value)
        case TypedNumber():
            return Prefill(insurance_no=scan.value)
        case _:
            return Prefill()


def particulars(patient: PatientView) -> dict[str, str]:
    """A chart's particulars as text for the form."""
    return {
        "name": patient.name,
        "birth": birth_text(patient.birth_date, patient.birth_precision),
        "sex": patient.sex,
        "citizen_id": patient.citizen_id or "",
        "insurance_no": patient.insurance_no or "",
        "passport_no": patient.passport_no or "",
        "phone": format_phone(patient.phone) if patient.phone else "",
        "address": patient.address,
        "ethnic_code": patient.ethnic_code or "",
        "occupation": patient.occupation,
        "allergies": patient.allergies,
        "revision": str(patient.revision),
    }
