"""States of an enrolment: a certificate is asked for, then it comes or the asking is given up."""

from enum import StrEnum

from kernel.problems import Conflict


class EnrolmentState(StrEnum):
    """Where an enrolment (yêu cầu cấp chứng thư) stands."""

    REQUESTED = "REQUESTED"
    ISSUED = "ISSUED"
    CANCELLED = "CANCELLED"


ENROLMENT_WORDS = {
    EnrolmentState.REQUESTED: "Chờ cấp",
    EnrolmentState.ISSUED: "Đã cấp",
    EnrolmentState.CANCELLED: "Đã huỷ",
}
NEXT: dict[EnrolmentState, frozenset[EnrolmentState]] = {
    EnrolmentState.REQUESTED: frozenset({EnrolmentState.ISSUED, EnrolmentState.CANCELLED}),
    EnrolmentState.ISSUED: frozenset(),
    EnrolmentState.CANCELLED: frozenset(),
}


class EnrolmentOver(Conflict):
    """The enrolment has ended already."""

    slug = "enrolment-over"


def move(state: EnrolmentState, target: EnrolmentState) -> EnrolmentState:
    """Return the state an enrolment goes to. Raises EnrolmentOver for a move that is not allowed."""
    if target not in NEXT[state]:
        raise EnrolmentOver(f"Yêu cầu cấp chứng thư này đã ở trạng thái “{ENROLMENT_WORDS[state]}”.")
    return target
