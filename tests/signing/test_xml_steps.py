"""XML signed by keys that are elsewhere: at a remote service over its API, on a token through the program at the PC."""

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import to_builtins
from msgspec.structs import replace

from hospital.demo.outside import csc
from hospital.demo.pki import DemoPki, Holder
from hospital.token_agent.app import create_agent
from hospital.token_agent.asks import AgentDocument, AgentJob, Asks, NotASignature
from hospital.token_agent.gate import Doors
from kernel.clock import utc_now
from kernel.ids import new_id
from signing.api import ClaimProfile, SoftwareSigner, TrustList, verify_xml
from signing.remote.csc import CscClient, Sad
from signing.schemes import Scheme, scheme_for, side_by_side
from signing.xml import XmlSigner, sign_xml_claim, sign_xml_enveloped, sign_xml_invoice
from signing.xml_steps import XmlValueRefused, XmlWay, is_signed_info, xml_to_sign, xml_with_value
from tests.conftest import RealDatabase
from tests.signing.acts import NOW
from tests.signing.remote.hospital import NUMBER, remote_hospital, remote_settings
from tests.signing.test_xml_signatures import CLAIM, INVOICE, xmlsec1
from tests.signing.tokens import EC_ID, MODULE, RSA_ID, TOKEN_PIN, SoftHsm

ORIGIN, ADDRESS = "https://benhvien.example", "http://127.0.0.1:47111"
OWNER = Holder("token", "Nguyễn Thị Hương", f"CCCD:{NUMBER}", title="BS")
IDS = ("DLHDon", "http://www.w3.org/2000/09/xmldsig#:Object", "THONGTINDONVI", "THONGTINHOSO")


def invoice(signer: XmlSigner) -> bytes:
    return sign_xml_invoice(INVOICE, signer, data_id="_HD1", signature_id="NBan-1", at=NOW)


def claim(signer: XmlSigner) -> bytes:
    return sign_xml_claim(CLAIM, signer, profile=ClaimProfile.SCOPED_IDS)


def plain(signer: XmlSigner) -> bytes:
    return sign_xml_enveloped("<a xmlns:b='urn:b'><b:c>Bệnh án</b:c></a>".encode(), signer)


WAYS: list[XmlWay] = [invoice, claim, plain]


def accepted(signed: bytes, pki: DemoPki, trust: TrustList, folder: Path) -> None:
    assert xmlsec1(signed, pki, folder, *IDS).endswith("exit 0")
    assert verify_xml(signed, trust, utc_now()).valid


@pytest.mark.parametrize("way", WAYS)
def test_two_steps_write_what_one_step_writes(seal: SoftwareSigner, way: XmlWay) -> None:
    data = xml_to_sign(way, seal.certificate, seal.xml_scheme)
    assert is_signed_info(data)
    assert xml_with_value(way, seal.certificate, seal.xml_scheme, seal.sign_xml(data)) == way(seal)


def test_a_value_of_another_document_is_refused(seal: SoftwareSigner, elliptic: SoftwareSigner) -> None:
    value = seal.sign_xml(xml_to_sign(claim, seal.certificate, seal.xml_scheme))
    with pytest.raises(XmlValueRefused):
        xml_with_value(plain, seal.certificate, seal.xml_scheme, value)
    with pytest.raises(XmlValueRefused):
        xml_with_value(claim, elliptic.certificate, elliptic.xml_scheme, value)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("curve", [False, True], ids=["rsa", "p256"])
async def test_a_remote_service_signs_xml(
    real_db: RealDatabase, pki: DemoPki, trust: TrustList, tmp_path: Path, way: XmlWay, curve: bool
) -> None:
    async with remote_hospital(real_db, pki, explicit=True, curve=curve) as house:
        client = CscClient(house.services.http, remote_settings(real_db.settings, pki).signing)
        credential = await client.credential("KEY-1")
        certificate = x509.load_der_x509_certificate(credential.certificate)
        scheme = scheme_for(certificate.public_key()).for_xml
        digest = hashlib.sha256(xml_to_sign(way, certificate, scheme)).digest()
        house.provider.codes["KEY-1"] = "123456"
        sad = await client.authorize("KEY-1", [digest], pin=csc.PIN, otp="123456", description="Hồ sơ XML")
        assert isinstance(sad, Sad)
        (value,) = await client.sign("KEY-1", sad, [digest], scheme)
        signed = xml_with_value(way, certificate, scheme, side_by_side(value, certificate.public_key()))
    accepted(signed, pki, trust, tmp_path)


@pytest.fixture
async def agent() -> AsyncIterator[httpx.AsyncClient]:
    app: Any = create_agent(Asks((MODULE,)), Doors(ORIGIN, 47_111))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ADDRESS) as client:
        yield client


def a_job(certificate: x509.Certificate, scheme: Scheme, data: bytes) -> AgentJob:
    document = AgentDocument("1", "Hồ sơ XML", "", 0, "ab" * 32, base64.b64encode(data).decode())
    return AgentJob("Nguyễn Thị Hương", scheme, certificate.fingerprint(SHA256()).hex(), [document])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("key_id", "key"), [(RSA_ID, {}), (EC_ID, {"curve": "secp256r1"})], ids=["rsa", "p256"]
)
async def test_a_token_at_the_pc_signs_xml(
    agent: httpx.AsyncClient,
    softhsm: SoftHsm,
    pki: DemoPki,
    trust: TrustList,
    tmp_path: Path,
    way: XmlWay,
    key_id: bytes,
    key: dict[str, Any],
) -> None:
    token = softhsm.new_token(new_id().hex[-12:])
    certificate = softhsm.certify(pki, OWNER, token, key_id, **key)[1]
    scheme = scheme_for(certificate.public_key()).for_xml
    job = a_job(certificate, scheme, xml_to_sign(way, certificate, scheme))
    begun = (await agent.post("/sittings", json=to_builtins(job), headers={"origin": ORIGIN})).json()
    shown = await agent.get(begun["page"])
    assert job.documents[0].mark in shown.text
    await agent.post(begun["page"], data={"pin": TOKEN_PIN, "act": "sign"}, headers={"origin": ADDRESS})
    answer = (await agent.get(f"/sittings/{begun['id']}", headers={"origin": ORIGIN})).json()
    value = base64.b64decode(answer["values"]["1"])
    accepted(xml_with_value(way, certificate, scheme, value), pki, trust, tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"</SignedInfo>", b"</SignedInfo><Gia>1</Gia>"),
        (b"<Reference ", b"<Object>Chuy\xe1\xbb\x83n ti\xe1\xbb\x81n</Object><Reference "),
        (b"xmlenc#sha256", b"xmldsig#sha1"),
        (b"</SignedInfo>", b"\xff"),
    ],
    ids=["more after it", "words inside", "sha1", "no text"],
)
async def test_the_token_signs_no_other_xml(seal: SoftwareSigner, old: bytes, new: bytes) -> None:
    data = xml_to_sign(claim, seal.certificate, seal.xml_scheme)
    changed = data.replace(old, new, 1)
    assert changed != data
    job = a_job(seal.certificate, seal.xml_scheme, data)
    assert Asks(()).begin(job, NOW).job is job
    for bytes_to_sign in (changed, b"<SignedInfo>"):
        text = base64.b64encode(bytes_to_sign).decode()
        bad = replace(job, documents=[replace(job.documents[0], attributes=text)])
        with pytest.raises(NotASignature):
            Asks(()).begin(bad, NOW)
