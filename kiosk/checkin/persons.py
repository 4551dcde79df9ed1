"""From a scan to a person: a booking code, a card, a slip or a number typed by hand."""

from datetime import timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import (
    BillSlip,
    CitizenCard,
    InsuranceCardScan,
    PatientSlip,
    Precision,
    RegisterPatient,
    Scan,
    TypedNumber,
    find_by_scan,
    parse_scan,
    register_patient,
)
from kernel.clock import format_instant
from kernel.ids import new_id
from kernel.problems import Conflict, Refused
from kiosk.checkin.bookings import KioskBooking
from kiosk.checkin.desk import Desk
from kiosk.checkin.rules import How, in_arrival_window


class Found(Struct, frozen=True):
    patient_id: UUID
    how: How
    card_number: str | None
    booking: KioskBooking | None


class UnknownPerson(Refused):
    slug = "unknown-person"


class SeveralPersons(Conflict):
    slug = "several-persons"


class BookingElsewhen(Conflict):
    slug = "booking-elsewhen"


class BookingGone(Conflict):
    slug = "booking-gone"


async def find_person(session: AsyncSession, text: str, desk: Desk) -> Found:
    """Raises BadScan (of emr), UnknownPerson, SeveralPersons, BookingGone, BookingElsewhen."""
    if desk.bookings.is_code(text):
        return await _by_booking(session, text, desk)
    scan = parse_scan(text)
    if isinstance(scan, BillSlip):
        raise UnknownPerson("Đây là phiếu thu tiền. Xin quét căn cước, thẻ BHYT hoặc mã vào khám.")
    hits = await find_by_scan(session, scan)
    if len(hits) > 1:
        raise SeveralPersons("Số này có nhiều hồ sơ. Mời đến quầy tiếp đón.")
    patient_id = hits[0].id if hits else await _register(session, scan, desk)
    card = scan.insurance_no if isinstance(scan, InsuranceCardScan) else None
    return Found(patient_id, _how(scan), card, await _booking_now(session, patient_id, desk))


def _how(scan: Scan) -> How:
    if isinstance(scan, CitizenCard):
        return How.QR_CCCD
    return How.BHYT_CARD if isinstance(scan, InsuranceCardScan) else How.TYPED


async def _by_booking(session: AsyncSession, code: str, desk: Desk) -> Found:
    booking = await desk.bookings.by_code(session, code)
    if booking is None or not (booking.open or booking.visit_id):
        raise BookingGone("Mã vào khám này không còn dùng được. Xin quét căn cước hoặc thẻ BHYT.")
    if not _in_window(booking, desk):
        when = format_instant(booking.starts_at)
        raise BookingElsewhen(
            f"Lịch của quý vị lúc {when}. Mời quay lại gần giờ hẹn, hoặc đến quầy tiếp đón."
        )
    return Found(booking.patient_id, How.BOOKING, None, booking)


def _in_window(booking: KioskBooking, desk: Desk) -> bool:
    return in_arrival_window(
        booking.starts_at,
        now=desk.now,
        early_minutes=desk.settings.arrive_early_minutes,
        late_minutes=desk.settings.arrive_late_minutes,
    )


async def _booking_now(session: AsyncSession, patient_id: UUID, desk: Desk) -> KioskBooking | None:
    """Return the booking this person comes for, if one is near."""
    near = timedelta(minutes=max(desk.settings.arrive_early_minutes, desk.settings.arrive_late_minutes))
    found = await desk.bookings.near(session, patient_id, since=desk.now - near, until=desk.now + near)
    return next((booking for booking in found if booking.open and _in_window(booking, desk)), None)


async def _register(session: AsyncSession, scan: Scan, desk: Desk) -> UUID:
    """Open a record from a card; a number alone names nobody."""
    if isinstance(scan, TypedNumber | PatientSlip | BillSlip) or not desk.settings.register_new_patients:
        raise UnknownPerson("Chưa có hồ sơ. Xin quét mặt có mã QR của căn cước, hoặc đến quầy tiếp đón.")
    command = RegisterPatient(
        id=new_id(),
        name=scan.name,
        birth_date=scan.birth_date,
        birth_precision=scan.birth_precision if isinstance(scan, InsuranceCardScan) else Precision.DAY,
        sex=scan.sex,
        citizen_id=scan.citizen_id if isinstance(scan, CitizenCard) else None,
        old_id=scan.old_id if isinstance(scan, CitizenCard) else None,
        insurance_no=scan.insurance_no if isinstance(scan, InsuranceCardScan) else None,
        address=scan.address or "",
    )
    return (await register_patient(session, command, actor=desk.device.actor, now=desk.now)).id
