"""Open, write, read and amend sheets. A sheet that is no draft is locked, its children with it."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

import msgspec
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.care_teams.service import require_care
from emr.episodes.rules import VisitState
from emr.once import IdReused
from emr.settings import EmrSettings
from emr.sheets.check import LINE_LENGTH, Bad, Values, read_value
from emr.sheets.context import Chart, facts_of, read_chart
from emr.sheets.form import Form, form_book
from emr.sheets.models import Sheet, SheetDiagnosis
from emr.sheets.rules import LIVE, NEXT, SheetState, diagnoses_of
from emr.sheets.views import AmendSheet, OpenSheet, SaveDraft, SheetLine, SheetView
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant, local_day
from kernel.paper.verify import new_code
from kernel.problems import Conflict, Forbidden, NotFound, Refused
from kernel.staff.api import Actor, Role

DRAFT_BYTES = 400_000


class NoSuchSheet(NotFound):
    slug = "no-such-sheet"


class NoSuchForm(NotFound):
    slug = "no-such-form"


class FormNotInUse(Refused):
    slug = "form-not-in-use"


class SheetNotOpened(Conflict):
    """The form allows no further sheet here, or not yet."""

    slug = "sheet-not-opened"


class SheetLocked(Conflict):
    """The sheet, or the sheet a part belongs to, is no draft any more."""

    slug = "sheet-locked"


class StaleDraft(Conflict):
    """Somebody saved the sheet after this person saw it."""

    slug = "stale-draft"


class InvalidSheet(Refused):
    """Fields keep the sheet from being completed; `errors` tells them by field."""

    slug = "invalid-sheet"

    def __init__(self, errors: Mapping[str, str]) -> None:
        first = next(iter(errors))
        super().__init__(f"Phiếu còn {len(errors)} mục cần sửa.", field=first, extra={"errors": dict(errors)})
        self.errors = dict(errors)


class NotTheWriter(Forbidden):
    slug = "not-the-writer"


def form_of(sheet: Sheet | SheetView) -> Form:
    """Return the form in the version the sheet was begun with."""
    return form_book().version(sheet.form_code, sheet.form_valid_from)


def is_in_use(form: Form, settings: EmrSettings) -> bool:
    return (
        not form.off
        or form.code in settings.forms_on
        or (form.code == "15-BV1" and settings.outpatient_record_required)
    )


async def open_sheet(
    session: AsyncSession, command: OpenSheet, *, actor: Actor, now: Instant, settings: EmrSettings
) -> SheetView:
    """Begin a draft, its proposals filled in from the chart; the same command again returns the first result.

    Raises NoSuchVisit, NoSuchForm, FormNotInUse, NotTheWriter, SheetNotOpened, IdReused.
    """
    known = await session.get(Sheet, command.id)
    if known is not None:
        if (known.visit_id, known.form_code, known.stage) != (
            command.visit_id,
            command.form_code,
            command.stage,
        ):
            raise IdReused("Mã này đã dùng cho một phiếu khác. Tải lại trang rồi làm lại.")
        return await get_sheet(session, command.id, now=now)
    chart = await read_chart(session, command.visit_id, sheet_id=command.id, now=now)
    form = form_book().find(command.form_code, local_day(command.event_at or chart.visit.opened_at))
    if form is None or command.stage not in {stage.code for stage in form.stages}:
        raise NoSuchForm(f"Không có mẫu {command.form_code} có hiệu lực vào ngày khám.", field="form_code")
    if not is_in_use(form, settings):
        raise FormNotInUse(f"Cơ sở chưa dùng {form.name.lower()}. Quản trị bật mẫu trong cấu hình.")
    require_writer(form, actor)
    await require_care(session, actor, command.visit_id, now=now, form_code=form.code)
    await _require_place(session, form, command, chart)
    facts = facts_of(chart)
    proposals = {field.key: facts.get(field.start) for field in form.fields_of(command.stage) if field.start}
    sheet = _new_sheet(command, chart, form, actor=actor, now=now)
    sheet.data = {key: value for key, value in proposals.items() if value not in (None, "", [])}
    await _begin(session, sheet, actor=actor)
    return await get_sheet(session, sheet.id, now=now)


def require_writer(form: Form, actor: Actor) -> None:
    """Raises NotTheWriter unless the person's role writes this form."""
    if not actor.has(*(Role(role) for role in form.writers)):
        raise NotTheWriter(f"{form.name} do bác sĩ lập. Hãy nhờ bác sĩ khám.")


