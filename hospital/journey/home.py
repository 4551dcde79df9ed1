"""The patient at home: signs in with a code from the gateway, reads and books."""

import re
from typing import Any

import httpx

from hospital.journey.clients import Client
from hospital.journey.people import Person
from hospital.journey.steps import wait_for
from kernel.ids import new_id


def sign_in(base_url: str, outside_url: str, person: Person) -> Client:
    """Ask for a code, read it from the fake gateway, give the birth date."""
    home = Client(base_url)
    asked = home.post("/api/portal/codes", {"phone": person.phone})

    def look() -> str | None:
        messages = httpx.get(f"{outside_url}/outside/sms/messages", timeout=10).json()
        ours = [message["text"] for message in messages if message["to"].endswith(person.phone[1:])]
        found = re.search(r"\b(\d{6})\b", ours[-1]) if ours else None
        return found[1] if found else None

    code = wait_for(look, what="tin nhắn có mã")
    home.post(
        "/api/portal/sessions",
        {"code_request_id": asked["id"], "code": code, "birth_date": person.birth_date},
    )
    return home


def book(home: Client) -> dict[str, Any]:
    """Take the first free slot of the first department that has one."""
    for department in home.get("/api/portal/departments"):
        for day in home.get("/api/portal/days", department=department["code"]):
            for slot in home.get("/api/portal/slots", department=department["code"], day=day["day"]):
                booking: dict[str, Any] = home.post(
                    "/api/portal/bookings", {"id": str(new_id()), "slot_id": slot["id"], "reason": "Tái khám"}
                )
                return booking
    raise AssertionError("không có chỗ trống nào")


def download(home: Client, paper: dict[str, Any]) -> bytes:
    """The signed bytes of one paper."""
    return home.bytes(f"/api/portal/documents/{paper['id']}/file")


def everything(home: Client) -> dict[str, Any]:
    """What the person sees of themselves."""
    return {
        "me": home.get("/api/portal/me"),
        "visits": home.get("/api/portal/visits"),
        "documents": home.get("/api/portal/documents"),
        "dues": home.get("/api/portal/dues"),
        "receipts": home.get("/api/portal/receipts"),
        "bookings": home.get("/api/portal/bookings"),
        "looks": home.get("/api/portal/access-log"),
    }
