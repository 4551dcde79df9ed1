"""A gateway that takes the portal's messages, and people signed in to the portal."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date

import httpx
import pytest
from litestar import Litestar
from msgspec.structs import replace

from emr.api import PatientView
from hospital.demo.outside.sms import Gateway, gateway_routes
from hospital.settings import Settings
from kernel.db import Sessions
from kernel.outbox.api import drain
from kernel.services import Services
from patient_portal.settings import PortalSettings
from tests.conftest import browser
from tests.patient_portal.builders import a_patient

SignInPatient = Callable[..., Awaitable[PatientView]]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The test's settings with a gateway, and telehealth declared."""
    portal = PortalSettings(
        sms_url="http://outside/outside/sms/messages",
        sms_key="k",
        telehealth_services=("KB01",),
        telehealth_price=150_000,
    )
    return replace(settings, portal=portal)


@pytest.fixture
def gateway() -> Gateway:
    return Gateway(key="k", slow_seconds=0)


def with_gateway(services: Services, gateway: Gateway) -> Services:
    """The services with the gateway at the other end of every call."""
    outside = Litestar(gateway_routes(gateway), openapi_config=None, logging_config=None)
    transport = httpx.ASGITransport(outside)  # type: ignore[arg-type]  # Litestar types its scopes more narrowly
    return replace(services, http=httpx.AsyncClient(transport=transport))


@pytest.fixture
async def sending(services: Services, gateway: Gateway) -> AsyncIterator[Services]:
    """`await drain(sending)` runs the jobs; messages land in `gateway`."""
    sending = with_gateway(services, gateway)
    async with sending.http:
        yield sending


async def sign_in_patient(
    client: httpx.AsyncClient,
    services: Services,
    gateway: Gateway,
    person: PatientView,
    *,
    remember: bool = False,
) -> None:
    """Sign `client` in as this person, by message and birth date."""
    assert person.phone
    asked = await client.post("/api/portal/codes", json={"phone": person.phone})
    assert asked.status_code == 202, asked.text
    await drain(services, raises=False)  # Other packages may have jobs that wait, for a seal say.
    body = {
        "code_request_id": asked.json()["id"],
        "code": code_sent(gateway, person.phone),
        "birth_date": person.birth_date.isoformat(),
        "person": str(person.id),
        "remember": remember,
    }
    answer = await client.post("/api/portal/sessions", json=body)
    assert answer.status_code == 201, answer.text
    await client.get("/login")  # Sets the CSRF cookie.


def code_sent(gateway: Gateway, phone: str) -> str:
    message = gateway.last_to(phone)
    assert message is not None
    return message.text[:6]


@pytest.fixture
def patient_in(
    client: httpx.AsyncClient, sessions: Sessions, sending: Services, gateway: Gateway
) -> SignInPatient:
    """`await patient_in()` signs the test's client in as a new patient; `client=` another browser."""

    async def sign(
        *, client: httpx.AsyncClient = client, remember: bool = False, **more: str | date | None
    ) -> PatientView:
        async with sessions.begin() as session:
            person = await a_patient(session, **more)  # type: ignore[arg-type]  # builder
        await sign_in_patient(client, sending, gateway, person, remember=remember)
        return person

    return sign


@pytest.fixture
async def other_client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as client:
        yield client