async def _require_place(session: AsyncSession, form: Form, command: OpenSheet, chart: Chart) -> None:
    """Raises SheetNotOpened if the visit, the stay or an earlier part doesn't allow the sheet."""
    if chart.visit.state is VisitState.CANCELLED:
        raise SheetNotOpened("Lượt khám đã hủy, không lập thêm phiếu.")
    if chart.visit.setting.value not in form.settings:
        raise SheetNotOpened(f"{form.name} không dùng cho lượt khám này.")
    if form.needs_stay and chart.stay is None:
        raise SheetNotOpened("Chưa có đợt điều trị nội trú. Nhập viện trước khi lập giấy ra viện.")
    rows = (
        await session.execute(
            select(Sheet.stage, Sheet.author_signed_at).where(
                Sheet.visit_id == command.visit_id,
                Sheet.form_code == form.code,
                Sheet.state.in_([state.value for state in LIVE]),
            )
        )
    ).all()
    if form.once and any(stage == command.stage for stage, _ in rows):
        raise SheetNotOpened(f"Lượt khám đã có {form.name.lower()}. Mở phiếu đó, hoặc bổ sung nếu đã ký.")
    after = form.stage(command.stage).after
    if after:
        before = next(stage.code for stage in form.stages if after in {slot.field for slot in stage.slots})
        if not any(stage == before and signed for stage, signed in rows):
            raise SheetNotOpened(f"Ký xong {form.stage(before).title.lower()} rồi mới lập phần này.")


def _new_sheet(command: OpenSheet, chart: Chart, form: Form, *, actor: Actor, now: Instant) -> Sheet:
    return Sheet(
        id=command.id,
        visit_id=command.visit_id,
        episode_id=chart.visit.episode_id,
        patient_id=chart.visit.patient_id,
        form_code=form.code,
        form_valid_from=form.valid_from,
        stage=command.stage,
        version=1,
        supersedes=None,
        reason="",
        state=SheetState.DRAFT.value,
        revision=1,
        data={},
        code=new_code(),
        event_at=command.event_at,
        opened_at=now,
        opened_by=actor.id,
        opened_name=full_name(actor),
        saved_at=now,
        saved_by=actor.id,
        completed_name="",
        pages=0,
        refused_reason="",
    )


def full_name(actor: Actor) -> str:
    """Return the person as papers name them: "BS. Trần Thị Ánh"."""
    return f"{actor.title}. {actor.name}" if actor.title else actor.name


async def _begin(session: AsyncSession, sheet: Sheet, *, actor: Actor) -> None:
    session.add(sheet)
    await session.flush()
    detail = {"form": sheet.form_code, "stage": sheet.stage, "version": sheet.version}
    entry = Entry(
        Action.CREATE, f"emr.sheet:{sheet.id}", sheet.patient_id, reason=sheet.reason or None, detail=detail
    )
    await record(session, entry, actor)


async def get_sheet(session: AsyncSession, sheet_id: UUID, *, now: Instant) -> SheetView:
    """Return a sheet with its values and given facts. Raises NoSuchSheet. The caller audits."""
    sheet = await session.get(Sheet, sheet_id)
    if sheet is None:
        raise NoSuchSheet("Không có phiếu này.")
    facts: dict[str, Any] = {}
    if sheet.state == SheetState.DRAFT.value:
        facts = await given_facts(session, sheet, now=now)
    return view_of(sheet, facts)


async def read_sheet(session: AsyncSession, sheet_id: UUID, *, actor: Actor, now: Instant) -> SheetView:
    """Return a sheet to a person of staff, and audit it. Raises NoSuchSheet, NotYourPatient."""
    view = await get_sheet(session, sheet_id, now=now)
    await note_look(session, f"emr.sheet:{sheet_id}", view, actor=actor, now=now)
    return view


class OfVisit(Protocol):
    """A sheet, as far as access asks."""

    @property
    def visit_id(self) -> UUID: ...
    @property
    def patient_id(self) -> UUID: ...
    @property
    def form_code(self) -> str: ...


