"""The job that watches a sitting: it asks the service while a person is thinking, and ends what nobody answers."""

import structlog

from kernel.outbox.api import Job, TryLater, job, name_jobs
from signing.context import context_of
from signing.remote.csc import CscUnreachable
from signing.remote.finish import ask_remote, expire_if_due, watch_again
from signing.remote.service import WATCH, WatchSitting
from signing.remote.sittings import get_sitting

log = structlog.get_logger(__name__)


@job(WATCH, network=True)
async def watch(job: Job, payload: WatchSitting) -> None:
    """Look at a sitting until it has ended. A process that stopped in the middle is made good here."""
    sitting_id = payload.sitting_id
    if await expire_if_due(job.services, sitting_id, job.now):
        return
    try:
        await ask_remote(job.services, sitting_id, job.now)
    except CscUnreachable:
        log.warning("sitting.not_answered", sitting=str(sitting_id))
    async with job.sessions() as session:
        view = await get_sitting(session, sitting_id)
    if not view.state.ended:
        poll = context_of(job.services).settings.csc_poll_seconds
        raise TryLater("Chờ phê duyệt.", after=watch_again(view.way, view.expires_at, job.now, poll))


name_jobs({WATCH: "Chờ phê duyệt ký từ xa"})
