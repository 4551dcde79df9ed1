"""The first page after sign-in: the person's own work list."""

from typing import Any

from litestar import Litestar, Request, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.response import Redirect, Template

from hospital.rail import RAIL
from kernel.staff.api import Actor, signed_in
from kernel.web.setup import RailItem


def places_of(actor: Actor, app: Litestar) -> list[RailItem]:
    """Return the places of this person that exist in this installation, the main one first."""
    paths = {route.path for route in app.routes}
    return [item for item in RAIL if item.path in paths and (not item.roles or actor.has(*item.roles))]


@get("/", guards=[signed_in], include_in_schema=False)
async def home(request: Request[Any, Any, State], actor: NamedDependency[Actor]) -> Template | Redirect:
    """Send people to their work; somebody whose work has no page here yet sees who can help."""
    places = places_of(actor, request.app)
    if places:
        return Redirect(places[0].path, status_code=303)
    return Template("hospital/home.html", context={"actor": actor})
