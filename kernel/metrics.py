"""Figures for Prometheus at /metrics: requests by route, jobs, audit, open streams. Never a name, never an id.

Several web processes share the folder of PROMETHEUS_MULTIPROC_DIR, which `hospital serve --workers` makes: any answers for all.
"""

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

requests = Counter("lanh_requests", "Answers by method, route and status.", ("method", "route", "status"))
request_seconds = Histogram(
    "lanh_request_seconds", "Time to the end of the answer.", ("route",), buckets=_SECONDS
)
jobs_finished = Counter("lanh_jobs_finished", "Attempts by kind and how they ended.", ("kind", "outcome"))
job_seconds = Histogram("lanh_job_seconds", "Wall time of one attempt.", ("kind",), buckets=_SECONDS)
job_wait_seconds = Histogram(
    "lanh_job_wait_seconds", "From the moment a job was due to the start of its attempt.", buckets=_SECONDS
)
jobs_in_state = Gauge(
    "lanh_jobs", "Unfinished jobs by state, at the scrape.", ("state",), multiprocess_mode="mostrecent"
)
oldest_job_seconds = Gauge(
    "lanh_oldest_due_job_seconds", "How long the oldest due job has waited.", multiprocess_mode="mostrecent"
)
audit_unsealed = Gauge(
    "lanh_audit_unsealed_rows", "Audit rows in no sealed block yet.", multiprocess_mode="mostrecent"
)
streams_open = Gauge("lanh_streams_open", "Live screens connected.", multiprocess_mode="livesum")

CONTENT_TYPE = CONTENT_TYPE_LATEST


def exposition() -> bytes:
    """Return all figures of this process, or of every process that shares the folder."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library has no annotation here
    return generate_latest(registry)
