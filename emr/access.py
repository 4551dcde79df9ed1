"""Who may do what in emr."""

from kernel.staff.api import Role, needs

FRONT = (needs(Role.RECEPTION, Role.NURSE, Role.DOCTOR, Role.HEAD),)
"""Register people, open visits."""
READ = (
    needs(
        Role.RECEPTION,
        Role.NURSE,
        Role.DOCTOR,
        Role.HEAD,
        Role.DIRECTOR,
        Role.LAB,
        Role.PHARMACIST,
        Role.CASHIER,
        Role.ACCOUNTANT,
        Role.INSURANCE,
        Role.ARCHIVIST,
    ),
)
"""Read particulars, visits and queues."""
CLINICAL = (needs(Role.DOCTOR, Role.NURSE, Role.HEAD, Role.DIRECTOR),)
"""Read and write clinical content."""
DOCTORS = (needs(Role.DOCTOR, Role.HEAD),)
WORKERS = (needs(Role.LAB, Role.NURSE, Role.DOCTOR, Role.HEAD),)
"""Carry orders out and report results."""
APPROVERS = (needs(Role.LAB, Role.DOCTOR, Role.HEAD),)
LEADERS = (needs(Role.DIRECTOR, Role.HEAD),)
