"""Who signs which form, in which order, as the law's list says (`data/emr-forms.csv`, R-32)."""

import csv
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal
from uuid import UUID

from msgspec import Struct

from signing.api import NewSlot

FILE = Path(__file__).parent / "data" / "emr-forms.csv"
SHORT_CODES = {"GRV": "TT25-M02", "PHK": "TT01-PLV"}
"""Our codes of papers that the list names after their circular."""

Owner = Literal["author", "staff", "head", "director", "patient", "organisation"]

LABELS: dict[str, tuple[str, Owner]] = {
    "BS_LAM_BENH_AN": ("Bác sỹ làm bệnh án", "author"),
    "Y_BS_LAM_BENH_AN": ("Y, bác sỹ làm bệnh án", "author"),
    "BS_KHAM_BENH": ("Bác sỹ khám bệnh", "author"),
    "BS_DIEU_TRI": ("Bác sỹ điều trị", "staff"),
    "BS_PHAU_THUAT": ("Bác sỹ phẫu thuật", "staff"),
    "BS_GAY_ME": ("Bác sỹ gây mê", "author"),
    "BS_CHI_DINH": ("Bác sỹ chỉ định", "author"),
    "BS_CHUYEN_KHOA": ("Bác sỹ chuyên khoa", "staff"),
    "BS_GIAO": ("Bác sỹ giao", "author"),
    "BS_NHAN": ("Bác sỹ nhận", "staff"),
    "BAC_SI": ("Bác sĩ", "author"),
    "BAC_SI_OR_HO_SINH": ("Bác sĩ hoặc hộ sinh", "author"),
    "THAY_THUOC_KCB": ("Thầy thuốc khám bệnh, chữa bệnh", "author"),
    "PHAU_THUAT_VIEN": ("Phẫu thuật viên", "author"),
    "PHAU_THUAT_THU_THUAT_VIEN": ("Phẫu thuật, thủ thuật viên", "author"),
    "DIEU_DUONG": ("Điều dưỡng", "author"),
    "DD_GIAO": ("Điều dưỡng giao", "author"),
    "DD_NHAN": ("Điều dưỡng nhận", "staff"),
    "NHAN_VIEN_Y_TE": ("Nhân viên y tế", "author"),
    "NGUOI_HANH_NGHE": ("Người hành nghề khám bệnh, chữa bệnh", "author"),
    "NGUOI_KET_LUAN": ("Người kết luận", "author"),
    "NGUOI_GHI_GIAY": ("Người ghi giấy", "author"),
    "NGUOI_DO_DE": ("Người đỡ đẻ", "author"),
    "THU_KY": ("Thư ký", "author"),
    "CHU_TOA": ("Chủ toạ", "staff"),
    "TRUONG_KHOA": ("Trưởng khoa", "head"),
    "TRUONG_KHOA_XN": ("Trưởng khoa xét nghiệm", "head"),
    "GIAM_DOC": ("Giám đốc bệnh viện", "director"),
    "THU_TRUONG": ("Thủ trưởng cơ sở", "director"),
    "DAI_DIEN_DON_VI": ("Đại diện đơn vị", "organisation"),
    "DAI_DIEN_CO_SO": ("Đại diện cơ sở", "organisation"),
    "TO_CHUC": ("Đại diện cơ sở", "organisation"),
    "dấu": ("Dấu của cơ sở", "organisation"),
    "NGUOI_BENH_OR_DAI_DIEN": ("Người bệnh hoặc người đại diện", "patient"),
    "NGUOI_THAN": ("Người thân", "patient"),
    "THAN_NHAN": ("Thân nhân", "patient"),
    "NGUOI_DE_NGHI": ("Người đề nghị", "patient"),
    "NGUOI_GIAO_HO_SO": ("Người giao hồ sơ", "staff"),
    "NGUOI_NHAN_HO_SO": ("Người nhận hồ sơ", "staff"),
}


class LegalSlot(Struct, frozen=True):
    code: str
    label: str
    owner: Owner


class Signers(Struct, frozen=True):
    """Signers of one form. `aside`: outside the order, at handing the file over; `custom`: practice, not on a form seen."""

    slots: tuple[LegalSlot, ...]
    aside: tuple[LegalSlot, ...] = ()
    each_entry: bool = False
    custom: bool = False


