"""Wire the pages into an application: templates with their filters, static files, headers.

hospital calls `template_config(directories)`, adds `WEB_ROUTES` to its handlers, `compress_text` to its
middleware and `secure_pages` to its before_send hooks.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from types import FunctionType
from typing import Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context, Macro
from litestar import Litestar, Request
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.routes import HTTPRoute
from litestar.template import TemplateConfig
from litestar.template.base import csrf_token
from litestar.types import Message, Scope
from markupsafe import Markup, escape
from msgspec import Struct

from kernel.clock import format_clock, format_day, format_instant, local_day, utc_now
from kernel.facility import Facility
from kernel.money import format_number, format_vnd
from kernel.staff.rules import Actor, Role
from kernel.text import format_phone, mask_name, mask_phone
from kernel.web.assets import HERE, asset, icon

TEMPLATES = HERE / "templates"
KEPT_FRAGMENTS = 1_000
HTMX_CONFIG = (
    '{"allowEval":false,"includeIndicatorStyles":false,"historyCacheSize":0,"refreshOnHistoryMiss":true,'
    '"scrollIntoViewOnBoost":false,"responseHandling":[{"code":"204","swap":false},{"code":"[23]..","swap":true},'
    '{"code":"4(03|04|09|22)","swap":true},{"code":"[45]..","swap":false,"error":true}]}'
)
"""Refusals (403, 404, 409, 422) are drawn where the answer belongs; pages are never kept in the browser's storage."""

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
        "connect-src 'self'; frame-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(self), geolocation=()",
    "cache-control": "no-store",
}


_SECURITY_HEADERS = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


def content_policy(*, connect: str) -> str:
    """Return the content security policy of a page that may also speak to one program of the same machine."""
    ours = SECURITY_HEADERS["content-security-policy"]
    return ours.replace("connect-src 'self'", f"connect-src 'self' {connect}")


class RailItem(Struct, frozen=True):
    """One place of the staff rail: an icon with a word, for some roles (none named: for all)."""

    path: str
    label: str
    icon: str
    roles: frozenset[Role] = frozenset()
    badge: str = ""
    """Address that answers the number to show, as text; empty: none."""


class Shell(Struct, frozen=True):
    """What the frame around a page shows."""

    actor: Actor | None
    facility: Facility
    demo: bool
    path: str
    rail: tuple[RailItem, ...]
    department: str

    @property
    def place(self) -> str:
        """The path of the place this page belongs to, empty for none: of several that fit, the nearest one."""
        here = f"{self.path}/"
        return max((item.path for item in self.rail if here.startswith(f"{item.path}/")), key=len, default="")


def age_text(born: date, on: date | None = None) -> str:
    """Say an age as the ward does: days under a month, months under 72 months, then years."""
    today = on or local_day(utc_now())
    months = (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)
    if months < 1:
        return f"{max(0, (today - born).days)} ngày tuổi"
    return f"{months} tháng tuổi" if months < 72 else f"{months // 12} tuổi"


def initials_of(name: str) -> str:
    """Return two letters for a person's round mark: "TH" for Nguyễn Thị Thu Hà."""
    return "".join(word[0] for word in name.split()[-2:]).upper()


FILTERS = {
    "vnd": format_vnd,
    "number": format_number,
    "instant": format_instant,
    "clock": format_clock,
    "day": format_day,
    "age": age_text,
    "mask": mask_name,
    "phone": format_phone,
    "mask_phone": mask_phone,
    "initials": initials_of,
    "combine": lambda first, second: {**first, **second},
}


def _request(context: Mapping[str, Any]) -> Request[Any, Any, Any] | None:
    return cast("Request[Any, Any, Any] | None", context.get("request"))


@pass_context
def csrf_value(context: Mapping[str, Any]) -> str:
    """Return this visitor's CSRF token, empty where there is none to check."""
    return csrf_token(context) if _request(context) else ""


class HiddenField(Markup):
    """The hidden CSRF field; `{{ csrf_input }}` and `{{ csrf_input() }}` both draw it."""

    def __call__(self) -> "HiddenField":
        return self


@pass_context
def csrf_input(context: Mapping[str, Any]) -> HiddenField:
    """Return the hidden field every form that posts must hold."""
    return HiddenField(f'<input type="hidden" name="_csrf_token" value="{escape(csrf_value(context))}">')


