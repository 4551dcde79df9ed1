"""The application: every package's routes, one set of dependencies, one way of telling refusals."""

import gc
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from litestar import Litestar
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import ScalarRenderPlugin

import hospital.handlers  # noqa: F401  (importing registers the handlers)
from billing.routes import ROUTES as BILLING
from emr.api import use_own_forms
from emr.routes import ROUTES as EMR
from hospital.bookings import provide_bookings
from hospital.errors import keep_refused_look, on_bug, on_http, on_problem
from hospital.health import healthz, readyz
from hospital.home import home, names_of_departments
from hospital.rail import RAIL
from hospital.settings import Settings, read_settings, with_secret
from hospital.stopping import call_before_stop
from kernel.db import (
    APPLICATION_ROLE,
    Sessions,
    make_engine,
    make_sessions,
    session_per_request,
    sessions_of_app,
)
from kernel.logs import configure_logs
from kernel.observe import observe_requests, show_metrics
from kernel.outbox.api import working
from kernel.outbox.pages import JobPages
from kernel.problems import Problem
from kernel.services import open_services, services_of_app
from kernel.staff.guards import provide_actor, provide_visitor
from kernel.staff.known import KnownStaff
from kernel.staff.pages import LoginPages
from kernel.staff.rest import LoginController
from kernel.web.compression import compress_text
from kernel.web.pages import WEB_ROUTES
from kernel.web.setup import resolve_in_turn, secure_pages, template_config
from kiosk.routes import ROUTES as KIOSK
from patient_portal.routes import ROUTES as PORTAL
from signing.routes import ROUTES as SIGNING

ROOT = Path(__file__).parent.parent
PRELOAD = (
    "kernel.paper.warm",
    "emr.sheets.paper",
    "signing.archive.lift",
    "pypdfium2",
)
"""What the worker processes are for: imported at their start."""
PACKAGES = ("signing", "emr", "billing", "patient_portal", "kiosk", "hospital")


def template_directories() -> list[Path]:
    """Return each package's templates; the kernel's own come first by themselves."""
    return [folder for name in PACKAGES if (folder := ROOT / name / "templates").is_dir()]


def provide_settings(package: str) -> Callable[[State], Awaitable[Any]]:
    async def settings_of(state: State) -> Any:
        return getattr(state.settings, package)

    return settings_of


def dependencies() -> dict[str, Provide]:
    named = {
        f"{package}_settings": Provide(provide_settings(package))
        for package in ("kernel", "signing", "insurance", "emr", "billing", "portal", "kiosk")
    }
    return named | {
        "session": Provide(session_per_request),
        "sessions": Provide(sessions_of_app),
        "services": Provide(services_of_app),
        "actor": Provide(provide_actor),
        "visitor": Provide(provide_visitor),
        "bookings": Provide(provide_bookings),
    }


@asynccontextmanager
async def run(app: Litestar) -> AsyncGenerator[None, None]:
    """Connect to the database for the life of the process, unless a test brought its own sessions."""
    settings: Settings = app.state.settings
    if "sessions" in app.state:
        async with open_services(settings, app.state.sessions) as services:
            app.state.services = services
            yield
        return
    # An owner's URL still runs as the application's role, without owner rights.
    engine = make_engine(settings.database_url, role=APPLICATION_ROLE, pool_size=settings.kernel.pool_size)
    app.state.sessions = make_sessions(engine)
    try:
        async with AsyncExitStack() as stack:
            opened = open_services(settings, app.state.sessions, engine=engine, preload=PRELOAD)
            app.state.services = await stack.enter_async_context(opened)
            app.state.known_staff = KnownStaff(app.state.services.wake)
            call_before_stop(app.state.services.wake.end_streams)
            app.state.department_names = await names_of_departments(app.state.sessions)
            if settings.kernel.inline_worker:
                await stack.enter_async_context(working(app.state.services))
            yield
    finally:
        await engine.dispose()
        gc.unfreeze()


def create_app(settings: Settings, *, sessions: Sessions | None = None) -> Litestar:
    """Assemble the application. `sessions`: given by tests that run inside one transaction."""
    use_own_forms(settings.emr.forms_folder)
    state: dict[str, Any] = {"settings": settings}
    if sessions is not None:
        state["sessions"] = sessions
    app = Litestar(
        [
            healthz,
            readyz,
            show_metrics,
            home,
            *WEB_ROUTES,
            LoginController,
            LoginPages,
            JobPages,
            *SIGNING,
            *EMR,
            *BILLING,
            *PORTAL,
            *KIOSK,
        ],
        state=State(state),
        dependencies=dependencies(),
        lifespan=[run],
        logging_config=None,
        after_exception=[keep_refused_look],
        exception_handlers={Problem: on_problem, HTTPException: on_http, Exception: on_bug},
        template_config=template_config(template_directories(), rail=RAIL),
        middleware=[observe_requests, compress_text],
        before_send=[secure_pages],
        csrf_config=CSRFConfig(
            secret=settings.kernel.secret,
            cookie_name="lanh_csrf",
            header_name="x-csrf-token",
            cookie_secure=settings.kernel.secure_cookies,
            exclude=["^/webhooks/", "^/static/", "^/(healthz|readyz|metrics)$"],
        ),
        openapi_config=OpenAPIConfig(
            title="Lành", version="1", path="/schema", render_plugins=[ScalarRenderPlugin()]
        ),
        request_max_body_size=30_000_000,
    )
    return resolve_in_turn(app)


def from_environment() -> Litestar:
    """The application of this process's environment, for the server."""
    settings = with_secret(read_settings())
    configure_logs(level=settings.kernel.log_level)
    app = create_app(settings)
    # What was made by now stays for ever; looking through it for garbage would stop everybody for 60 ms.
    gc.collect()
    gc.freeze()
    return app
