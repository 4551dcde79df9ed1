"""Parts of a sheet that live in tables of their own, such as the lines of a prescription.

A feature above registers how its part is judged and written; the sheet completes and locks it with itself.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from emr.settings import EmrSettings
from emr.sheets.check import Errors, Values
from emr.sheets.context import Chart
from emr.sheets.models import Sheet
from kernel.clock import Instant
from kernel.facility import Facility
from kernel.staff.api import Actor


class Children(Protocol):
    """What a form's own tables must be able to do."""

    async def judge(
        self,
        session: AsyncSession,
        chart: Chart,
        values: Values,
        *,
        actor: Actor,
        settings: EmrSettings,
        facility: Facility,
    ) -> tuple[Values, Errors, dict[str, Any]]:
        """Return the values completed from catalogues, the errors by field, and facts of their own to print."""

    async def keep(
        self, session: AsyncSession, sheet: Sheet, values: Values, *, settings: EmrSettings, now: Instant
    ) -> None:
        """Write the rows of a sheet that is being completed."""


Kind = TypeVar("Kind", bound=Children)
_children: dict[str, Children] = {}


def with_children(form_code: str) -> Callable[[type[Kind]], type[Kind]]:
    """Register the children of a form."""

    def register(kind: type[Kind]) -> type[Kind]:
        _children[form_code] = kind()
        return kind

    return register


def children_of(form_code: str) -> Children | None:
    return _children.get(form_code)
