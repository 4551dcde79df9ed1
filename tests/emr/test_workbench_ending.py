"""The end of a visit: nothing is locked while something is missing, one PIN signs all, a refusal loses nothing."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import (
    OrderLine,
    Payer,
    PlaceOrders,
    UndoneOrders,
    VisitState,
    get_visit,
    place_orders,
    start_visit,
)
from emr.settings import EmrSettings
from emr.sheets.rules import SheetState
from emr.sheets.service import InvalidSheet
from emr.workbench import finish, signatures
from emr.workbench.desk import keep_drafts, live_sheets, open_desk
from emr.workbench.finish import finish_visit, plan_ending
from emr.workbench.signatures import Asked, NotSigned, Typed
from kernel.ids import new_id
from kernel.problems import Conflict
from kernel.services import Services
from kernel.staff.api import Actor
from signing.api import SignResult, SignState
from tests.emr.builders import DOCTOR, LATER, NOW, a_visit
from tests.emr.test_workbench_desk import drug

SETTINGS = EmrSettings()
NOTE = {
    "ly_do": "Mất ngủ",
    "qua_trinh_benh_ly": "Ba tuần nay khó vào giấc.",
    "toan_than": "Tỉnh, tiếp xúc tốt.",
    "cac_bo_phan": "Tim đều, phổi trong.",
    "huong_giai_quyet": "1",
}
WRITTEN = [(f"PKB:{field}", text) for field, text in NOTE.items()] + [
    ("dx.0.code", "F41.1"),
    ("dx.0.name", "Rối loạn lo âu lan tỏa"),
]


class Signer:
    """In place of signing.sign_documents: says what it is told to say."""

    def __init__(self) -> None:
        self.asked: list[UUID] = []
        self.refusal: Exception | None = None
        self.state = SignState.SIGNED

    async def __call__(self, _: Any, __: Actor, ids: list[UUID], pin: str, now: Any) -> list[SignResult]:
        if self.refusal:
            raise self.refusal
        self.asked = ids
        return [
            SignResult(i, self.state, reason="" if self.state is SignState.SIGNED else "tệp đổi") for i in ids
        ]


@pytest.fixture
def signer(monkeypatch: pytest.MonkeyPatch) -> Signer:
    fake = Signer()
    monkeypatch.setattr(signatures, "sign_documents", fake)
    return fake


@pytest.fixture
async def visit_id(records: AsyncSession) -> UUID:
    """A visit whose exam has begun, its note empty."""
    visit = await a_visit(records, payer=Payer.BHYT)
    await start_visit(records, visit.id, actor=DOCTOR, now=NOW)
    await open_desk(records, visit.id, actor=DOCTOR, now=NOW, settings=SETTINGS)
    return visit.id


async def write(session: AsyncSession, visit_id: UUID, *more: tuple[str, str]) -> None:
    page = await open_desk(session, visit_id, actor=DOCTOR, now=NOW, settings=SETTINGS)
    seen = [(f"revision:{code}", str(revision)) for code, revision in page.revisions.items()]
    pairs = [*seen, *WRITTEN, *more]
    await keep_drafts(session, visit_id, pairs, actor=DOCTOR, now=LATER, settings=SETTINGS)


async def plan(services: Services, visit_id: UUID) -> finish.Ending:
    async with services.sessions() as session:
        return await plan_ending(session, visit_id, actor=DOCTOR, now=LATER, settings=services.settings)


async def end(services: Services, visit_id: UUID, *, void_undone: bool = False) -> finish.Finished:
    typed = Typed("246810")
    done = await finish_visit(services, visit_id, typed, void_undone=void_undone, actor=DOCTOR, now=LATER)
    assert not isinstance(done, Asked)
    return done


async def test_an_unfinished_note_is_refused_by_field_before_anything_is_locked(
    records: AsyncSession, services: Services, visit_id: UUID, signer: Signer
) -> None:
    with pytest.raises(InvalidSheet) as refusal:
        await end(services, visit_id)
    assert "PKB:qua_trinh_benh_ly" in refusal.value.errors
    lines = await live_sheets(records, visit_id)
    assert {line.state for line in lines.values()} == {SheetState.DRAFT}


async def test_one_pin_signs_all_and_ends_the_visit(
    records: AsyncSession, services: Services, visit_id: UUID, signer: Signer
) -> None:
    await write(records, visit_id, *drug(ma="T001"), ("PHK:hen_ngay", "05/12/2026"))
    ending = await plan(services, visit_id)
    assert (ending.errors, len(ending.papers), ending.undone) == ({}, 3, [])
    done = await end(services, visit_id)
    assert (done.room, done.number, len(signer.asked)) == ("PK1", "001", 3)
    assert (await get_visit(records, visit_id)).state is VisitState.ENDED


async def test_a_prescription_against_the_rules_locks_nothing(
    records: AsyncSession, services: Services, visit_id: UUID, signer: Signer
) -> None:
    await write(records, visit_id, *drug(ma="KHONGCO"))
    with pytest.raises(InvalidSheet) as refusal:
        await end(services, visit_id)
    assert all(field.startswith("DT-C:thuoc") for field in refusal.value.errors)
    assert {line.state for line in (await live_sheets(records, visit_id)).values()} == {SheetState.DRAFT}


async def test_orders_nobody_did_are_told_first(
    records: AsyncSession, services: Services, visit_id: UUID, signer: Signer
) -> None:
    await write(records, visit_id)
    order = OrderLine(id=new_id(), service_code="XN01")
    await place_orders(records, PlaceOrders(visit_id, [order]), actor=DOCTOR, now=NOW)
    with pytest.raises(UndoneOrders, match="Glucose"):
        await end(services, visit_id)
    assert signer.asked == []
    await end(services, visit_id, void_undone=True)
    assert len(signer.asked) == 2  # The note and the order slip.
    assert (await get_visit(records, visit_id)).state is VisitState.ENDED


async def test_a_wrong_pin_leaves_locked_sheets_and_goes_on_later(
    records: AsyncSession, services: Services, visit_id: UUID, signer: Signer
) -> None:
    await write(records, visit_id)
    signer.refusal = Conflict("Mã PIN không đúng.")
    with pytest.raises(Conflict):
        await end(services, visit_id)
    page = await open_desk(records, visit_id, actor=DOCTOR, now=LATER, settings=SETTINGS)
    assert (page.phase, page.state) == ("signing", "Chờ ký")
    assert [paper.title for paper in (await plan(services, visit_id)).papers] == ["Phiếu khám bệnh"]
    signer.refusal = None
    await end(services, visit_id)
    assert (await get_visit(records, visit_id)).state is VisitState.ENDED


async def test_a_document_that_could_not_be_signed_keeps_the_visit_open(
    records: AsyncSession, services: Services, visit_id: UUID, signer: Signer
) -> None:
    await write(records, visit_id)
    signer.state = SignState.FAILED
    with pytest.raises(NotSigned, match="Phiếu khám bệnh: tệp đổi"):
        await end(services, visit_id)
    assert (await get_visit(records, visit_id)).state is VisitState.IN_PROGRESS