async def note_look(
    session: AsyncSession,
    subject: str,
    sheet: OfVisit,
    *,
    actor: Actor,
    now: Instant,
    action: Action = Action.VIEW,
    **detail: str,
) -> None:
    """Let role, department and care team look, and write the look down. Raises NotYourPatient."""
    broken = await require_care(session, actor, sheet.visit_id, now=now, form_code=sheet.form_code)
    told = detail | ({"emergency": str(broken)} if broken else {})
    await record(session, Entry(action, subject, sheet.patient_id, detail=told), actor)


async def given_facts(session: AsyncSession, sheet: Sheet, *, now: Instant) -> dict[str, Any]:
    """Return the given values of a draft by field key, as the chart says them now."""
    chart = await read_chart(session, sheet.visit_id, sheet_id=sheet.id, now=now)
    facts = facts_of(chart)
    form = form_of(sheet)
    return {field.key: facts.get(field.given, "") for field in form.fields_of(sheet.stage) if field.given}


def view_of(sheet: Sheet, facts: Mapping[str, Any]) -> SheetView:
    form = form_of(sheet)
    names = [name for name in SheetView.__struct_fields__ if name not in ("title", "facts", "state")]
    return SheetView(
        **{name: getattr(sheet, name) for name in names},
        title=title_of(form, sheet.stage),
        facts=dict(facts),
        state=SheetState(sheet.state),
    )


def title_of(form: Form, stage: str) -> str:
    return form.name if len(form.stages) == 1 else f"{form.name} - {form.stage(stage).title.lower()}"


async def lock_draft(session: AsyncSession, sheet_id: UUID) -> Sheet:
    """Lock a draft's row for this transaction. Raises NoSuchSheet, SheetLocked."""
    sheet = await session.get(Sheet, sheet_id, with_for_update=True, populate_existing=True)
    if sheet is None:
        raise NoSuchSheet("Không có phiếu này.")
    if sheet.state != SheetState.DRAFT.value:
        raise SheetLocked("Phiếu đã hoàn tất nên không sửa được. Hãy lập bản bổ sung có lý do.")
    return sheet


def require_revision(sheet: Sheet, revision: int) -> None:
    if sheet.revision != revision:
        raise StaleDraft(
            "Phiếu vừa được lưu ở nơi khác. Tải lại để xem bản mới, chữ của bạn vẫn còn trên màn hình.",
            extra={"revision": sheet.revision},
        )


async def save_draft(session: AsyncSession, command: SaveDraft, *, actor: Actor, now: Instant) -> SheetView:
    """Save what is written so far, complete or not. Saving the same again changes nothing.

    Raises NoSuchSheet, SheetLocked, StaleDraft, NotTheWriter, InvalidSheet (unknown fields, too much text).
    """
    sheet = await lock_draft(session, command.sheet_id)
    form = form_of(sheet)
    require_writer(form, actor)
    await require_care(session, actor, sheet.visit_id, now=now)
    data = _acceptable(form, sheet.stage, command.data)
    if sheet.revision == command.revision + 1 and sheet.saved_by == actor.id and sheet.data == data:
        return view_of(sheet, {})  # A retry whose answer was lost.
    require_revision(sheet, command.revision)
    sheet.data = data
    sheet.revision += 1
    sheet.saved_at, sheet.saved_by = now, actor.id
    await session.flush()
    await keep_diagnoses(session, sheet, _readable(form, sheet.stage, data))
    entry = Entry(
        Action.CHANGE, f"emr.sheet:{sheet.id}", sheet.patient_id, detail={"revision": sheet.revision}
    )
    await record(session, entry, actor)
    return view_of(sheet, {})


