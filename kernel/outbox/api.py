"""What other packages may use of the outbox.

@on(OrderPlaced, name="billing.charge_order")
async def charge_order(job: Job, event: OrderPlaced) -> None: ...   # job.session commits with the job

await publish(session, OrderPlaced(...))                            # in the business transaction
"""

from kernel.outbox.registry import Job, isolated_registry, job, on, periodic
from kernel.outbox.rules import Backoff, GiveUp, TryLater
from kernel.outbox.service import (
    DiscardJob,
    JobNotDead,
    JobNotFound,
    JobsOverview,
    JobState,
    JobView,
    PeriodicView,
    ReasonMissing,
    dead_letters,
    discard_job,
    enqueue,
    enqueued_later,
    jobs_overview,
    later_values,
    periodic_jobs,
    publish,
    publish_all,
    retry_job,
)
from kernel.outbox.words import name_jobs
from kernel.outbox.worker import Worker, drain, working

__all__ = [
    "Backoff",
    "DiscardJob",
    "GiveUp",
    "Job",
    "JobNotDead",
    "JobNotFound",
    "JobState",
    "JobView",
    "JobsOverview",
    "PeriodicView",
    "ReasonMissing",
    "TryLater",
    "Worker",
    "dead_letters",
    "discard_job",
    "drain",
    "enqueue",
    "enqueued_later",
    "isolated_registry",
    "job",
    "jobs_overview",
    "later_values",
    "name_jobs",
    "on",
    "periodic",
    "periodic_jobs",
    "publish",
    "publish_all",
    "retry_job",
    "working",
]
