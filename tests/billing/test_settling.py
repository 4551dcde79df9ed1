"""An account settles when it ended and is paid; what comes later opens it, what is too much goes back."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.service import account_of
from billing.bills.service import bill
from billing.charges.service import void_charge
from billing.deposits.service import EpisodeOver, KeepExcess, NotThatMuchExcess, keep_excess_as_deposit
from billing.settlements.service import NotEndedYet, NotPaidYet, end_episode, settle_episode, settle_if_paid
from kernel.ids import new_id
from tests.billing.builders import CASHIER, SETTINGS, a_charge, a_request, an_episode, some_prices
from tests.billing.transfers import NOW, pay, sum_of_books


async def test_an_ended_episode_settles_itself_when_paid(session: AsyncSession) -> None:
    episode = await an_episode(session)
    assert not await end_episode(session, episode, ended_at=NOW, now=NOW)
    with pytest.raises(NotPaidYet):
        await settle_episode(session, episode, actor=CASHIER, now=NOW)
    request = await a_request(session, episode)
    await pay(session, 150_000, request.reference)
    account = await account_of(session, episode)
    assert account.state == "SETTLED"
    assert await sum_of_books(session) == {"BANK": 150_000, "REVENUE": -150_000}
    frozen = await bill(session, episode, now=NOW)
    assert (frozen.state, frozen.total, frozen.remaining) == ("SETTLED", 150_000, 0)


async def test_an_open_episode_is_not_settled(session: AsyncSession) -> None:
    with pytest.raises(NotEndedYet):
        await settle_episode(session, await an_episode(session), actor=CASHIER, now=NOW)


async def test_an_episode_at_zero_settles_by_itself(session: AsyncSession) -> None:
    await some_prices(session)
    episode = new_id()
    await a_charge(session, episode)
    await a_charge(session, episode, service_code="XN01")
    account = await account_of(session, episode)
    await session.execute(
        text("UPDATE billing_charge SET voided_at = now() WHERE account_id = :a"), {"a": account.id}
    )
    assert await end_episode(session, episode, ended_at=NOW, now=NOW)
    assert (await bill(session, episode, now=NOW)).payable == 0


async def test_deposits_are_used_at_settlement_and_the_rest_is_to_refund(session: AsyncSession) -> None:
    episode = await an_episode(session)
    deposit = await a_request(session, episode, deposit=200_000)
    await pay(session, 200_000, deposit.reference)
    assert await end_episode(session, episode, ended_at=NOW, now=NOW)
    view = await bill(session, episode, now=NOW)
    assert (view.paid, view.deposits, view.to_refund) == (150_000, 50_000, 50_000)
    assert await sum_of_books(session) == {"BANK": 200_000, "DEPOSIT": -50_000, "REVENUE": -150_000}


async def test_what_comes_after_settlement_opens_the_account_and_settles_the_difference(
    session: AsyncSession,
) -> None:
    episode = await an_episode(session)
    request = await a_request(session, episode)
    await end_episode(session, episode, ended_at=NOW, now=NOW)
    await pay(session, 150_000, request.reference)
    await a_charge(session, episode, service_code="XN01")
    view = await bill(session, episode, now=NOW)
    assert (view.state, view.remaining) == ("OPEN", 90_000)
    late = await a_request(session, episode)
    await pay(session, 90_000, late.reference)
    assert (await account_of(session, episode)).state == "SETTLED"
    assert await sum_of_books(session) == {"BANK": 240_000, "REVENUE": -240_000}


async def test_an_order_voided_after_settlement_is_given_back(session: AsyncSession) -> None:
    """What was never done may not stay in a settled bill, nor its money in the revenue."""
    episode = await an_episode(session)
    blood = await a_charge(session, episode, service_code="XN01")
    request = await a_request(session, episode)
    await end_episode(session, episode, ended_at=NOW, now=NOW)
    await pay(session, 240_000, request.reference)
    assert (await account_of(session, episode)).state == "SETTLED"
    assert await void_charge(session, order_id=blood.order_id, episode_id=episode, now=NOW)
    account = await account_of(session, episode)
    assert await settle_if_paid(session, account, now=NOW, settings=SETTINGS)
    view = await bill(session, episode, now=NOW)
    assert (view.state, view.payable, view.paid, view.excess) == ("SETTLED", 150_000, 150_000, 90_000)
    assert await sum_of_books(session) == {"BANK": 240_000, "REVENUE": -150_000, "EXCESS": -90_000}


async def test_excess_is_kept_as_a_deposit_only_when_the_person_wants_it(session: AsyncSession) -> None:
    episode = await an_episode(session)
    request = await a_request(session, episode)
    await pay(session, 200_000, request.reference)
    await a_charge(session, episode, service_code="XN01")
    with pytest.raises(NotThatMuchExcess):
        await keep_excess_as_deposit(
            session, KeepExcess(episode, 50_001, "người bệnh chọn"), actor=CASHIER, now=NOW
        )
    await keep_excess_as_deposit(
        session, KeepExcess(episode, 50_000, "người bệnh chọn"), actor=CASHIER, now=NOW
    )
    view = await bill(session, episode, now=NOW)
    assert (view.excess, view.deposits, view.remaining) == (0, 50_000, 40_000)


async def test_excess_of_a_settled_episode_is_only_given_back(session: AsyncSession) -> None:
    episode = await an_episode(session)
    request = await a_request(session, episode)
    await pay(session, 200_000, request.reference)
    await end_episode(session, episode, ended_at=NOW, now=NOW)
    with pytest.raises(EpisodeOver):
        await keep_excess_as_deposit(
            session, KeepExcess(episode, 50_000, "người bệnh chọn"), actor=CASHIER, now=NOW
        )