def _acceptable(form: Form, stage: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a draft that is kept. Raises InvalidSheet for fields the form doesn't have."""
    fields = {field.key: field for field in form.fields_of(stage)}
    if unknown := sorted(set(data) - set(fields)):
        raise InvalidSheet(dict.fromkeys(unknown, "Mẫu không có mục này."))
    if len(msgspec.json.encode(data)) > DRAFT_BYTES:
        raise InvalidSheet({next(iter(data)): f"Phiếu quá dài, tối đa {DRAFT_BYTES // 1000} nghìn ký tự."})
    return {key: value for key, value in data.items() if not fields[key].given}


def _readable(form: Form, stage: str, data: Mapping[str, Any]) -> Values:
    """Return the diagnoses of a draft as far as they can be read."""
    values: Values = {}
    for field in form.fields_of(stage):
        if field.type in ("diagnosis", "diagnoses"):
            try:
                values[field.key] = read_value(field, data.get(field.key))
            except Bad:
                continue
    return values


async def keep_diagnoses(session: AsyncSession, sheet: Sheet, values: Values) -> None:
    """Write the diagnoses a sheet states as its children."""
    await session.execute(delete(SheetDiagnosis).where(SheetDiagnosis.sheet_id == sheet.id))
    rows = [
        {"sheet_id": sheet.id, "visit_id": sheet.visit_id, "position": position, **diagnosis}
        for position, diagnosis in enumerate(diagnoses_of(values))
        if len(diagnosis["name"]) <= LINE_LENGTH
    ]
    if rows:
        await session.execute(insert(SheetDiagnosis), rows)


async def cancel_draft(session: AsyncSession, sheet_id: UUID, *, actor: Actor, now: Instant) -> SheetView:
    """Give up a draft; its content stays readable. Raises NoSuchSheet, SheetLocked, NotTheWriter."""
    sheet = await lock_draft(session, sheet_id)
    require_writer(form_of(sheet), actor)
    await require_care(session, actor, sheet.visit_id, now=now)
    assert SheetState.CANCELLED in NEXT[SheetState.DRAFT]
    sheet.state = SheetState.CANCELLED.value
    sheet.cancelled_at, sheet.cancelled_by = now, actor.id
    await session.flush()
    await record(session, Entry(Action.VOID, f"emr.sheet:{sheet.id}", sheet.patient_id), actor)
    return view_of(sheet, {})


async def amend_sheet(
    session: AsyncSession, sheet_id: UUID, command: AmendSheet, *, actor: Actor, now: Instant
) -> SheetView:
    """Begin the next version of a locked sheet (bản bổ sung): it replaces the old one once it is signed.

    Raises NoSuchSheet, SheetNotOpened (still a draft, given up, replaced, or being replaced), NotTheWriter.
    """
    known = await session.get(Sheet, command.id)
    if known is not None:
        if known.supersedes != sheet_id:
            raise IdReused("Mã này đã dùng cho một phiếu khác. Tải lại trang rồi làm lại.")
        return await get_sheet(session, command.id, now=now)
    old = await session.get(Sheet, sheet_id, with_for_update=True, populate_existing=True)
    if old is None:
        raise NoSuchSheet("Không có phiếu này.")
    form = form_of(old)
    require_writer(form, actor)
    await require_care(session, actor, old.visit_id, now=now)
    if old.state not in (SheetState.COMPLETED.value, SheetState.SIGNED.value):
        raise SheetNotOpened("Chỉ bổ sung phiếu đã hoàn tất và chưa bị thay thế.")
    following = select(Sheet.id).where(Sheet.supersedes == old.id, Sheet.state != SheetState.CANCELLED.value)
    if await session.scalar(following) is not None:
        raise SheetNotOpened("Phiếu đang có một bản bổ sung. Mở bản đó để viết tiếp.")
    chart = await read_chart(session, old.visit_id, sheet_id=command.id, now=now)
    opening = OpenSheet(command.id, old.visit_id, old.form_code, old.stage, old.event_at)
    sheet = _new_sheet(opening, chart, form, actor=actor, now=now)
    sheet.version, sheet.supersedes, sheet.reason = old.version + 1, old.id, command.reason
    given = {field.key for field in form.fields_of(old.stage) if field.given}
    sheet.data = {key: value for key, value in old.data.items() if key not in given}
    await _begin(session, sheet, actor=actor)
    return await get_sheet(session, sheet.id, now=now)


async def sheets_of_visit(session: AsyncSession, visit_id: UUID) -> list[SheetLine]:
    """Return a visit's sheets, the latest first, without what is written in them."""
    rows = await session.scalars(
        select(Sheet).where(Sheet.visit_id == visit_id).order_by(Sheet.opened_at.desc(), Sheet.id.desc())
    )
    return [line_of(sheet) for sheet in rows]


def line_of(sheet: Sheet) -> SheetLine:
    names = [name for name in SheetLine.__struct_fields__ if name not in ("title", "state")]
    values = {name: getattr(sheet, name) for name in names}
    return SheetLine(**values, title=title_of(form_of(sheet), sheet.stage), state=SheetState(sheet.state))
