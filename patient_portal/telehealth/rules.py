"""States and the four legal models of telehealth."""

from enum import StrEnum


class RemoteMode(StrEnum):
    """Who is where decides price and payer (NĐ 96/2023 Đ87 k8-k10, Đ88); kept on every request."""

    DIRECT_TO_PATIENT = "DIRECT_TO_PATIENT"
    VIA_RECEIVING_FACILITY = "VIA_RECEIVING_FACILITY"
    INTER_FACILITY_SUPPORT = "INTER_FACILITY_SUPPORT"
    TELECONSULT_MDT = "TELECONSULT_MDT"


class RequestState(StrEnum):
    ASKED = "ASKED"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"


NEXT: dict[RequestState, frozenset[RequestState]] = {
    RequestState.ASKED: frozenset({RequestState.ACCEPTED, RequestState.REFUSED, RequestState.WITHDRAWN}),
    RequestState.ACCEPTED: frozenset(),
    RequestState.REFUSED: frozenset(),
    RequestState.WITHDRAWN: frozenset(),
}

STATE_NAMES = {
    RequestState.ASKED: "Chờ bệnh viện trả lời",
    RequestState.ACCEPTED: "Được nhận",
    RequestState.REFUSED: "Không nhận",
    RequestState.WITHDRAWN: "Đã rút",
}


def may_become(state: RequestState, wanted: RequestState) -> bool:
    return wanted in NEXT[state]
