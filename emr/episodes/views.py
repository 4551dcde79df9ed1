"""Commands and views of visits and stays."""

from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from emr.episodes.rules import (
    EpisodeState,
    IdentifiedBy,
    Outcome,
    Payer,
    QueuePriority,
    Setting,
    StayState,
    VisitState,
)
from emr.patients.scan import Precision, Sex
from kernel.clock import Instant
from kernel.money import Vnd

Reason = Annotated[str, Meta(min_length=3, max_length=500)]


class CardCheck(Struct, frozen=True, forbid_unknown_fields=True):
    """What the BHXH portal said of the card, typed by hand for now (tra cứu thẻ BHYT)."""

    card_number: str
    """15 characters or the 10-digit BHXH code."""
    facility_code: str = ""
    """MA_CSKCB of the initial facility."""
    valid_from: date | None = None
    valid_to: date | None = None
    benefit_level: Annotated[str, Meta(pattern="^[1-5]?$")] = ""
    """Third character of the card: 1-5."""
    route: str = ""
    """MA_DOITUONG_KCB proposed at reception: 1.1, 1.3, 2, 3.1 ..."""
    five_years_from: date | None = None
    copaid: Vnd | None = None
    """Co-payments of this calendar year as the portal counts them (luỹ kế cùng chi trả); None when not asked."""
    copaid_before_change: Vnd = 0
    """Part of it before the base salary changed in the year."""
    copaid_threshold: Decimal | None = None
    """Above it the person pays nothing more this year: kept with the lookup, never computed again."""
    area: Annotated[str, Meta(pattern="^(K[123])?$")] = ""
    """MA_KHUVUC."""
    referral_from: str = ""
    reply_code: str = ""
    """Code the portal answered, e.g. 000."""
    checked_at: Instant | None = None
    portal_down: str = ""
    """Evidence when the portal did not answer: reception goes on (NĐ 188/2025 Đ37-38)."""


class Guardian(Struct, frozen=True, forbid_unknown_fields=True):
    """Who answers for a child or a person without capacity (người giám hộ, thân nhân)."""

    name: Annotated[str, Meta(min_length=2, max_length=100)]
    relation: Annotated[str, Meta(min_length=1, max_length=50)]
    phone: str = ""
    citizen_id: str = ""


class OpenVisit(Struct, frozen=True, forbid_unknown_fields=True):
    """Open an exam visit. `id` is made by the client and kept across retries."""

    id: UUID
    patient_id: UUID
    payer: Payer
    room: str
    service_code: str
    """The exam service; its order is placed with the visit."""
    reason: Annotated[str, Meta(max_length=500)] = ""
    insurance: CardCheck | None = None
    identified_by: IdentifiedBy = IdentifiedBy.MANUAL
    identified_reply: str = ""
    priority: QueuePriority = QueuePriority.NORMAL
    guardian: Guardian | None = None
    setting: Setting = Setting.OUTPATIENT


class TicketView(Struct, frozen=True):
    """A number of a room's queue (số thứ tự)."""

    id: UUID
    visit_id: UUID
    room: str
    day: date
    number: int
    priority: QueuePriority
    state: str
    ready: bool
    """False while the exam fee is unpaid: not called yet."""
    issued_at: Instant
    called_at: Instant | None = None


class VisitView(Struct, frozen=True):
    """One exam (lượt khám)."""

    id: UUID
    number: str
    episode_id: UUID
    episode_code: str
    """Đợt khám chữa bệnh, MA_LK."""
    patient_id: UUID
    payer: Payer
    setting: Setting
    room: str
    department: str
    service_code: str
    reason: str
    state: VisitState
    insurance: CardCheck | None
    guardian: Guardian | None
    identified_by: IdentifiedBy
    opened_at: Instant
    started_at: Instant | None
    ended_at: Instant | None
    doctor_name: str | None
    outcome: Outcome | None
    ticket: TicketView | None = None


class VisitHeader(Struct, frozen=True):
    """What the patient banner shows on every clinical and money page."""

    visit_id: UUID
    visit_number: str
    visit_state: VisitState
    episode_id: UUID
    episode_code: str
    patient_id: UUID
    patient_code: str
    name: str
    birth_date: date
    birth_precision: Precision
    sex: Sex
    allergies: str
    payer: Payer
    insurance: CardCheck | None
    room: str
    department: str
    opened_at: Instant
    phone: str | None = None
    citizen_id: str | None = None
    address: str = ""
    guardian: Guardian | None = None


class EpisodeView(Struct, frozen=True):
    id: UUID
    code: str
    patient_id: UUID
    state: EpisodeState
    opened_at: Instant
    closed_at: Instant | None


class Admit(Struct, frozen=True, forbid_unknown_fields=True):
    """Nhập viện."""

    id: UUID
    visit_id: UUID
    department: str
    reason: Annotated[str, Meta(max_length=500)] = ""
    diagnosis_code: str = ""
    bed: str | None = None


class StayView(Struct, frozen=True):
    """Đợt điều trị nội trú."""

    id: UUID
    number: str
    episode_id: UUID
    visit_id: UUID
    patient_id: UUID
    department: str
    bed: str | None
    state: StayState
    reason: str
    diagnosis_code: str
    admitted_at: Instant
    discharged_at: Instant | None
    outcome: Outcome | None


class Credit(Struct, frozen=True, forbid_unknown_fields=True):
    """Cho nợ: the leader on duty lets an episode go on before payment."""

    reason: Reason
