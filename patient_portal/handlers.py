"""Importing this registers the event and job handlers of patient_portal."""

import patient_portal.accounts.jobs  # noqa: F401  (importing registers the jobs)
