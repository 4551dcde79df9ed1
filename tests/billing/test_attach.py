from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.ledger.models import Posting
from billing.matching.attach import (
    AlreadyProposed,
    Decide,
    NotOnWorkList,
    ProposalDecided,
    Propose,
    SecondPersonNeeded,
    UnknownReference,
    decide,
    open_proposals,
    propose,
    suggestions,
)
from billing.matching.models import Proposal
from billing.matching.rules import NEXT, Candidate, Named, TransactionState, judge
from billing.matching.service import MATCHED_BY_ITSELF, match_transaction, open_transactions
from billing.notices.models import BankTransaction
from billing.notices.service import read_notice, store_notice
from billing.requests.rules import RequestState
from billing.requests.service import get_request
from billing.requests.views import RequestView
from kernel.clock import local, utc_now
from kernel.ids import new_id
from tests.billing.builders import ACCOUNTANT, CASHIER, SETTINGS, a_delivery, a_request, an_episode
from tests.billing.transfers import transfer


async def lost_money(session: AsyncSession, amount: int = 150_000) -> UUID:
    return (await transfer(session, amount, "chuyen tien"))[0]


async def proposed(session: AsyncSession) -> tuple[UUID, RequestView, UUID]:
    request = await a_request(session, await an_episode(session))
    transaction = await lost_money(session)
    command = Propose(new_id(), transaction, request.reference.lower(), "Người bệnh trình sao kê")
    view = await propose(session, command, actor=CASHIER, now=utc_now())
    assert await propose(session, command, actor=CASHIER, now=utc_now()) == view
    return view.id, request, transaction


async def test_two_people_attach_money_to_its_owner(session: AsyncSession) -> None:
    proposal, request, transaction = await proposed(session)
    assert (await get_request(session, request.id)).state is RequestState.PENDING
    done = await decide(
        session, proposal, Decide(confirm=True), actor=ACCOUNTANT, settings=SETTINGS, now=utc_now()
    )
    assert (done.state, done.decided_name) == ("CONFIRMED", "Trần Kế Toán")
    assert (await get_request(session, request.id)).state is RequestState.PAID
    assert await open_transactions(session) == []
    suspense = select(func.sum(Posting.amount)).where(Posting.book == "SUSPENSE")
    assert await session.scalar(suspense) == 0
    row = await session.get_one(BankTransaction, transaction)
    assert row.state == "MATCHED"


async def test_one_person_is_not_enough(session: AsyncSession) -> None:
    proposal, request, _ = await proposed(session)
    with pytest.raises(SecondPersonNeeded):
        await decide(session, proposal, Decide(True), actor=CASHIER, settings=SETTINGS, now=utc_now())
    assert (await get_request(session, request.id)).state is RequestState.PENDING


async def test_a_rejected_proposal_leaves_the_money_on_the_list(session: AsyncSession) -> None:
    proposal, _, _ = await proposed(session)
    await decide(session, proposal, Decide(False), actor=ACCOUNTANT, settings=SETTINGS, now=utc_now())
    assert await open_proposals(session) == []
    assert len(await open_transactions(session)) == 1
    with pytest.raises(ProposalDecided):
        await decide(session, proposal, Decide(True), actor=ACCOUNTANT, settings=SETTINGS, now=utc_now())


async def test_a_transaction_has_one_open_proposal(session: AsyncSession) -> None:
    _, request, transaction = await proposed(session)
    with pytest.raises(AlreadyProposed):
        await propose(
            session,
            Propose(new_id(), transaction, request.reference, "lần nữa"),
            actor=ACCOUNTANT,
            now=utc_now(),
        )


@pytest.mark.parametrize("reference", ["VP10000077764", "VP20451933864", "chào", ""])
async def test_a_reference_that_does_not_exist_is_refused(session: AsyncSession, reference: str) -> None:
    command = Propose(new_id(), await lost_money(session), reference, "thử")
    with pytest.raises(UnknownReference) as refusal:
        await propose(session, command, actor=CASHIER, now=utc_now())
    assert refusal.value.field == "reference"


async def test_matched_money_can_not_be_attached_again(session: AsyncSession) -> None:
    proposal, request, transaction = await proposed(session)
    await decide(session, proposal, Decide(True), actor=ACCOUNTANT, settings=SETTINGS, now=utc_now())
    with pytest.raises(NotOnWorkList):
        await propose(
            session,
            Propose(new_id(), transaction, request.reference, "lần nữa"),
            actor=CASHIER,
            now=utc_now(),
        )


async def test_a_proposal_falls_away_when_the_money_finds_its_owner_by_itself(session: AsyncSession) -> None:
    now = utc_now()
    request = await a_request(session, await an_episode(session))
    notice_id = await store_notice(session, a_delivery(request.amount, request.reference), now=now)
    told = await read_notice(session, notice_id, settings=SETTINGS, now=now)
    assert told.transaction_id
    command = Propose(new_id(), told.transaction_id, request.reference, "Người bệnh trình sao kê")
    proposal = await propose(session, command, actor=CASHIER, now=now)
    assert await match_transaction(session, told.transaction_id, settings=SETTINGS, now=now) == "MATCHED"
    assert await open_proposals(session) == []
    row = await session.get_one(Proposal, proposal.id, populate_existing=True)
    assert (row.state, row.decided_by, row.decided_name) == ("REJECTED", None, MATCHED_BY_ITSELF)
    with pytest.raises(ProposalDecided):
        await decide(session, proposal.id, Decide(True), actor=ACCOUNTANT, settings=SETTINGS, now=now)


async def test_requests_of_the_same_amount_and_time_are_hints(session: AsyncSession) -> None:
    request = await a_request(session, await an_episode(session))
    now = utc_now()
    moment = local(now).strftime("%Y-%m-%d %H:%M:%S")
    notice = await store_notice(session, a_delivery(150_000, "ck", transactionDate=moment), now=now)
    result = await read_notice(session, notice, settings=SETTINGS, now=now)
    assert result.transaction_id
    hints = await suggestions(session, result.transaction_id)
    assert [hint.reference for hint in hints] == [request.reference]


A, B = Candidate("VP10000077746", 100), Candidate("VP20451933864", 200)


@pytest.mark.parametrize(
    ("named", "candidates", "amount", "state", "reference"),
    [
        (Named((A.reference,), ()), [A], 7, "MATCHED", A.reference),
        (Named((A.reference, B.reference), ()), [A], 7, "MATCHED", A.reference),
        (Named((A.reference, B.reference), ()), [A, B], 100, "AMBIGUOUS", ""),
        (Named((A.reference,), ()), [], 100, "UNMATCHED", ""),
        (Named((), (A.reference,)), [A], 100, "MATCHED", A.reference),
        (Named((), (A.reference,)), [A], 101, "UNMATCHED", ""),
        (Named((), ()), [], 100, "UNMATCHED", ""),
    ],
)
def test_judging(named: Named, candidates: list[Candidate], amount: int, state: str, reference: str) -> None:
    verdict = judge(named, candidates, amount)
    assert (verdict.state, verdict.reference) == (state, reference)


def test_a_matched_transaction_moves_no_more() -> None:
    assert NEXT[TransactionState.MATCHED] == NEXT[TransactionState.IGNORED_OUT] == frozenset()