class UnknownForm(LookupError):
    """The list doesn't say who signs this form."""


@cache
def _rows() -> dict[str, str]:
    with FILE.open(newline="", encoding="utf-8") as file:
        return {row["code"]: row["signers"] for row in csv.DictReader(file)}


def legal_codes() -> list[str]:
    return list(_rows())


def legal_code(code: str) -> str:
    """Return the list's code for one of our forms: "15-BV1" is "15/BV1"."""
    return SHORT_CODES.get(code) or code.replace("-BV", "/BV")


@cache
def signers_of(code: str) -> Signers:
    """Return who signs a form, in signing order. Raises UnknownForm."""
    text = _rows().get(code)
    if text is None or text == "unconfirmed" or text.startswith("replaced"):
        raise UnknownForm(code)
    if text.startswith("as "):
        return signers_of(text.removeprefix("as "))
    custom = "[practice" in text
    aside = re.search(r"\(\+([A-Z_,]+)\)", text)
    order = re.sub(r"\[.*?\]|\(\+.*?\)|\(the .*?\)|;.*", "", text)
    found = [slot for part in re.split(r"[>+]", order) for slot in _slots(part)]
    if "also TO_CHUC" in text:
        found += _slots("TO_CHUC")
    return Signers(
        slots=tuple(found),
        aside=tuple(_slot(name) for name in aside.group(1).split(",")) if aside else (),
        each_entry="after every entry" in text,
        custom=custom,
    )


def _slots(part: str) -> Iterable[LegalSlot]:
    """Read one name; a director who also seals owes two signatures, the person's and the organisation's."""
    name = re.sub(r"\(.*?\)|after every entry", "", part).strip()
    slot = _slot(name)
    yield slot
    if "(dấu)" in part and slot.owner != "organisation":
        yield _slot("dấu")


def _slot(name: str) -> LegalSlot:
    if name not in LABELS:
        raise UnknownForm(f"nobody knows the signer {name!r}")
    label, owner = LABELS[name]
    return LegalSlot(name, label, owner)


def legal_slots(
    code: str, *, author_id: UUID, department: str, staff: dict[str, UUID] | None = None
) -> list[NewSlot]:
    """Return the slots of a form as the list orders them; `staff` names who fills what is neither author nor post.

    Raises UnknownForm.
    """
    slots, seen = [], set()
    for at, slot in enumerate(signers_of(code).slots, start=1):
        field = slot.code.lower() if slot.code not in seen and slot.code.isascii() else f"o_{at}"
        seen.add(slot.code)
        slots.append(_new_slot(field, slot, author_id, department, (staff or {}).get(slot.code)))
    return slots


def _new_slot(field: str, slot: LegalSlot, author_id: UUID, department: str, person: UUID | None) -> NewSlot:
    if slot.owner == "organisation":
        return NewSlot(field=field, label=slot.label, organisation=True)
    if slot.owner == "patient":
        return NewSlot(field=field, label=slot.label, patient=True)
    if person is not None or slot.owner == "author":
        return NewSlot(field=field, label=slot.label, owner_staff_id=person or author_id)
    if slot.owner == "director":
        return NewSlot(field=field, label=slot.label, owner_role="director")
    role = "head" if slot.owner == "head" else "nurse" if slot.code.startswith("DD_") else "doctor"
    return NewSlot(field=field, label=slot.label, owner_role=role, department=department)


def order_faults(code: str, stages: Iterable[tuple[str, ...]]) -> Iterable[str]:
    """Say where a form's slots, given as owners stage by stage, differ from the law's list; forms not in it are free."""
    try:
        signers = signers_of(legal_code(code))
    except UnknownForm:
        return
    owners = [_plain(slot.owner) for slot in signers.slots]
    left = list(owners)
    for stage in stages:
        order = iter(owners)
        if not all(any(owner == wanted for wanted in order) for owner in stage):
            yield f"{'>'.join(stage)} is not the order of the law: {'>'.join(owners)}"
        for owner in stage:
            if owner in left:
                left.remove(owner)
    if left:
        yield f"the law also wants {', '.join(left)} to sign"


def _plain(owner: str) -> str:
    """Name owners as form files do."""
    return {"staff": "author", "head": "role:head", "director": "role:director"}.get(owner, owner)
