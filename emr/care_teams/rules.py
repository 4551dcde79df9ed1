"""Whose record a person of staff may open: role, department, care team (Luật KCB Đ10 k2; NĐ 356 Đ4 k2)."""

from uuid import UUID

from msgspec import Struct

from kernel.staff.api import Actor, Role

WHOLE_HOUSE = (Role.DIRECTOR, Role.ARCHIVIST, Role.INSURANCE)
"""They answer for, keep or examine the records of every department."""
DISPENSED = frozenset({"DT-C"})
"""Forms the pharmacy hands drugs out by: it reads those of the whole house."""
MAY_BREAK = (Role.DOCTOR, Role.NURSE, Role.HEAD, Role.LAB)


class CareTeam(Struct, frozen=True):
    """Who looks after a person in a visit: departments (khoa) and named people."""

    departments: frozenset[str]
    people: frozenset[UUID]


def belongs(actor: Actor, team: CareTeam, *, form_code: str = "") -> bool:
    """Tell whether role, department or care team opens the record."""
    if actor.has(*WHOLE_HOUSE):
        return True
    if actor.has(Role.PHARMACIST) and form_code in DISPENSED:
        return True
    return actor.department in team.departments or actor.id in team.people


def covers(duties: list[tuple[str, str]], team: CareTeam) -> bool:
    """Tell whether a turn on duty opens it: (kind, department) of now; the leader on duty covers the house."""
    return any(kind == "LEADER" or department in team.departments for kind, department in duties)
