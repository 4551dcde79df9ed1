"""What sheets state and what of them may be handed out: diagnoses, signed papers."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.care_teams.rules import DISPENSED
from emr.sheets.models import Sheet, SheetDiagnosis, SheetOrder
from emr.sheets.rules import LIVE, SheetState
from emr.sheets.service import form_of, line_of, title_of
from emr.sheets.views import DiagnosisView, PatientDocument, SheetLine

_MOST = 30


async def diagnoses_of_visit(session: AsyncSession, visit_id: UUID) -> list[DiagnosisView]:
    """Return what the visit's live sheets state, the latest sheet first."""
    rows = await session.execute(
        select(SheetDiagnosis, Sheet.state)
        .join(Sheet, Sheet.id == SheetDiagnosis.sheet_id)
        .where(SheetDiagnosis.visit_id == visit_id, Sheet.state.in_([state.value for state in LIVE]))
        .order_by(Sheet.saved_at.desc(), SheetDiagnosis.position)
    )
    return [DiagnosisView(d.role, d.code, d.name, d.sheet_id, SheetState(state)) for d, state in rows]


async def documents_of_patient(session: AsyncSession, patient_id: UUID) -> list[PatientDocument]:
    """Return the person's fully signed papers that are not replaced, the latest first (R-33). The caller audits."""
    rows = await session.scalars(
        select(Sheet)
        .where(Sheet.patient_id == patient_id, Sheet.state == SheetState.SIGNED.value)
        .order_by(Sheet.signed_at.desc())
    )
    documents = []
    for sheet in rows:
        assert sheet.document_id is not None
        assert sheet.signed_at is not None
        documents.append(
            PatientDocument(
                document_id=sheet.document_id,
                title=title_of(form_of(sheet), sheet.stage),
                kind=sheet.form_code,
                signed_at=sheet.signed_at,
                sha256=sheet.signed_sha256 or "",
                visit_id=sheet.visit_id,
                code=sheet.code,
            )
        )
    return documents


async def dispensed_of_patient(session: AsyncSession, patient_id: UUID) -> list[SheetLine]:
    """Return the sheets the pharmacy hands drugs out by, the latest first; each opens, and is audited, by itself."""
    rows = await session.scalars(
        select(Sheet)
        .where(
            Sheet.patient_id == patient_id,
            Sheet.form_code.in_(DISPENSED),
            Sheet.state.in_([SheetState.COMPLETED.value, SheetState.SIGNED.value]),
        )
        .order_by(Sheet.opened_at.desc())
        .limit(_MOST)
    )
    return [line_of(sheet) for sheet in rows]


async def orders_on_sheets(session: AsyncSession, sheet_ids: Sequence[UUID]) -> set[UUID]:
    """Return the orders these completed sheets print."""
    query = select(SheetOrder.order_id).where(SheetOrder.sheet_id.in_(sheet_ids))
    return set(await session.scalars(query))
