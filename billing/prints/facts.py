"""Gather what a receipt and a bill say, from billing and through the faces of the packages below."""

from datetime import date
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.bills.service import bill
from billing.bills.views import BillLine
from billing.prints.bill import BillCard, BillPaper
from billing.prints.receipt import ReceiptPaper
from billing.receipts.service import get_receipt
from billing.settings import BillingSettings
from emr.api import (
    CardCheck,
    PatientView,
    Sex,
    birth_text,
    diagnoses_of_visit,
    get_patient,
    get_service,
    list_departments,
)
from insurance.api import NoFigure, shipped
from kernel.clock import Instant, local_day
from kernel.paper.verify import verify_url
from kernel.problems import NotFound
from kernel.settings import KernelSettings

_SEX_WORDS = {Sex.MALE: "Nam", Sex.FEMALE: "Nữ"}
_VISITS = text(
    "SELECT id, episode_code, payer, setting, department_code, insurance, opened_at, ended_at, "
    "episode_opened_at, episode_closed_at FROM emr_v_visit WHERE episode_id = :episode AND state <> 'CANCELLED' "
    "ORDER BY opened_at"
)


async def receipt_facts(
    session: AsyncSession,
    receipt_id: UUID,
    *,
    kernel: KernelSettings,
    code: str,
    copied_at: Instant | None = None,
) -> ReceiptPaper:
    """Return what a receipt says. Raises NoSuchReceipt."""
    receipt = await get_receipt(session, receipt_id)
    patient = await get_patient(session, receipt.patient_id)
    return ReceiptPaper(
        receipt=receipt,
        facility=kernel.facility,
        patient_name=patient.name,
        patient_code=patient.code,
        patient_address=patient.address,
        verify_url=verify_url(kernel.base_url, code) if code else "",
        verify_code=code,
        demo=kernel.demo,
        copied_at=copied_at,
    )


async def bill_facts(
    session: AsyncSession,
    episode_id: UUID,
    *,
    kernel: KernelSettings,
    settings: BillingSettings,
    code: str,
    maker: str,
    now: Instant,
) -> BillPaper:
    """Return what the bill of an episode says, as settled or as it stands. Raises NoAccount, BillNotComputable."""
    account_bill = await bill(session, episode_id, now=now, settings=settings)
    patient = await get_patient(session, account_bill.patient_id)
    visits = (await session.execute(_VISITS, {"episode": episode_id})).all()
    last = visits[-1] if visits else None
    checks = [row.insurance for row in visits if row.payer == "BHYT" and row.insurance]
    check = msgspec.convert(checks[-1], CardCheck) if checks else None
    diagnoses = await diagnoses_of_visit(session, last.id) if last else []
    named = {one.code or one.name: one for one in reversed(diagnoses)}  # Several sheets state the same one.
    main = [one for one in diagnoses if one.role == "MAIN"][:1] or diagnoses[:1]
    others = [one for key, one in sorted(named.items()) if not main or key != (main[0].code or main[0].name)]
    emergency = any(row.setting == "EMERGENCY" for row in visits) or bool(check and check.route == "2")
    return BillPaper(
        bill=account_bill,
        facility=kernel.facility,
        number=last.episode_code if last else str(episode_id),
        department=await _department(session, last.department_code) if last else "",
        patient_name=patient.name,
        patient_code=patient.code,
        birth=birth_text(patient.birth_date, patient.birth_precision),
        sex=_SEX_WORDS.get(patient.sex, ""),
        address=patient.address,
        inpatient=any(row.setting == "INPATIENT" for row in visits),
        emergency=emergency,
        came_at=visits[0].opened_at if visits else account_bill.opened_at,
        left_at=account_bill.ended_at,
        printed_at=now,
        maker=maker,
        card=_card(check, patient, local_day(account_bill.opened_at)) if check else None,
        diagnosis="; ".join(one.name for one in main),
        diagnosis_code="; ".join(one.code for one in main),
        other_diagnoses="; ".join(one.name for one in others),
        other_codes="; ".join(one.code for one in others),
        verify_url=verify_url(kernel.base_url, code) if code else "",
        verify_code=code,
        units=await _units(session, account_bill.lines),
        demo=kernel.demo,
    )


async def _units(session: AsyncSession, lines: tuple[BillLine, ...]) -> dict[str, str]:
    """Return the unit of each service the catalog knew on its day."""
    units: dict[str, str] = {}
    for line in lines:
        if line.service_code not in units:
            try:
                units[line.service_code] = (
                    await get_service(session, line.service_code, on=line.service_day)
                ).unit.capitalize()
            except NotFound:
                units[line.service_code] = "Lần"
    return units


async def _department(session: AsyncSession, code: str) -> str:
    names = {department.code: department.name for department in await list_departments(session)}
    return names.get(code, code)


def _card(check: CardCheck, patient: PatientView, on: date) -> BillCard:
    return BillCard(
        number=check.card_number or patient.insurance_no or "",
        valid_from=check.valid_from,
        valid_to=check.valid_to,
        first_facility=check.facility_code,
        area=check.area,
        five_years_on=check.five_years_from,
        route=_route(check.route, on),
    )


def _route(code: str, on: date) -> str:
    try:
        return f"{code} {shipped().route(code, on).title}" if code else ""
    except NoFigure:
        return code
