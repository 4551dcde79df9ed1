"""Figures with dates: shipped ones, and those a hospital adds."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from insurance.api import Figure, FigureExists, Key, UnknownFigure, add_figure, load_parameters, shipped

NEXT_YEAR = Figure("base_salary", Decimal(2_700_000), date(2027, 7, 1), "Nghị định giả định")


@pytest.mark.parametrize(
    ("on", "salary"),
    [
        (date(2024, 6, 30), 1_800_000),
        (date(2024, 7, 1), 2_340_000),
        (date(2026, 6, 30), 2_340_000),
        (date(2026, 7, 1), 2_530_000),
    ],
)
def test_a_figure_is_chosen_by_the_day(on: date, salary: int) -> None:
    assert shipped().figure(Key.BASE_SALARY, on) == salary


async def test_a_hospital_adds_a_figure_from_a_day(session: AsyncSession) -> None:
    await add_figure(session, NEXT_YEAR)
    parameters = await load_parameters(session)
    assert parameters.figure(Key.BASE_SALARY, date(2027, 7, 1)) == 2_700_000
    assert parameters.figure(Key.BASE_SALARY, date(2027, 6, 30)) == 2_530_000


async def test_its_row_wins_over_the_shipped_one_of_the_same_day(session: AsyncSession) -> None:
    await add_figure(session, Figure("base_salary", Decimal(1), date(2026, 7, 1), "Sửa"))
    assert (await load_parameters(session)).figure(Key.BASE_SALARY, date(2026, 8, 1)) == 1


async def test_the_same_day_twice_is_refused(session: AsyncSession) -> None:
    await add_figure(session, NEXT_YEAR)
    with pytest.raises(FigureExists):
        await add_figure(session, NEXT_YEAR)


@pytest.mark.parametrize(
    "figure",
    [
        Figure("nonsense", Decimal(1), date(2027, 1, 1), "x"),
        Figure("base_salary", Decimal(-1), date(2027, 1, 1), "x"),
        Figure("base_salary", Decimal(1), date(2027, 1, 1), ""),
    ],
)
async def test_a_figure_the_rules_do_not_know_is_refused(session: AsyncSession, figure: Figure) -> None:
    with pytest.raises(UnknownFigure):
        await add_figure(session, figure)


@pytest.mark.parametrize(
    "statement", ["UPDATE insurance_parameter SET value = 0", "DELETE FROM insurance_parameter"]
)
async def test_a_figure_is_never_changed(session: AsyncSession, statement: str) -> None:
    await add_figure(session, NEXT_YEAR)
    with pytest.raises(DBAPIError):
        async with session.begin_nested():
            await session.execute(text(statement))
