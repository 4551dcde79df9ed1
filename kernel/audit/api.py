"""What other packages may use of the audit log."""

from kernel.audit.service import (
    Action,
    AuditView,
    Entry,
    RefusedLook,
    audit_values,
    audited,
    entries_of_patient,
    entries_of_subject,
    record,
    record_all,
    record_apart,
    refused_look,
)

__all__ = [
    "Action",
    "AuditView",
    "Entry",
    "RefusedLook",
    "audit_values",
    "audited",
    "entries_of_patient",
    "entries_of_subject",
    "record",
    "record_all",
    "record_apart",
    "refused_look",
]
