"""Watch the house: one log line and two figures per request, and the page that Prometheus reads."""

import logging
import time
from datetime import datetime
from functools import cache

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from prometheus_client import Counter, Histogram
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import metrics
from kernel.audit.seal import UNSEALED
from kernel.clock import utc_now
from kernel.logs import log_request
from kernel.outbox.service import jobs_overview
from kernel.problems import NotFound
from kernel.staff.guards import client_ip

LOCAL_ADDRESSES = frozenset({"127.0.0.1", "::1"})
SLOW_SECONDS = 1.0
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


class MetricsHidden(NotFound):
    """Whoever may not read the figures is not told that there are any."""

    slug = "not-found"


def observe_requests(app: ASGIApp) -> ASGIApp:
    """Count and time every answer by its route template; ids and query strings never leave."""

    async def observed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        started, status, stream = time.perf_counter(), 500, False

        async def note_status(message: Message) -> None:
            nonlocal status, stream
            if message["type"] == "http.response.start":
                status = message["status"]
                stream = any(value.startswith(b"text/event-stream") for _, value in message["headers"])
            await send(message)

        try:
            await app(scope, receive, note_status)
        except HTTPException as refusal:  # Told outside of us, as a missing CSRF token is: no fault of ours.
            status = refusal.status_code
            raise
        finally:
            if not stream:  # A live screen is open for hours: that is no slow answer.
                _observe(scope, status, time.perf_counter() - started)

    return observed


def _observe(scope: HTTPScope, status: int, seconds: float) -> None:
    method, route = scope["method"], scope.get("path_template") or "unknown"
    counted, timed = _figures(method, route, status)
    counted.inc()
    timed.observe(seconds)
    if route in _QUIET:
        return
    level = logging.ERROR if status >= 500 else logging.WARNING if seconds > SLOW_SECONDS else logging.INFO
    log_request(level, method=method, route=route, status=status, ms=round(seconds * 1_000, 1))


@cache
def _figures(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Finding a figure by its labels costs more than counting; there are as many as routes and answers."""
    return metrics.requests.labels(method, route, status), metrics.request_seconds.labels(route)


@get("/metrics", opt={"public": True}, include_in_schema=False)
async def show_metrics(
    request: Request[None, None, State], session: NamedDependency[AsyncSession]
) -> Response[bytes]:
    """Answer Prometheus: from this machine, or with the token of the settings. Raises MetricsHidden."""
    token = request.app.state.settings.kernel.metrics_token
    known = token and request.headers.get("authorization") == f"Bearer {token}"
    if not known and client_ip(request) not in LOCAL_ADDRESSES:
        raise MetricsHidden("Không tìm thấy.")
    await _read_database(session, utc_now())
    return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)


async def _read_database(session: AsyncSession, now: datetime) -> None:
    overview = await jobs_overview(session)
    for state in ("ready", "leased", "dead"):
        metrics.jobs_in_state.labels(state).set(getattr(overview, state))
    waited = (now - overview.oldest_due_at).total_seconds() if overview.oldest_due_at else 0.0
    metrics.oldest_job_seconds.set(max(0.0, waited))
    unsealed = (await session.execute(UNSEALED)).one()
    metrics.audit_unsealed.set(unsealed.rows)
