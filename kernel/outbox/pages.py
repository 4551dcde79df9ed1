"""The operator's page of jobs that failed: what, since when, why; try again or put away."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.outbox.service import (
    DiscardJob,
    ReasonMissing,
    dead_letters,
    discard_job,
    jobs_overview,
    periodic_jobs,
    retry_job,
)
from kernel.staff.guards import needs
from kernel.staff.rules import Actor, Role


class JobPages(Controller):
    path = "/admin/jobs"
    guards = [needs(Role.ADMIN)]  # noqa: RUF012  (litestar declares it as an instance attribute)
    include_in_schema = False

    @get()
    async def show(self, session: NamedDependency[AsyncSession]) -> Template:
        """Dead jobs first, then how the rest is doing."""
        return await _page(session)

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
    context = {
        "overview": overview,
        "dead": await dead_letters(session),
        "periodic": await periodic_jobs(session),
        "errors": errors or {},
    }
    return Template("admin/jobs.html", context=context)
