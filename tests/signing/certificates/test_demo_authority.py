"""The demo's authority at its counter: it certifies a request made here, and nothing that nobody signed."""

from collections.abc import AsyncIterator

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from litestar import Litestar

from hospital.demo.outside.app import OutsideSettings
from hospital.demo.outside.ca import routes
from hospital.demo.pki import DemoPki
from kernel.clock import utc_now
from kernel.services import Services
from kernel.staff.api import Actor
from signing.certificates.enrolment import request_pem, take_issued
from tests.signing.certificates.asking import NEW_PIN, ask

pytestmark = pytest.mark.anyio


@pytest.fixture
async def counter(pki: DemoPki) -> AsyncIterator[httpx.AsyncClient]:
    settings = OutsideSettings(pki.folder.parent, "http://test", "http://pki.test")
    app = Litestar(routes(settings), logging_config=None)
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # narrower scopes
    async with httpx.AsyncClient(transport=transport, base_url="http://outside.test") as client:
        yield client


@pytest.mark.parametrize("way", ["file", "text"])
async def test_a_request_made_here_comes_back_as_a_certificate_that_is_taken_in(
    counter: httpx.AsyncClient, services: Services, person: Actor, way: str
) -> None:
    view = await ask(services, person)
    async with services.sessions() as session:
        pem = await request_pem(session, view.id, person)
    sent = {"files": {"file": ("a.pem", pem)}} if way == "file" else {"data": {"text": pem.decode()}}
    assert "Cấp chứng thư" in (await counter.get("/outside/ca")).text
    answer = await counter.post("/outside/ca", **sent)
    assert answer.status_code == 200
    taken = await take_issued(services, view.id, answer.content, NEW_PIN, actor=person, now=utc_now())
    assert taken.state == "ACTIVE"


async def test_what_nobody_signed_is_not_certified(
    counter: httpx.AsyncClient, services: Services, person: Actor
) -> None:
    view = await ask(services, person)
    async with services.sessions() as session:
        request = x509.load_pem_x509_csr(await request_pem(session, view.id, person))
    der = bytearray(request.public_bytes(Encoding.DER))
    der[der.index(b"\x0c\x02BS") + 3] ^= 1  # Another title than the one that was signed.
    forged = x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM)
    refused = await counter.post("/outside/ca", data={"text": forged.decode()})
    assert (refused.status_code, "Chữ ký trên yêu cầu không đúng" in refused.text) == (422, True)
    nothing = await counter.post("/outside/ca", data={"text": "xin chào"})
    assert (nothing.status_code, "không phải yêu cầu cấp chứng thư" in nothing.text) == (422, True)