class PageEnvironment(Environment):
    """Gives templates one plain dict of globals: Jinja's chain of maps costs a tenth of a page at every import."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **d} if d else self.globals


_PLAIN = (FunctionType, type(icon))  # `icon` stands for what functools caches.


class PageContext(Context):
    """Litestar hands every template a plain text `csrf_input`; ours is a field that may be called.

    Macros and most functions need no context from the caller; a page calls fifty and Jinja would look each time.
    """

    def call(self, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        if type(obj) is not Macro and not (type(obj) in _PLAIN and not hasattr(obj, "jinja_pass_arg")):
            return super().call(obj, *args, **kwargs)
        kwargs.pop("_block_vars", None)  # Jinja's own, meant for callables that take the context.
        kwargs.pop("_loop_vars", None)
        return obj(*args, **kwargs)

    def resolve_or_missing(self, key: str) -> Any:
        found = super().resolve_or_missing(key)
        return HiddenField(found) if key == "csrf_input" and isinstance(found, str) else found


def shell_maker(rail: Sequence[RailItem]) -> Any:
    """Return the template global `shell()`: who is here, and where they may go."""

    known: dict[int, frozenset[str]] = {}

    def paths_of(app: Litestar) -> frozenset[str]:
        """A place whose page does not exist in this installation is not shown."""
        if id(app) not in known:
            known[id(app)] = frozenset(route.path for route in app.routes)
        return known[id(app)]

    @pass_context
    def shell(context: Mapping[str, Any]) -> Shell:
        request = _request(context)
        if request is None:
            return Shell(None, Facility(), demo=False, path="/", rail=(), department="")
        state = request.scope["state"]
        if "lanh_shell" not in state:  # Several parts of a page ask.
            state["lanh_shell"] = shell_of(request)
        made: Shell = state["lanh_shell"]
        return made

    def shell_of(request: Request[Any, Any, Any]) -> Shell:
        settings, names = request.app.state.settings.kernel, request.app.state.get("department_names", {})
        actor: Actor | None = request.scope["state"].get("lanh_actor") or None
        paths = paths_of(request.app)
        mine = tuple(i for i in rail if i.path in paths and actor and (not i.roles or actor.has(*i.roles)))
        department = names.get(actor.department, actor.department) if actor else ""
        path = request.scope["path"]
        return Shell(
            actor, settings.facility, demo=settings.demo, path=path, rail=mine, department=department
        )

    return shell


def fragment_keeper(environment: Environment) -> Any:
    """Return the template global `kept(name, …)`: a part drawn once for the same values, for one look-up after that.

    Only for templates that need nothing but these values, all of them hashable: no request, no clock.
    """

    @lru_cache(KEPT_FRAGMENTS, typed=True)
    def kept(name: str, **values: Any) -> Markup:
        return Markup(environment.get_template(name).render(values))  # noqa: S704  (drawn with escaping)

    return kept


def make_environment(directories: Sequence[Path], rail: Sequence[RailItem] = ()) -> Environment:
    """Return the Jinja environment: kernel's templates first, then each package's folder."""
    environment = PageEnvironment(
        loader=FileSystemLoader([TEMPLATES, *directories]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    environment.context_class = PageContext
    environment.filters.update(FILTERS)
    environment.globals.update(
        icon=icon, asset=asset, csrf_input=csrf_input, csrf_value=csrf_value, htmx_config=HTMX_CONFIG
    )
    environment.globals.update(shell=shell_maker(rail), now=utc_now, kept=fragment_keeper(environment))
    return environment


def template_config(
    directories: Sequence[Path], *, rail: Sequence[RailItem] = ()
) -> TemplateConfig[JinjaTemplateEngine]:
    """Return Litestar's template configuration for these folders beside the kernel's own."""
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(make_environment(directories, rail)))


async def secure_pages(message: Message, scope: Scope) -> None:
    """Give every HTML answer its security headers. A before_send hook."""
    if message["type"] != "http.response.start" or scope["type"] != ScopeType.HTTP:
        return
    headers = MutableScopeHeaders(cast("Any", message))
    if headers.get("content-type", "").startswith("text/html"):
        said = {name.lower() for name, _ in message["headers"]}
        more = [pair for pair in _SECURITY_HEADERS if pair[0] not in said]
        message["headers"] = [*message["headers"], *more]


def resolve_in_turn(app: Litestar) -> Litestar:
    """Let a handler's dependencies be made one after the other: none of ours waits, and a task for each costs more."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for _, model in route.route_handler_map.values():
                model.dependency_batches = [{one} for batch in model.dependency_batches for one in batch]
    return app


def compile_all(environment: Environment) -> int:
    """Compile every template and return how many: a broken one is found at start-up, not by a patient."""
    return len([environment.get_template(name) for name in environment.list_templates(extensions=["html"])])
