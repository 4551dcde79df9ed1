"""Cards taken unseen: who sees them, what a look-up needs, what is refused."""

from datetime import date

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.episodes.models import Visit
from emr.episodes.rules import Payer
from emr.episodes.views import VisitView
from emr.visits.cards import CheckCard, NotInsured, cards_to_check, check_card
from emr.visits.insurance import InvalidVisit
from emr.visits.service import cancel_visit, open_visit
from kernel.clock import utc_now
from kernel.staff.api import Role
from tests.conftest import SignedIn
from tests.emr.builders import LATER, NOW, RECEPTION, a_card, a_hospital, a_patient, a_visit, an_opening

UNSEEN = a_card(route="", valid_from=None, valid_to=None, portal_down="Tự đăng ký tại máy, chờ tra cứu thẻ")
TYPED = {"card_number": "DN4515120000001", "valid_from": "01012026", "valid_to": "31/12/2099", "route": "1.1"}


@pytest.fixture
async def unseen(session: AsyncSession) -> VisitView:
    await a_hospital(session)
    return await a_visit(session, now=utc_now(), payer=Payer.BHYT, insurance=UNSEEN)


async def test_a_route_is_chosen_at_reception_unless_it_is_an_emergency(session: AsyncSession) -> None:
    await a_hospital(session)
    patient = await a_patient(session)
    card = a_card(route="")
    opening = an_opening(patient.id, payer=Payer.BHYT, insurance=card)
    with pytest.raises(InvalidVisit, match="Đến khám theo"):
        await open_visit(session, opening, actor=RECEPTION, now=NOW)
    at_once = an_opening(patient.id, payer=Payer.BHYT, insurance=card, room="CC1")
    assert (await open_visit(session, at_once, actor=RECEPTION, now=NOW)).insurance == card


async def test_the_list_holds_what_waits_and_nothing_else(session: AsyncSession, unseen: VisitView) -> None:
    await a_visit(session, now=utc_now(), payer=Payer.BHYT)
    await a_visit(session, now=utc_now())
    (row,) = await cards_to_check(session, now=utc_now())
    assert (row.visit_id, row.why) == (unseen.id, UNSEEN.portal_down)
    await check_card(session, unseen.id, CheckCard(a_card()), actor=RECEPTION, now=utc_now())
    assert await cards_to_check(session, now=utc_now()) == []


async def test_a_cancelled_visit_waits_for_nothing(session: AsyncSession, unseen: VisitView) -> None:
    await cancel_visit(session, unseen.id, "Người bệnh về", actor=RECEPTION, now=LATER)
    assert await cards_to_check(session, now=utc_now()) == []
    with pytest.raises(NotInsured):
        await check_card(session, unseen.id, CheckCard(a_card()), actor=RECEPTION, now=utc_now())


async def test_a_visit_without_a_card_has_none_to_check(session: AsyncSession) -> None:
    await a_hospital(session)
    visit = await a_visit(session)
    with pytest.raises(NotInsured):
        await check_card(session, visit.id, CheckCard(a_card()), actor=RECEPTION, now=utc_now())


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (CheckCard(a_card(route="")), "route"),
        (CheckCard(a_card(valid_to=date(2026, 1, 2))), "insurance"),
        (CheckCard(None, " "), "reason"),
    ],
)
async def test_what_a_result_must_say(
    session: AsyncSession, unseen: VisitView, command: CheckCard, field: str
) -> None:
    with pytest.raises(InvalidVisit) as refusal:
        await check_card(session, unseen.id, command, actor=RECEPTION, now=utc_now())
    assert refusal.value.field == field


async def test_reception_looks_a_card_up_on_its_page(
    client: httpx.AsyncClient, signed_in: SignedIn, session: AsyncSession, unseen: VisitView
) -> None:
    await signed_in(Role.RECEPTION)
    assert "Thẻ BHYT chờ tra cứu (1)" in (await client.get("/reception")).text
    assert (await client.get("/reception/cards/count")).text == "1"
    page = await client.get("/reception/cards")
    address = f"/reception/cards/{unseen.id}"
    assert address in page.text
    assert "DN4515120000001" in (await client.get(address)).text
    refused = await client.post(address, data=TYPED | {"route": ""})
    assert refused.status_code == 422
    assert "Chọn «Đến khám theo»" in refused.text
    assert (await client.post(address, data=TYPED)).status_code == 303
    assert "Không có thẻ nào chờ tra cứu" in (await client.get("/reception/cards/rows")).text
    visit = (await session.scalars(select(Visit).execution_options(populate_existing=True))).one()
    assert visit.insurance is not None
    assert (visit.insurance["route"], visit.insurance["portal_down"]) == ("1.1", "")


async def test_a_card_that_is_none_makes_the_person_pay(
    client: httpx.AsyncClient, signed_in: SignedIn, unseen: VisitView
) -> None:
    await signed_in(Role.RECEPTION)
    address = f"/reception/cards/{unseen.id}"
    refused = await client.post(address, data={"result": "none", "no_card_reason": ""})
    assert (refused.status_code, "Ghi lý do không dùng thẻ" in refused.text) == (422, True)
    told = await client.post(address, data={"result": "none", "no_card_reason": "Thẻ hết hạn"})
    assert told.status_code == 303
    assert (await client.get(f"/api/visits/{unseen.id}")).json()["payer"] == "SELF_PAY"


async def test_a_cashier_looks_no_card_up(
    client: httpx.AsyncClient, signed_in: SignedIn, unseen: VisitView
) -> None:
    await signed_in(Role.CASHIER)
    assert (await client.get("/reception/cards")).status_code == 403
    body = {"insurance": {"card_number": "DN4515120000001", "route": "1.1"}}
    assert (await client.put(f"/api/visits/{unseen.id}/card", json=body)).status_code == 403
