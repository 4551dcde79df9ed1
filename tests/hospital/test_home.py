"""After sign-in everybody lands on their own work."""

import httpx

from kernel.staff.api import Role
from tests.conftest import SignedIn


async def test_a_stranger_is_asked_to_sign_in(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/")


async def test_somebody_without_a_place_is_told_who_helps(
    client: httpx.AsyncClient, signed_in: SignedIn
) -> None:
    await signed_in(Role.PHARMACIST)
    answer = await client.get("/")
    assert answer.status_code == 200
    assert "Gọi quản trị" in answer.text


async def test_code_of_a_page_hears_that_the_session_ended(client: httpx.AsyncClient) -> None:
    """A redirect would be followed to the sign-in page and read as success."""
    answer = await client.get("/reception/rooms", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/not-signed-in")


async def test_a_part_of_a_page_does_not_take_the_page_away(client: httpx.AsyncClient) -> None:
    answer = await client.get("/reception/rooms", headers={"hx-request": "true"})
    assert answer.status_code == 401
    assert "hx-redirect" not in answer.headers
