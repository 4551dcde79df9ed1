from collections.abc import Iterator

import httpx
import pytest

from kernel.db import Sessions
from kernel.outbox.api import GiveUp, Job, dead_letters, drain, enqueue, isolated_registry, job
from kernel.services import Services
from kernel.staff.rules import Role
from tests.conftest import SignedIn


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    with isolated_registry():
        yield


@pytest.fixture
async def dead_id(services: Services) -> int:
    @job("a.send")
    async def send(job: Job) -> None:
        raise GiveUp("the partner refused the number")

    async with services.sessions.begin() as session:
        await enqueue(session, "a.send")
    await drain(services, raises=False)
    async with services.sessions() as session:
        return (await dead_letters(session))[0].id


async def test_an_administrator_sees_what_failed_and_why(
    client: httpx.AsyncClient, signed_in: SignedIn, dead_id: int
) -> None:
    await signed_in(Role.ADMIN)
    page = await client.get("/admin/jobs")
    assert page.status_code == 200
    assert "a.send" in page.text
    assert "the partner refused the number" in page.text
    assert "1 việc hỏng" in page.text
    assert "Tiến trình làm việc nền không chạy" in page.text  # No worker in this test.
    assert (await client.get("/admin/jobs/badge")).text == "1"


async def test_others_see_nothing_of_it(client: httpx.AsyncClient, signed_in: SignedIn, dead_id: int) -> None:
    await signed_in(Role.DOCTOR)
    assert (await client.get("/admin/jobs")).status_code == 403
    assert (await client.post(f"/admin/jobs/{dead_id}/retry")).status_code == 403


async def test_a_dead_job_is_tried_again(
    client: httpx.AsyncClient, signed_in: SignedIn, sessions: Sessions, dead_id: int
) -> None:
    await signed_in(Role.ADMIN)
    answer = await client.post(f"/admin/jobs/{dead_id}/retry")
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/jobs")
    async with sessions() as session:
        assert await dead_letters(session) == []
    assert (await client.get("/admin/jobs/badge")).text == ""
    assert (await client.post(f"/admin/jobs/{dead_id}/retry")).status_code == 409
    assert (await client.post("/admin/jobs/999999999/retry")).status_code == 404


async def test_a_dead_job_is_put_away_only_with_a_reason(
    client: httpx.AsyncClient, signed_in: SignedIn, sessions: Sessions, dead_id: int
) -> None:
    await signed_in(Role.ADMIN)
    refused = await client.post(f"/admin/jobs/{dead_id}/discard", data={"reason": " "})
    assert refused.status_code == 422
    assert f'href="#reason-{dead_id}"' in refused.text
    assert "Hãy ghi lý do" in refused.text
    answer = await client.post(f"/admin/jobs/{dead_id}/discard", data={"reason": "đã gửi tay"})
    assert answer.status_code == 303
    async with sessions() as session:
        assert await dead_letters(session) == []
