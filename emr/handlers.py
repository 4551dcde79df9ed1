"""Importing this registers the event and job handlers of emr, and the parts of sheets that have own tables."""

import emr.prescriptions.service
import emr.sheets.handlers  # noqa: F401  (importing registers)
