"""The program at the doctor's own PC: who may speak to it, what it signs, what it keeps; with a real SoftHSM2."""

import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import to_builtins
from msgspec.structs import replace as with_changes

from hospital.commands.token_agent import token_agent
from hospital.demo.pki import DemoPki, Holder
from hospital.settings import Settings
from hospital.token_agent.app import create_agent
from hospital.token_agent.asks import LIFE, AgentDocument, AgentJob, AskNotFound, Asks, TooManyAsks
from hospital.token_agent.gate import Doors
from kernel.clock import utc_now
from signing.api import DocumentState, TrustList, get_document, verify_pdf
from signing.cms import CmsTemplate
from signing.key_kinds import KeyKind
from signing.schemes import Scheme, holds
from tests.conftest import RealDatabase
from tests.signing.hospital import a_document
from tests.signing.remote.hospital import NUMBER, RemoteHospital, remote_hospital, remote_settings
from tests.signing.tokens import EC_ID, MODULE, RSA_ID, TOKEN_PIN, SoftHsm

pytestmark = pytest.mark.anyio
ORIGIN, PORT = "https://benhvien.example", 47_111
ADDRESS = f"http://127.0.0.1:{PORT}"
OWNER = Holder("token", "Nguyễn Thị Hương", f"CCCD:{NUMBER}", title="BS")


@pytest.fixture(scope="module")
def on_token(softhsm: SoftHsm, pki: DemoPki) -> x509.Certificate:
    token = softhsm.new_token("Token của Hương")
    return softhsm.certify(pki, OWNER, token, RSA_ID)[1]


@pytest.fixture(scope="module")
def curve_on_token(softhsm: SoftHsm, pki: DemoPki) -> x509.Certificate:
    token = softhsm.new_token("Token EC")
    return softhsm.certify(pki, OWNER, token, EC_ID, curve="secp256r1")[1]


@pytest.fixture
def asks() -> Asks:
    return Asks((MODULE,))


@pytest.fixture
async def agent(asks: Asks) -> AsyncIterator[httpx.AsyncClient]:
    app: Any = create_agent(asks, Doors(ORIGIN, PORT))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ADDRESS) as client:
        yield client


def a_job(certificate: x509.Certificate, scheme: Scheme = Scheme.RSA_PSS_SHA256) -> AgentJob:
    attributes = CmsTemplate(certificate, (), scheme).attributes(bytes(range(32)))
    document = AgentDocument(
        "1", "Phiếu khám <b>bệnh</b>", "NGUYỄN VĂN AN", 2, "ab" * 32, base64.b64encode(attributes).decode()
    )
    fingerprint = certificate.fingerprint(SHA256()).hex()
    return AgentJob("Nguyễn Thị Hương", scheme, fingerprint, [document])


def plain(job: AgentJob) -> dict[str, Any]:
    found: dict[str, Any] = to_builtins(job)
    return found


async def begin(agent: httpx.AsyncClient, job: AgentJob) -> tuple[str, str]:
    answer = await agent.post("/sittings", json=plain(job), headers={"origin": ORIGIN})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"], answer.json()["page"]


async def press(agent: httpx.AsyncClient, page: str, pin: str, act: str = "sign") -> httpx.Response:
    return await agent.post(page, data={"pin": pin, "act": act}, headers={"origin": ADDRESS})


@pytest.mark.parametrize("which", ["rsa", "ec"])
async def test_it_shows_signs_hands_over_once_and_forgets(
    agent: httpx.AsyncClient,
    asks: Asks,
    on_token: x509.Certificate,
    curve_on_token: x509.Certificate,
    which: str,
) -> None:
    certificate = on_token if which == "rsa" else curve_on_token
    job = a_job(certificate, Scheme.RSA_PSS_SHA256 if which == "rsa" else Scheme.ECDSA_SHA256)
    key, page = await begin(agent, job)
    shown = await agent.get(page)
    for text in ("Phiếu khám &lt;b&gt;bệnh&lt;/b&gt;", "NGUYỄN VĂN AN", "abababab", job.documents[0].mark):
        assert text in shown.text
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert shown.headers["x-frame-options"] == "DENY"
    asking = await agent.get(f"/sittings/{key}", headers={"origin": ORIGIN})
    assert asking.json() == {"state": "asking", "values": {}}
    done = await press(agent, page, TOKEN_PIN)
    assert (done.status_code, "Đã ký 1 văn bản" in done.text) == (200, True)
    answer = await agent.get(f"/sittings/{key}", headers={"origin": ORIGIN})
    value = base64.b64decode(answer.json()["values"]["1"])
    digest = hashlib.sha256(job.documents[0].signed).digest()
    assert holds(certificate.public_key(), job.scheme, value, digest)
    assert len(asks) == 0
    assert (await agent.get(f"/sittings/{key}", headers={"origin": ORIGIN})).status_code == 404
    assert (await agent.get(page)).status_code == 404


