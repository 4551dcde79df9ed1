"""Diagnoses of a sheet held against the ICD-10 list: known, allowed as the main one, of the person's sex."""

from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.catalogs.models import Icd10Code
from emr.patients.scan import Sex
from emr.sheets.check import Errors, Values
from emr.sheets.form import Field, Form
from emr.sheets.rules import DIAGNOSIS_ROLES

_SEX = {"F": Sex.FEMALE, "M": Sex.MALE}
_SEX_WORDS = {"F": "nữ", "M": "nam"}


async def judge_diagnoses(
    session: AsyncSession, form: Form, stage: str, values: Values, *, sex: Sex
) -> Errors:
    """Return the errors by field. A facility that has loaded no list is not held against it."""
    stated = [
        (field, number, diagnosis["code"].rstrip("†*"))
        for field in form.fields_of(stage)
        for number, diagnosis in enumerate(_stated(field, values.get(field.key)))
        if diagnosis["code"]
    ]
    if not stated:
        return {}
    rows = await session.scalars(select(Icd10Code).where(Icd10Code.code.in_([code for _, _, code in stated])))
    known = {row.code: row for row in rows}
    if not known and not await session.scalar(select(exists().select_from(Icd10Code))):
        return {}
    errors: Errors = {}
    for field, number, code in stated:
        row = known.get(code)
        role = DIAGNOSIS_ROLES.get(field.key, "")
        if row is None:
            errors[field.key] = f"{code} không có trong danh mục ICD-10. Tìm lại mã theo tên bệnh."
        elif row.not_main and (role == "MAIN" or (role == "FIRST_IS_MAIN" and number == 0)):
            errors[field.key] = (
                f"{code} không được ghi là bệnh chính (TT 06/2026). Chọn mã khác làm bệnh chính."
            )
        elif row.sex and sex is not Sex.UNKNOWN and _SEX[row.sex] is not sex:
            errors[field.key] = f"{code} chỉ dùng cho người bệnh {_SEX_WORDS[row.sex]}."
    return errors


def _stated(field: Field, value: Any) -> list[dict[str, str]]:
    if field.type == "diagnosis":
        return [value] if value else []
    return list(value or []) if field.type == "diagnoses" else []
