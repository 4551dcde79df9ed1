"""The operator's page of jobs that failed: what, since when, why; try again or put away."""

from datetime import timedelta
from typing import Any

from litestar import Controller, MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import utc_now
from kernel.outbox.service import (
    DiscardJob,
    ReasonMissing,
    count_dead,
    dead_letters,
    discard_job,
    jobs_overview,
    periodic_jobs,
    retry_job,
)
from kernel.outbox.words import job_words
from kernel.staff.guards import needs
from kernel.staff.rules import Actor, Role

NO_WORKER_AFTER = timedelta(minutes=2)


class JobPages(Controller):
    path = "/admin/jobs"
    guards = [needs(Role.ADMIN)]
    include_in_schema = False

    @get()
    async def show(self, session: NamedDependency[AsyncSession]) -> Template:
        """Dead jobs first, then how the rest is doing."""
        return await _page(session)

    @get("/badge", media_type=MediaType.TEXT)
    async def badge(self, session: NamedDependency[AsyncSession]) -> str:
        """How many jobs wait for a person; empty for none."""
        return str(await count_dead(session) or "")

    @post("/{job_id:int}/retry")
    async def retry(
        self, job_id: FromPath[int], session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> Redirect:
        """Try a dead job again from now."""
        await retry_job(session, job_id, actor=actor)
        return Redirect("/admin/jobs", status_code=303)

    @post("/{job_id:int}/discard")
    async def discard(
        self,
        job_id: FromPath[int],
        data: URLEncodedBody[dict[str, str]],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Response[Any]:
        """Put a dead job away, with a reason."""
        try:
            await discard_job(session, DiscardJob(job_id, data.get("reason", "")), actor=actor)
        except ReasonMissing as refusal:
            page = await _page(session, errors={f"reason-{job_id}": refusal.detail})
            page.status_code = 422
            return page
        return Redirect("/admin/jobs", status_code=303)


async def _page(session: AsyncSession, *, errors: dict[str, str] | None = None) -> Template:
    overview = await jobs_overview(session)
    idle = overview.last_turn_at is None or utc_now() - overview.last_turn_at > NO_WORKER_AFTER
    context = {
        "overview": overview,
        "no_worker": idle,
        "dead": await dead_letters(session),
        "periodic": await periodic_jobs(session),
        "errors": errors or {},
        "words": job_words,
    }
    return Template("admin/jobs.html", context=context)
