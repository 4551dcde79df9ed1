"""What the bill 01/KBCB says of a person insured by the fund, gathered from the whole house."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.prints.bill import BillPaper, bill_01_kbcb
from billing.prints.facts import bill_facts
from billing.settlements.service import end_episode
from emr.api import Payer
from kernel.settings import KernelSettings
from tests.billing.builders import SETTINGS, a_charge, some_prices
from tests.emr.builders import DOCTOR, NOW, a_card, a_hospital, a_visit
from tests.emr.sheet_acts import a_draft, an_account, some_drugs


async def an_insured_episode(session: AsyncSession, **card: object) -> UUID:
    await a_hospital(session)
    await an_account(session, DOCTOR)
    await some_drugs(session)
    await some_prices(session)
    visit = await a_visit(session, payer=Payer.BHYT, insurance=a_card(**card))
    await a_draft(session, visit_id=visit.id)
    more: dict[str, Any] = {"patient_id": visit.patient_id, "payer": "BHYT", "now": NOW}
    await a_charge(session, visit.episode_id, **more)
    await a_charge(
        session,
        visit.episode_id,
        service_code="XN01",
        service_name="Glucose máu",
        group="1",
        quantity=10,
        **more,
    )
    return visit.episode_id


async def the_bill(session: AsyncSession, episode: UUID) -> BillPaper:
    return await bill_facts(
        session, episode, kernel=KernelSettings(), settings=SETTINGS, code="ABCD", maker="Thu ngân", now=NOW
    )


async def test_the_bill_names_card_route_department_and_diagnosis(session: AsyncSession) -> None:
    episode = await an_insured_episode(session, area="K1", facility_code="79012")
    paper = await the_bill(session, episode)
    assert paper.department == "Khoa Khám bệnh"
    assert paper.number
    assert paper.number != str(episode)
    assert paper.card
    assert (paper.card.number, paper.card.area, paper.card.first_facility) == (
        "DN4515120000001",
        "K1",
        "79012",
    )
    assert paper.card.route == "1.1 Đến KCB đúng cơ sở nơi đăng ký KCB BHYT ban đầu"
    assert paper.diagnosis
    assert paper.diagnosis_code == "J18.1"
    assert paper.other_codes == "I10"
    assert paper.units == {"KB01": "Lần", "XN01": "Lần"}
    assert (paper.bill.fund, paper.bill.copay) == (Decimal("360480.00"), Decimal("90120.00"))
    assert paper.verify_url.endswith("/v/ABCD")


async def test_a_bill_under_the_threshold_is_0_dong_and_settles_by_itself(session: AsyncSession) -> None:
    await a_hospital(session)
    await some_prices(session)
    visit = await a_visit(session, payer=Payer.BHYT)
    await a_charge(session, visit.episode_id, patient_id=visit.patient_id, payer="BHYT", now=NOW)
    assert await end_episode(session, visit.episode_id, ended_at=NOW, now=NOW, settings=SETTINGS)
    paper = await the_bill(session, visit.episode_id)
    assert (paper.bill.payable, paper.bill.small_cost) == (0, True)
    assert bill_01_kbcb(paper).stamp == ""


async def test_an_emergency_is_ticked(session: AsyncSession) -> None:
    paper = await the_bill(session, await an_insured_episode(session, route="2"))
    assert paper.emergency
