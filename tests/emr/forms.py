"""Filled-in forms for tests."""

from datetime import UTC, date, datetime
from typing import Any

from emr.sheets.check import check
from emr.sheets.form import Field, Form, form_book
from emr.sheets.paper import Issuer, SheetPaper, canonical_record

DAY = date(2026, 11, 21)
AT = datetime(2026, 11, 21, 7, 5, tzinfo=UTC)
NOTE = (
    "Người bệnh tỉnh, tiếp xúc tốt. Khởi phát cách đây ba ngày với sốt 38,5 độ, ho khan nhiều về đêm, đau ngực phải "
    "khi hít sâu; đã tự dùng thuốc hạ sốt ở nhà nhưng không đỡ, đến khám."
)
PNEUMONIA = {"code": "J18.1", "name": "Viêm phổi thùy, tác nhân không xác định"}
PRESSURE = {"code": "I10", "name": "Tăng huyết áp vô căn (nguyên phát)"}
FACTS: dict[str, Any] = {
    "patient.name": "NGUYỄN THỊ HUYỀN TRÂN",
    "patient.birth": "02/09/1985",
    "patient.birth_age": "02/09/1985 (41 tuổi)",
    "patient.age": "41 tuổi",
    "patient.sex": "Nữ",
    "patient.sex_code": "2",
    "patient.ethnic": "Kinh",
    "patient.occupation": "Giáo viên trung học cơ sở",
    "patient.citizen_id": "001185000123",
    "patient.phone": "0901 234 567",
    "patient.address": "Số 12, ngõ 34 phố Nguyễn Thị Minh Khai, phường Đồng Xuân, thành phố Hà Nội",
    "patient.code": "BN26000001",
    "patient.allergies": "Penicillin",
    "patient.foreign": "",
    "stay.number": "NT26000012",
    "stay.department": "Khoa Nội",
    "stay.bed": "N1-04",
    "stay.entry": "3",
    "visit.payer": "BHYT",
    "visit.payer_code": "1",
    "visit.card": "DN4010123456789",
    "visit.card_valid_to": "31/12/2026",
    "visit.opened_at": "07 giờ 42 phút, ngày 21/11/2026",
    "visit.room": "PK3",
    "visit.place": "Khoa Khám bệnh - PK3",
    "visit.day": "21/11/2026",
    "visit.last_day": "21/11/2026",
    "visit.number": "LK26000123",
    "prescription.code": "99999k3v9x0a-C",
    "orders.total": "114.500 ₫",
    "orders.lines": [
        {
            "so": "CD26000045",
            "ten": "Tổng phân tích tế bào máu ngoại vi (bằng máy đếm laser)",
            "noi": "XN1",
            "so_luong": 1,
            "don_gia": "46.200",
            "thanh_tien": "46.200",
        },
        {
            "so": "CD26000046",
            "ten": "Chụp X-quang ngực thẳng số hóa 1 phim",
            "noi": "CDHA1",
            "so_luong": 1,
            "don_gia": "68.300",
            "thanh_tien": "68.300",
        },
    ],
}
DRUGS = [
    {
        "ma": "T001",
        "ten": "Amoxicilin (Amoxivd)",
        "ham_luong": "500 mg",
        "so_luong": "21",
        "don_vi": "viên",
        "lieu": "1 viên",
        "so_lan": "3",
        "duong_dung": "uống",
        "thoi_diem": "sau ăn",
        "so_ngay": "7",
    },
    {
        "ma": "T002",
        "ten": "Paracetamol",
        "ham_luong": "500 mg",
        "so_luong": "9",
        "don_vi": "viên",
        "lieu": "1 viên",
        "so_lan": "3",
        "duong_dung": "uống",
        "thoi_diem": "khi sốt trên 38,5 độ, cách nhau ít nhất 6 giờ",
        "so_ngay": "3",
    },
]
MARKS = {
    "15-BV1": ("MS: 15/BV-01", "Số ngoại trú: 26.000123", "Số lưu trữ: .................."),
    "GRV": ("MS: 02", "Số: 26/001234", "Số hồ sơ: NT26000012"),
}


def the_form(code: str) -> Form:
    form = form_book().find(code, DAY)
    assert form is not None
    return form


def an_answer(field: Field) -> Any:
    """Return a plausible answer to any field."""
    if field.key == "thuoc":
        return DRUGS
    if field.type in ("choice", "choices"):
        return field.options[0].code
    if field.type in ("integer", "decimal"):
        low, high = field.minimum or 0, field.maximum or 10
        return str(round(low + (high - low) * 0.35))
    if field.type == "table":
        return [{column.key: "X-quang" if column.type == "text" else "2" for column in field.columns}]
    answers: dict[str, Any] = {
        "text": "Sốt, ho khan, đau ngực phải",
        "note": NOTE,
        "date": "21/11/2026",
        "moment": "21/11/2026 14:05",
        "diagnosis": PNEUMONIA,
        "diagnoses": [PNEUMONIA, PRESSURE],
        "tick": "1",
    }
    return answers[field.type]


def answers(code: str, stage: str = "A") -> dict[str, Any]:
    return {field.key: an_answer(field) for field in the_form(code).fields_of(stage) if not field.given}


def a_sheet_paper(
    code: str, stage: str = "A", data: dict[str, Any] | None = None, facts: dict[str, str] | None = None
) -> SheetPaper:
    """Fill in a form, whole by default; `data={}` leaves it empty."""
    form = the_form(code)
    values, _ = check(form, stage, answers(code, stage) if data is None else data)
    known = {**FACTS, **(facts or {})}
    for field in form.fields_of(stage):
        if field.given:
            values[field.key] = known[field.given]
    return SheetPaper(
        form=form,
        stage=stage,
        values=values,
        issuer=Issuer(
            authority="Sở Y tế tỉnh Ví Dụ",
            facility="Bệnh viện Đa khoa Ví Dụ",
            unit="Khoa Khám bệnh",
            address="1 Đường Mẫu, Phường Ví Dụ, Tỉnh Ví Dụ",
            phone="0000 000 000",
        ),
        marks=MARKS.get(code, ("Số vào viện: LK26000123",)),
        barcode=known.get(form.barcode, ""),
        person="BS. Trần Thị Ánh Nguyệt",
        patient="NGUYỄN THỊ HUYỀN TRÂN · BN26000001",
        at=AT,
        code="K7QM-42XR-9TAB-H3WN",
        verify_url="http://127.0.0.1:8000/v/K7QM-42XR-9TAB-H3WN",
        record=canonical_record(values),
    )
