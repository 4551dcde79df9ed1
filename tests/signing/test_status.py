"""OCSP, CRL and timestamps: asked over HTTP from the demo authority, in every mood."""

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from litestar import Litestar

from hospital.demo.outside.app import OutsideSettings
from hospital.demo.outside.pki import TimestampAuthority, routes
from hospital.demo.pki import DemoPki, Holder
from kernel.clock import utc_now
from signing.settings import SigningSettings
from signing.status import Standing, StatusClient
from signing.timestamps import TimestampClient
from signing.trust import TrustList
from tests.signing.acts import run, write_roots

pytestmark = pytest.mark.anyio

HOLDER = Holder("x", "Trần Văn Thử", "CCCD:001090000002")


def ocsp_request(certificate: x509.Certificate, issuer: x509.Certificate, nonce: bytes = b"") -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1())
    if nonce:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


@pytest.fixture
async def outside(pki: DemoPki) -> AsyncIterator[httpx.AsyncClient]:
    """The authority behind the address that the certificates name."""
    settings = OutsideSettings(pki.folder.parent, "http://test", "http://pki.test")
    app = Litestar(routes(settings), logging_config=None)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),  # type: ignore[arg-type]  # narrower scopes
        base_url="http://pki.test",
    ) as client:
        yield client
        await client.post("/outside/pki/mood", json={"mode": "ok"})


async def test_both_tiers_answer_and_answers_are_kept(pki: DemoPki, outside: httpx.AsyncClient) -> None:
    now = utc_now().replace(microsecond=0)
    certificate, _ = pki.issue(HOLDER, now=now)
    client = StatusClient(outside)
    answers = await client.ask_path((certificate, pki.issuing, pki.root), now=now)
    assert [answer.standing for answer in answers] == [Standing.GOOD, Standing.GOOD]
    assert all(answer.ocsp for answer in answers)
    await outside.post("/outside/pki/mood", json={"mode": "error"})
    assert (await client.ask(certificate, pki.issuing, now=now)).standing is Standing.GOOD
    later = now + timedelta(hours=2)
    assert (await client.ask(certificate, pki.issuing, now=later)).standing is Standing.UNREACHABLE


async def test_a_revoked_certificate_is_told(pki: DemoPki, outside: httpx.AsyncClient) -> None:
    now = utc_now().replace(microsecond=0)
    certificate, _ = pki.issue(HOLDER, now=now)
    pki.revoke(certificate, at=now - timedelta(days=1))
    answer = await StatusClient(outside).ask(certificate, pki.issuing, now=now)
    assert (answer.standing, answer.revoked_at) == (Standing.REVOKED, now - timedelta(days=1))


async def test_the_list_answers_when_the_responder_does_not(
    pki: DemoPki, outside: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = utc_now().replace(microsecond=0)
    certificate, _ = pki.issue(HOLDER, now=now)
    pki.revoke(certificate, at=now)
    monkeypatch.setattr("signing.status._ocsp_url", lambda _: "http://pki.test/outside/pki/nowhere")
    answer = await StatusClient(outside).ask(certificate, pki.issuing, now=now)
    assert (answer.standing, answer.ocsp) == (Standing.REVOKED, None)
    assert answer.crl


@pytest.mark.parametrize("mode", ["error", "garbage", "drop"])
async def test_a_bad_mood_is_unreachable_and_unstamped(
    pki: DemoPki, outside: httpx.AsyncClient, trust: TrustList, mode: str
) -> None:
    now = utc_now().replace(microsecond=0)
    certificate, _ = pki.issue(HOLDER, now=now)
    await outside.post("/outside/pki/mood", json={"mode": mode})
    assert (
        await StatusClient(outside).ask(certificate, pki.issuing, now=now)
    ).standing is Standing.UNREACHABLE
    stamps = TimestampClient(outside, ["http://pki.test/outside/pki/tsa"], trust)
    assert await stamps.stamp(b"value", now=now) is None


async def test_the_second_authority_stamps_when_the_first_fails(
    outside: httpx.AsyncClient, trust: TrustList
) -> None:
    now = utc_now().replace(microsecond=0)
    urls = ["http://pki.test/outside/pki/nowhere", "http://pki.test/outside/pki/tsa"]
    stamp = await TimestampClient(outside, urls, trust).stamp(b"value", now=now)
    assert stamp is not None
    assert "TSA" in stamp.authority


async def test_a_token_of_an_unknown_authority_is_not_taken(outside: httpx.AsyncClient) -> None:
    now = utc_now().replace(microsecond=0)
    client = TimestampClient(outside, ["http://pki.test/outside/pki/tsa"], TrustList([]))
    assert await client.stamp(b"value", now=now) is None


async def test_get_and_post_give_the_same_answer(pki: DemoPki, outside: httpx.AsyncClient) -> None:
    now = utc_now().replace(microsecond=0)
    certificate, _ = pki.issue(HOLDER, now=now)
    request = ocsp_request(certificate, pki.issuing, nonce=b"\xff" * 16)
    encoded = base64.b64encode(request).decode()
    assert "//" in encoded  # A router that tidies paths would break it.
    path = quote(encoded, safe="")
    got = await outside.get(f"/outside/pki/ocsp/issuing/{path}")
    answer = ocsp.load_der_ocsp_response(got.content)
    assert answer.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert (await outside.post("/outside/pki/ocsp/issuing", content=b"junk")).content


async def test_openssl_reads_the_list_and_the_token(
    pki: DemoPki, outside: httpx.AsyncClient, tmp_path: Path, trust: TrustList
) -> None:
    now = utc_now().replace(microsecond=0)
    root, issuing = write_roots(pki, tmp_path)
    crl = tmp_path / "a.crl"
    crl.write_bytes((await outside.get("/outside/pki/issuing.crl")).content)
    assert "verify OK" in await asyncio.to_thread(
        run, "openssl", "crl", "-inform", "DER", "-in", crl, "-CAfile", issuing, "-noout"
    )
    stamp = await TimestampClient(outside, ["http://pki.test/outside/pki/tsa"], trust).stamp(b"v", now=now)
    assert stamp is not None
    token = tmp_path / "t.tst"
    token.write_bytes(stamp.token)
    said = await asyncio.to_thread(
        run,
        *("openssl", "ts", "-verify", "-token_in", "-in", token, "-digest", hashlib.sha256(b"v").hexdigest()),
        *("-CAfile", root, "-untrusted", issuing),
    )
    assert "Verification: OK" in said


async def test_an_authority_that_hangs_is_left_after_its_own_limit(
    pki: DemoPki, outside: httpx.AsyncClient, trust: TrustList
) -> None:
    """Each authority of the list has its limit, three seconds unless set; the next one stamps."""
    now = utc_now().replace(microsecond=0)
    assert SigningSettings().tsa_timeout_seconds == 3.0
    authority = TimestampAuthority(pki)
    asked: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        if request.url.host != "third":
            await asyncio.Event().wait()  # For ever: neither refused nor answered.
        return httpx.Response(200, content=authority.answer(request.content, now=now))

    urls = ["http://first", "http://second", "http://third"]
    start = time.perf_counter()
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        stamp = await TimestampClient(http, urls, trust, timeout_seconds=0.2).stamp(b"v", now=now)
    assert stamp is not None
    assert asked == ["first", "second", "third"]
    assert 0.4 <= time.perf_counter() - start < 3
