"""At the bedside: staff hands over a tablet, a patient or relative reads every page and signs by hand."""

import json
import re
from typing import Any

import httpx

from hospital.journey.clients import Client
from hospital.journey.steps import wait_for
from kernel.ids import new_id

SITTINGS = "/api/signing/sittings"
STROKES = [
    [[60 + 12 * n, 120 + (40 if n % 2 else -40), 18 * n, 0.5] for n in range(25)],
    [[400, 60, 700, 0.6], [470, 90, 760, 0.4]],
]
"""What a hand leaves on the glass: points, each with its place, moment and pressure."""


def open_sitting(staff: Client, document_ids: list[str], who: dict[str, Any]) -> tuple[str, str]:
    """Open a sitting for a person; answers its id and the code that is told once."""
    opened = staff.post(SITTINGS, {"id": str(new_id()), "documents": document_ids, "who": who})
    return opened["sitting"]["id"], opened["code"]


class Tablet:
    """The device in a person's hand: it opened the code and shows what is due."""

    def __init__(self, base_url: str, code: str) -> None:
        self._client, self._place = Client(base_url), f"/tablet/{code}"
        self._send("start")

    def close(self) -> None:
        self._client.close()

    def read(self) -> None:
        """Fetch every page of every document and say that it was seen to its end."""
        while "Đã xem hết" in (page := self._page()):
            for picture in re.findall(r'src="(/tablet/[^"]+/pages/[^"]+)"', page):
                self._client.bytes(picture)
            self._send("shown", dict(re.findall(r'name="(position|sha256)" value="([^"]+)"', page)))

    def draw(self) -> None:
        """Sign by hand."""
        drawing = {"width": 600, "height": 240, "strokes": STROKES}
        self._send("drawing", {"drawing": json.dumps(drawing)})

    def _page(self) -> str:
        return self._client.bytes(self._place).decode()

    def _send(self, act: str, form: dict[str, str] | None = None) -> httpx.Response:
        answer = self._client.raw("POST", f"{self._place}/{act}", data=form or {})
        assert answer.status_code == 303, f"{act}: {answer.status_code} {answer.text[:400]}"
        return answer


def wait_until_sealed(staff: Client, sitting_id: str) -> dict[str, Any]:
    """Wait until the hospital has sealed what the person signed."""

    def look() -> dict[str, Any] | None:
        sitting: dict[str, Any] = staff.get(f"{SITTINGS}/{sitting_id}")
        return sitting if sitting["state"] == "SEALED" else None

    return wait_for(look, what="niêm phong của bệnh viện")
