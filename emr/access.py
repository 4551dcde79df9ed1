"""Who may do what in emr, and what its REST handlers may refuse."""

from typing import Any

from litestar.openapi.datastructures import ResponseSpec

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


def refusals(*statuses: int) -> dict[int, ResponseSpec]:
    """Document the problems a handler answers with."""
    words = {
        401: "Not signed in",
        403: "May not",
        404: "Absent",
        409: "Wrong state, or an id used for something else",
        422: "Content refused",
    }
    return {
        status: ResponseSpec(
            data_container=dict[str, Any],
            description=words[status],
            media_type="application/problem+json",
            generate_examples=False,
        )
        for status in (401, 403, *statuses)
    }