async def test_a_wrong_pin_signs_nothing_and_is_said(
    agent: httpx.AsyncClient, on_token: x509.Certificate
) -> None:
    key, page = await begin(agent, a_job(on_token))
    wrong = await press(agent, page, "000000")
    assert (wrong.status_code, "PIN" in wrong.text, "000000" in wrong.text) == (422, True, False)
    assert (await agent.get(f"/sittings/{key}", headers={"origin": ORIGIN})).json()["state"] == "asking"
    assert (await press(agent, page, TOKEN_PIN)).status_code == 200


async def test_declining_signs_nothing(agent: httpx.AsyncClient, on_token: x509.Certificate) -> None:
    key, page = await begin(agent, a_job(on_token))
    await press(agent, page, "", act="decline")
    answer = await agent.get(f"/sittings/{key}", headers={"origin": ORIGIN})
    assert answer.json() == {"state": "declined", "values": {}}


async def test_a_token_that_is_not_there_is_said(agent: httpx.AsyncClient, pki: DemoPki) -> None:
    absent, _ = pki.issue(OWNER, now=utc_now())
    _, page = await begin(agent, a_job(absent))
    answer = await press(agent, page, TOKEN_PIN)
    assert (answer.status_code, "Chưa thấy token" in answer.text) == (422, True)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": f"{ORIGIN}.evil.example"},
        {"origin": ORIGIN.replace("https", "http")},
        {"origin": ORIGIN, "host": f"evil.example:{PORT}"},
        {"origin": ORIGIN, "host": "127.0.0.1:1"},
    ],
)
async def test_strangers_and_rebound_names_hear_nothing(
    agent: httpx.AsyncClient, asks: Asks, on_token: x509.Certificate, headers: dict[str, str]
) -> None:
    answer = await agent.post("/sittings", json=plain(a_job(on_token)), headers=headers)
    assert (answer.status_code, answer.content) == (403, b"")
    assert "access-control-allow-origin" not in answer.headers
    asked = await agent.options(
        "/sittings", headers=headers | {"access-control-request-private-network": "true"}
    )
    assert asked.status_code == 403
    assert len(asks) == 0


async def test_only_its_own_window_may_press(agent: httpx.AsyncClient, on_token: x509.Certificate) -> None:
    _, page = await begin(agent, a_job(on_token))
    for origin in (ORIGIN, "null", "https://evil.example"):
        answer = await agent.post(page, data={"pin": TOKEN_PIN, "act": "sign"}, headers={"origin": origin})
        assert answer.status_code == 403
    rebound = await agent.get(page, headers={"host": "evil.example"})
    assert rebound.status_code == 403
    assert (await agent.get("/ask/guessed")).status_code == 404


async def test_the_preflight_lets_our_origin_in(agent: httpx.AsyncClient) -> None:
    headers = {"origin": ORIGIN, "access-control-request-private-network": "true"}
    answer = await agent.options("/sittings", headers=headers)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-private-network"] == "true"
    plain_one = await agent.options("/sittings", headers={"origin": ORIGIN})
    assert "access-control-allow-private-network" not in plain_one.headers


@pytest.mark.parametrize(
    "what", ["a text", "a digest", "another certificate", "no base64", "an extra attribute"]
)
async def test_nothing_but_a_document_signature_is_signed(
    agent: httpx.AsyncClient, on_token: x509.Certificate, curve_on_token: x509.Certificate, what: str
) -> None:
    job = a_job(on_token)
    template = CmsTemplate(on_token, (), Scheme.RSA_PSS_SHA256)
    made: dict[str, Callable[[], bytes]] = {
        "a text": lambda: b"Transfer all my money",
        "a digest": lambda: bytes(32),
        "another certificate": lambda: CmsTemplate(curve_on_token, (), Scheme.ECDSA_SHA256).attributes(
            bytes(32)
        ),
        "an extra attribute": lambda: template.attributes(bytes(32)) + b"\x30\x00",
    }
    text = "!!" if what == "no base64" else base64.b64encode(made[what]()).decode()
    job = with_changes(job, documents=[with_changes(job.documents[0], attributes=text)])
    answer = await agent.post("/sittings", json=plain(job), headers={"origin": ORIGIN})
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/not-a-signature"


