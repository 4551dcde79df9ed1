"""Large work gives way: one step in a round of the loop; what nobody waits for is not started meanwhile."""

import asyncio

import pytest

from kernel.cpu import CpuPool
from kernel.giving_way import GivingWay, Turns

pytestmark = pytest.mark.anyio


async def test_between_two_steps_everybody_else_has_a_round_of_the_loop() -> None:
    turns, made = Turns(), 0

    async def one() -> None:
        nonlocal made
        async with turns:
            made += 1

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(50)))

    work = asyncio.create_task(all_of_them())
    most, before = 0, 0
    while not work.done():
        await asyncio.sleep(0)
        most, before = max(most, made - before), made
    assert made == 50
    assert most == 1


async def test_a_step_that_fails_gives_its_turn_on() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError):
        async with turns:
            raise ZeroDivisionError
    async with turns:
        pass


async def test_a_step_given_up_while_it_waits_leaves_the_turn_free() -> None:
    turns = Turns()

    async def one() -> None:
        async with turns:
            await asyncio.sleep(0)

    first, second = asyncio.create_task(one()), asyncio.create_task(one())
    await asyncio.sleep(0)
    second.cancel()
    first.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    async with turns:
        pass


def test_it_is_asked_while_something_large_is_under_way_even_if_that_fails() -> None:
    way = GivingWay()
    assert not way.asked()
    with way.large():
        with way.large():
            assert way.asked()
        assert way.asked()
    assert not way.asked()
    with pytest.raises(ZeroDivisionError), way.large():
        raise ZeroDivisionError
    assert not way.asked()


async def test_nobody_gives_way_for_ever() -> None:
    way = GivingWay(longest_seconds=0.01)
    with way.large():
        async with asyncio.timeout(10):
            await way.over()
        assert not way.asked()


async def test_work_that_nobody_waits_for_runs_when_the_large_work_has_ended() -> None:
    way, ran = GivingWay(), list[str]()
    pool = CpuPool(0, giving_way=way)
    with way.large():
        behind = asyncio.create_task(pool.run_behind(ran.append, "behind"))
        for _ in range(5):
            await asyncio.sleep(0)
        await pool.run(ran.append, "at once")
    await behind
    assert ran == ["at once", "behind"]
