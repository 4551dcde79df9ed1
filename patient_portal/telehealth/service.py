"""Ask for a remote examination, answer, withdraw. No video yet: an accepted request is called by phone."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct
from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.problems import Conflict, Forbidden, NotFound, Refused
from kernel.staff.api import Actor
from patient_portal.accounts.service import Patient
from patient_portal.consents.rules import Purpose
from patient_portal.consents.service import has_consent
from patient_portal.settings import PortalSettings
from patient_portal.telehealth.models import TelehealthRequest
from patient_portal.telehealth.rules import STATE_NAMES, RemoteMode, RequestState, may_become


class AskTelehealth(Struct, frozen=True, forbid_unknown_fields=True):
    id: UUID  # Made by the client and kept across retries.
    service_code: str
    reason: Annotated[str, Meta(min_length=3, max_length=1000)]
    accepted_price: int
    """The price the person saw and accepted, in đồng."""
    representative: Annotated[str, Meta(max_length=200)] = ""
    device: Annotated[str, Meta(max_length=200)] = ""


class AnswerTelehealth(Struct, frozen=True, forbid_unknown_fields=True):
    accept: bool
    answer: Annotated[str, Meta(max_length=1000)] = ""


class TelehealthView(Struct, frozen=True):
    id: UUID
    patient_id: UUID
    remote_mode: RemoteMode
    service_code: str
    reason: str
    representative: str
    price: int
    phone: str
    asked_at: Instant
    state: RequestState
    answer: str
    answered_name: str | None
    answered_at: Instant | None

    @property
    def state_name(self) -> str:
        return STATE_NAMES[self.state]


class TelehealthNotDeclared(Forbidden):
    """The facility has not declared its conditions for this service (NĐ 96/2023 Đ87 k1-k3)."""

    slug = "telehealth-not-declared"


class PriceNotAccepted(Refused):
    slug = "price-not-accepted"


class ConsentMissing(Refused):
    slug = "consent-missing"


class RequestOpen(Conflict):
    slug = "telehealth-request-open"


class RequestClosed(Conflict):
    slug = "telehealth-request-closed"


class NoSuchRequest(NotFound):
    slug = "no-such-telehealth-request"


class AnswerNeedsReason(Refused):
    slug = "answer-needs-reason"


_FIELDS = TelehealthView.__struct_fields__
_QUERY = select(*(getattr(TelehealthRequest, name) for name in _FIELDS))


def _view(row: RowMapping) -> TelehealthView:
    values = {**row, "state": RequestState(row["state"]), "remote_mode": RemoteMode(row["remote_mode"])}
    return TelehealthView(**values)


async def find_request(session: AsyncSession, request_id: UUID) -> TelehealthView | None:
    row = (await session.execute(_QUERY.where(TelehealthRequest.id == request_id))).mappings().first()
    return _view(row) if row else None


async def requests_of(session: AsyncSession, patient_id: UUID) -> list[TelehealthView]:
    query = _QUERY.where(TelehealthRequest.patient_id == patient_id)
    rows = await session.execute(query.order_by(TelehealthRequest.asked_at.desc()).limit(20))
    return [_view(row) for row in rows.mappings()]


async def open_requests(session: AsyncSession) -> list[TelehealthView]:
    """Return what staff still owe an answer, oldest first."""
    query = _QUERY.where(TelehealthRequest.state == RequestState.ASKED.value)
    rows = await session.execute(query.order_by(TelehealthRequest.asked_at).limit(200))
    return [_view(row) for row in rows.mappings()]


async def ask_telehealth(
    session: AsyncSession, command: AskTelehealth, *, patient: Patient, settings: PortalSettings, now: Instant
) -> TelehealthView:
    """Note a request with the accepted price; the same command again returns the first result.

    Raises TelehealthNotDeclared, PriceNotAccepted, ConsentMissing, RequestOpen if one waits already.
    """
    if earlier := await find_request(session, command.id):
        if earlier.patient_id != patient.patient_id or earlier.reason != command.reason:
            raise RequestClosed("Mã yêu cầu này đã dùng.")
        return earlier
    if command.service_code not in settings.telehealth_services or settings.telehealth_price <= 0:
        raise TelehealthNotDeclared(
            "Bệnh viện chưa công bố khám từ xa cho dịch vụ này. Xin đặt lịch khám tại bệnh viện."
        )
    if command.accepted_price != settings.telehealth_price:
        raise PriceNotAccepted("Giá vừa thay đổi. Xin xem lại giá và đồng ý.", field="accepted_price")
    if not await has_consent(session, patient.patient_id, Purpose.TELEHEALTH):
        raise ConsentMissing("Cần đồng ý xử lý dữ liệu cho khám từ xa trước.", field="consent")
    values = {
        "id": command.id,
        "patient_id": patient.patient_id,
        "account_id": patient.account_id,
        "remote_mode": RemoteMode.DIRECT_TO_PATIENT.value,
        "service_code": command.service_code,
        "reason": command.reason,
        "representative": command.representative,
        "price": command.accepted_price,
        "price_accepted_at": now,
        "phone": patient.phone,
        "device": command.device,
        "identified_how": "phone, one-time code or remembered device, birth date",
        "asked_at": now,
        "state": RequestState.ASKED.value,
    }
    try:
        async with session.begin_nested():
            await session.execute(insert(TelehealthRequest).values(values))
    except IntegrityError as error:
        if "uq_portal_telehealth_request_open" not in str(error.orig):
            raise
        raise RequestOpen("Quý vị đang có một yêu cầu chờ bệnh viện trả lời.") from error
    await _note(session, Action.CREATE, command.id, patient.patient_id, patient.actor)
    view = await find_request(session, command.id)
    assert view is not None
    return view


async def _move(
    session: AsyncSession, request_id: UUID, wanted: RequestState, **values: object
) -> TelehealthView:
    view = await find_request(session, request_id)
    if view is None:
        raise NoSuchRequest("Không tìm thấy yêu cầu này.")
    moved = await session.scalar(
        update(TelehealthRequest)
        .where(TelehealthRequest.id == request_id, TelehealthRequest.state == RequestState.ASKED.value)
        .values(state=wanted.value, **values)
        .returning(TelehealthRequest.id)
    )
    if moved is None or not may_become(view.state, wanted):
        raise RequestClosed("Yêu cầu này đã được trả lời hoặc đã rút.")
    after = await find_request(session, request_id)
    assert after is not None
    return after


async def answer_telehealth(
    session: AsyncSession, request_id: UUID, command: AnswerTelehealth, *, actor: Actor, now: Instant
) -> TelehealthView:
    """Accept, or refuse with a reason the patient reads. Raises NoSuchRequest, RequestClosed, AnswerNeedsReason."""
    answer = command.answer.strip()
    if not command.accept and not answer:
        raise AnswerNeedsReason("Xin ghi lý do không nhận để người bệnh biết.", field="answer")
    wanted = RequestState.ACCEPTED if command.accept else RequestState.REFUSED
    view = await _move(
        session,
        request_id,
        wanted,
        answer=answer,
        answered_by=actor.id,
        answered_name=actor.name,
        answered_at=now,
    )
    await _note(session, Action.CHANGE, request_id, view.patient_id, actor)
    return view


async def withdraw_telehealth(session: AsyncSession, request_id: UUID, *, patient: Patient) -> TelehealthView:
    """Take a request back. Raises NoSuchRequest, also for somebody else's, and RequestClosed."""
    view = await find_request(session, request_id)
    if view is None or view.patient_id != patient.patient_id:
        raise NoSuchRequest("Không tìm thấy yêu cầu này.")
    view = await _move(session, request_id, RequestState.WITHDRAWN)
    await _note(session, Action.VOID, request_id, view.patient_id, patient.actor)
    return view


async def _note(
    session: AsyncSession, action: Action, request_id: UUID, patient_id: UUID, actor: Actor
) -> None:
    entry = Entry(action=action, subject=f"portal.telehealth:{request_id}", patient_id=patient_id)
    await record(session, entry, actor)
