"""The first page after sign-in: the person's own work list."""

from typing import Any

from litestar import Litestar, Request, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.response import Redirect, Template

from emr.api import list_departments
from hospital.rail import RAIL
from kernel.db import Sessions
from kernel.staff.api import Actor, signed_in
from kernel.web.setup import RailItem


def places_of(actor: Actor, app: Litestar) -> list[RailItem]:
    """Return the places of this person that exist in this installation, the main one first."""
    paths = {route.path for route in app.routes}
    return [item for item in RAIL if item.path in paths and (not item.roles or actor.has(*item.roles))]


async def names_of_departments(sessions: Sessions) -> dict[str, str]:
    """Return department names by code for the top bar; a new department shows its code until the next start."""
    async with sessions() as session:
        return {department.code: department.name for department in await list_departments(session)}


@get("/", guards=[signed_in], include_in_schema=False)
async def home(request: Request[Any, Any, State], actor: NamedDependency[Actor]) -> Template | Redirect:
    """Send people to their work; somebody whose work has no page here yet sees who can help."""
    places = places_of(actor, request.app)
    if places:
        return Redirect(places[0].path, status_code=303)
    return Template("hospital/home.html", context={"actor": actor})
