import httpx
from litestar import Litestar
from msgspec.structs import replace

from hospital.settings import Settings
from kernel.audit.api import Action, Entry, record
from kernel.db import Sessions
from kernel.staff.rules import SYSTEM


async def read(client: httpx.AsyncClient) -> dict[str, float]:
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


async def test_requests_are_counted_by_route_and_never_by_id(client: httpx.AsyncClient) -> None:
    await client.get("/healthz")
    await client.get("/static/123/nothing-here.css")
    found = await read(client)
    assert found['lanh_requests_total{method="GET",route="/healthz",status="200"}'] >= 1
    assert not any("nothing-here" in name for name in found)


async def test_what_the_database_knows_is_read_at_the_scrape(
    client: httpx.AsyncClient, sessions: Sessions
) -> None:
    before = (await read(client))["lanh_audit_unsealed_rows"]
    async with sessions.begin() as session:
        await record(session, Entry(Action.VIEW, "x"), SYSTEM)
    found = await read(client)
    assert found["lanh_audit_unsealed_rows"] == before + 1
    assert found['lanh_jobs{state="dead"}'] == 0
    assert found["lanh_oldest_due_job_seconds"] == 0


async def test_another_machine_needs_the_token(app: Litestar, settings: Settings) -> None:
    transport = httpx.ASGITransport(app, client=("10.0.0.9", 1))  # type: ignore[arg-type]  # narrower scopes
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as far:
        assert (await far.get("/metrics")).status_code == 404
        token = {"authorization": "Bearer "}
        assert (await far.get("/metrics", headers=token)).status_code == 404
        kernel = replace(settings.kernel, metrics_token="abc")
        app.state.settings = replace(settings, kernel=kernel)
        assert (await far.get("/metrics", headers={"authorization": "Bearer abc"})).status_code == 200
        assert (await far.get("/metrics", headers={"authorization": "Bearer abd"})).status_code == 404


async def test_a_missing_token_of_a_form_is_no_fault_of_the_house(client: httpx.AsyncClient) -> None:
    """Any stranger can post without one: that must not ring the alarm for errors."""
    assert (await client.post("/login", data={"username": "x"})).status_code == 403
    found = await read(client)
    assert found['lanh_requests_total{method="POST",route="/login",status="403"}'] >= 1
    assert 'lanh_requests_total{method="POST",route="/login",status="500"}' not in found
