"""A doctor whose key is at a remote service: asks, approves on the phone some time later, finds the papers signed."""

from typing import Any

import httpx

from hospital.journey.clients import Client
from hospital.journey.steps import wait_for

SITTINGS = "/api/signing/remote-sittings"


def waiting(doctor: Client) -> list[dict[str, Any]]:
    """What waits for the doctor's signature, the oldest first."""
    found: list[dict[str, Any]] = doctor.get("/api/signing/inbox")
    return found


def ask(doctor: Client, document_ids: list[str]) -> dict[str, Any]:
    """Ask for one approval of these documents; nothing is signed before somebody answers."""
    sitting: dict[str, Any] = doctor.post(SITTINGS, {"documents": document_ids})
    assert sitting["state"] == "WAITING", sitting
    return sitting


def on_the_phone(outside_url: str) -> dict[str, Any]:
    """The latest request that the phone's application shows."""
    found: list[dict[str, Any]] = httpx.get(f"{outside_url}/outside/csc/pending", timeout=10).json()
    return found[-1]


def press(outside_url: str, handle: str, *, approve: bool = True) -> None:
    """Answer a request on the phone; the service then calls the hospital back."""
    word = "approve" if approve else "decline"
    answer = httpx.post(f"{outside_url}/outside/csc/app/{handle}/{word}", timeout=60)
    assert answer.status_code == 303, answer.text


def wait_until_signed(doctor: Client, sitting_id: str) -> dict[str, Any]:
    """Wait until every document of the sitting is signed."""

    def look() -> dict[str, Any] | None:
        sitting: dict[str, Any] = doctor.get(f"{SITTINGS}/{sitting_id}")
        return sitting if sitting["ended"] else None

    ended = wait_for(look, what="kết quả ký từ xa")
    assert (ended["state"], ended["signed"]) == ("SIGNED", len(ended["documents"])), ended
    return ended
