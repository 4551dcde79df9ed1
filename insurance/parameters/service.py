"""Read the figures in force, shipped and added."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from insurance.parameters.models import InsuranceParameter
from insurance.parameters.rules import Figure, Key, Parameters, shipped
from kernel.problems import Conflict, Refused


class UnknownFigure(Refused):
    slug = "unknown-insurance-figure"


class FigureExists(Conflict):
    slug = "insurance-figure-exists"


async def load_parameters(session: AsyncSession) -> Parameters:
    """Return the shipped figures with the hospital's own rows over them."""
    rows = await session.scalars(select(InsuranceParameter))
    return shipped().with_figures(Figure(row.key, row.value, row.valid_from, row.source) for row in rows)


async def add_figure(session: AsyncSession, figure: Figure) -> None:
    """Add a figure from the day it holds; decisions made before keep what they used.

    Raises UnknownFigure for a name or value the rules do not know, FigureExists when that day has a row already.
    """
    if figure.key not in set(Key) or figure.value < 0 or not figure.source:
        raise UnknownFigure("Tham số BHYT phải có tên trong danh mục, giá trị không âm và văn bản căn cứ.")
    statement = insert(InsuranceParameter).values(
        key=figure.key, valid_from=figure.valid_from, value=figure.value, source=figure.source
    )
    added = await session.execute(statement.on_conflict_do_nothing().returning(InsuranceParameter.key))
    if added.first() is None:
        raise FigureExists("Ngày này đã có giá trị; hãy thêm giá trị mới từ một ngày khác.")