def test_requests_are_few_and_die(asks: Asks, on_token: x509.Certificate) -> None:
    now, job = utc_now(), a_job(on_token)
    first = asks.begin(job, now)
    for _ in range(4):
        asks.begin(job, now)
    with pytest.raises(TooManyAsks):
        asks.begin(job, now)
    with pytest.raises(AskNotFound):
        asks.find(first.id, now + LIFE + timedelta(seconds=1))
    assert len(asks) == 0


def test_the_command_lists_and_refuses(on_token: x509.Certificate, tmp_path: Any) -> None:
    module = ["--module", str(MODULE)]
    listed = CliRunner().invoke(token_agent, [*module, "--list", "--export", str(tmp_path)])
    assert "Nguyễn Thị Hương" in listed.output
    kept = [x509.load_pem_x509_certificate(file.read_bytes()) for file in tmp_path.glob("*.pem")]
    assert on_token in kept
    for origin in ([], ["--origin", "benhvien.example"], ["--origin", "https://benhvien.example/x"]):
        assert CliRunner().invoke(token_agent, [*module, *origin]).exit_code == 1


@pytest.fixture
def settings(settings: Settings, pki: DemoPki) -> Settings:
    return remote_settings(settings, pki)


@pytest.fixture
async def house(
    real_db: RealDatabase, pki: DemoPki, on_token: x509.Certificate
) -> AsyncIterator[RemoteHospital]:
    async with remote_hospital(real_db, pki, way=KeyKind.TOKEN, certificate=on_token) as house:
        yield house


async def test_page_agent_and_token_sign_a_batch(
    house: RemoteHospital, agent: httpx.AsyncClient, trust: TrustList
) -> None:
    ids = [(await a_document(house.services, house.doctor, title=f"Phiếu {n}")).id for n in range(3)]
    client = house.db.client
    asked = await client.get("/sign/confirm")
    assert "USB token" in asked.text
    sent = await client.post("/sign", data={"document": [str(key) for key in ids]})
    place = sent.headers["location"]
    page = await client.get(place)
    assert f"connect-src 'self' http://127.0.0.1:{PORT};" in page.headers["content-security-policy"]
    job = (await client.get(f"{place}/job")).json()
    begun = {key: job[key] for key in ("signer", "scheme", "fingerprint", "documents")}
    answer = await agent.post("/sittings", json=begun, headers={"origin": ORIGIN})
    window = await agent.get(answer.json()["page"])
    marks = [line.partition("</code>")[0] for line in page.text.split("<td><code>")[1:]]
    assert len(marks) == 3
    assert all(mark in window.text for mark in marks), "both windows show the same marks"
    await press(agent, answer.json()["page"], TOKEN_PIN)
    signed = await agent.get(f"/sittings/{answer.json()['id']}", headers={"origin": ORIGIN})
    values = {"values": signed.json()["values"]}
    done = await client.post(f"{place}/values", json=values)
    assert done.json() == {"state": "SIGNED", "signed": 3}
    again = await client.post(f"{place}/values", json=values)
    assert again.status_code == 409
    for key in ids:
        async with house.services.sessions() as session:
            document = await get_document(session, key)
        assert document.state is DocumentState.ISSUED
        assert verify_pdf(await house.services.objects.get(document.head_sha256), trust, utc_now()).valid
    assert "Đã ký 3/3" in (await client.get(place)).text


@pytest.mark.parametrize("fault", ["garbage", "other bytes", "PIN beside them", "late"])
async def test_wrong_values_sign_nothing(house: RemoteHospital, fault: str) -> None:
    document = await a_document(house.services, house.doctor)
    client = house.db.client
    place = (await client.post("/sign", data={"document": str(document.id)})).headers["location"]
    body: dict[str, Any] = {"values": {str(document.id): base64.b64encode(bytes(256)).decode()}}
    if fault == "garbage":
        body["values"][str(document.id)] = "!!"
    if fault == "PIN beside them":
        body["pin"] = TOKEN_PIN
    if fault == "late":
        await client.post(f"{place}/cancellation")
    answer = await client.post(f"{place}/values", json=body)
    expected = {"garbage": 422, "other bytes": 200, "PIN beside them": 400, "late": 409}
    assert answer.status_code == expected[fault]
    async with house.services.sessions() as session:
        now = await get_document(session, document.id)
    assert (now.state, now.head_sha256) == (DocumentState.PENDING, document.head_sha256)
