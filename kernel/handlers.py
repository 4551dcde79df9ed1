"""Importing this registers the periodic jobs of the house itself."""

from datetime import timedelta

from kernel.outbox.api import Job, periodic
from kernel.outbox.service import purge_finished


@periodic("kernel.purge_jobs", every=timedelta(hours=1))
async def purge_jobs(job: Job) -> None:
    """Clear finished jobs away after a month."""
    await purge_finished(job.session, now=job.now)
