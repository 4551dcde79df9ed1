"""Figures for Prometheus at /metrics: requests by route, jobs, audit, open streams. Never a name, never an id."""

from prometheus_client import Counter, Gauge, Histogram

REGISTRY_PREFIX = "lanh"

jobs_finished = Counter("lanh_jobs_finished", "Jobs by kind and how they ended.", ("kind", "outcome"))
job_seconds = Histogram(
    "lanh_job_seconds",
    "Wall time of one attempt, by kind.",
    ("kind",),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
job_wait_seconds = Histogram(
    "lanh_job_wait_seconds",
    "From the moment a job was due to the start of its attempt.",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600),
)
jobs_in_state = Gauge("lanh_jobs", "Unfinished jobs by state, at the moment of the scrape.", ("state",))
oldest_job_seconds = Gauge("lanh_oldest_due_job_seconds", "How long the oldest due job has waited.")
audit_unsealed = Gauge("lanh_audit_unsealed_rows", "Audit rows not yet in a sealed block.")
streams_open = Gauge("lanh_streams_open", "Live screens connected to this process.")
