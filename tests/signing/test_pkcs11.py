"""Keys on a real SoftHSM2: RSA-PSS and P-256, a PIN at each signature, pulled tokens, everything that may be wrong."""

import hashlib
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from cryptography import x509
from pkcs11 import Mechanism

from hospital.demo.outside.pki import TimestampAuthority
from hospital.demo.pki import DemoPki
from signing import pkcs11 as devices
from signing.keys import Signer, SoftwareSigner, WrongPin
from signing.pkcs11 import Pkcs11Signer, TokenMismatch, list_tokens, open_token
from signing.pkcs11_module import (
    KeyMissing,
    Login,
    TokenAbsent,
    TokenBusy,
    TokenPinLocked,
    TokenUnfit,
    module_at,
)
from signing.pkcs11_uri import BadTokenUri, TokenUri, read_token_uri
from signing.schemes import Scheme, holds
from signing.trust import TrustList
from signing.verification.pdf import verify_pdf
from signing.verification.xml import verify_xml
from signing.xml import ClaimProfile, sign_xml_claim, sign_xml_enveloped, sign_xml_invoice
from tests.signing.acts import NOW, cut, openssl_says, run, sign_async, write_roots
from tests.signing.files import a_file
from tests.signing.holders import DOCTOR
from tests.signing.tokens import ASKING_ID, BARE_ID, EC_ID, MODULE, RSA_ID, TOKEN_PIN, SoftHsm

pytestmark = pytest.mark.anyio
Placed = tuple[TokenUri, x509.Certificate]


@pytest.fixture(scope="module")
def token(softhsm: SoftHsm) -> TokenUri:
    return softhsm.new_token("Bác sĩ Hương")


@pytest.fixture(scope="module")
def rsa_key(softhsm: SoftHsm, pki: DemoPki, token: TokenUri) -> Placed:
    return softhsm.certify(pki, DOCTOR, token, RSA_ID)


@pytest.fixture(scope="module")
def ec_key(softhsm: SoftHsm, pki: DemoPki, token: TokenUri) -> Placed:
    return softhsm.certify(pki, DOCTOR, token, EC_ID, curve="secp256r1")


@pytest.fixture(scope="module")
def asking_key(softhsm: SoftHsm, pki: DemoPki, token: TokenUri) -> Placed:
    return softhsm.certify(pki, DOCTOR, token, ASKING_ID, always_authenticate=True)


async def opened(
    pki: DemoPki, placed: Placed, pin: str = TOKEN_PIN, *, allow_pkcs1: bool = False
) -> Pkcs11Signer:
    uri, certificate = placed
    chain = (pki.issuing,)
    return await open_token(
        (MODULE,), uri, pin, certificate, chain, allow_pkcs1=allow_pkcs1, wait_seconds=5.0
    )


@pytest.mark.parametrize(
    ("key", "scheme"),
    [
        ("rsa_key", Scheme.RSA_PSS_SHA256),
        ("ec_key", Scheme.ECDSA_SHA256),
        ("asking_key", Scheme.RSA_PSS_SHA256),
    ],
)
async def test_a_file_signed_on_the_token_holds_for_us_and_for_openssl(
    key: str,
    scheme: Scheme,
    request: pytest.FixtureRequest,
    pki: DemoPki,
    trust: TrustList,
    authority: TimestampAuthority,
    tmp_path: Path,
) -> None:
    signer = await opened(pki, request.getfixturevalue(key))
    assert (signer.scheme, signer.method) == (scheme, "PKI_TOKEN_HSM")
    signed, _ = await sign_async(a_file(["bac_si", "truong_khoa"]), signer, ["bac_si", "truong_khoa"])
    await signer.close()
    report = verify_pdf(signed, trust, NOW)
    assert report.valid, report.summary
    assert [signature.scheme for signature in report.signatures] == [scheme, scheme]
    root, issuing = write_roots(pki, tmp_path)
    for cms, covered in cut(signed):
        said = openssl_says(cms, covered, tmp_path, root=root, issuing=issuing)
        assert "Verification successful" in said, said


async def test_a_token_that_wants_the_pin_each_time_gets_it_each_time(
    pki: DemoPki, asking_key: Placed
) -> None:
    signer = await opened(pki, asking_key)
    values = [await signer.sign(b"a"), await signer.sign(b"b"), await signer.sign(b"c")]
    for data, value in zip((b"a", b"b", b"c"), values, strict=True):
        digest = hashlib.sha256(data).digest()
        assert holds(signer.certificate.public_key(), signer.scheme, value, digest)


async def test_without_the_pin_such_a_token_refuses_on_its_own(
    pki: DemoPki, asking_key: Placed, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = await opened(pki, asking_key)
    monkeypatch.setattr(Login, "asks_each_time", lambda *_: False)
    with pytest.raises(TokenAbsent):  # CKR_USER_NOT_LOGGED_IN, after one new sign-in.
        await signer.sign(b"data")


async def test_a_wrong_pin_is_told_and_a_right_one_still_opens(pki: DemoPki, rsa_key: Placed) -> None:
    with pytest.raises(WrongPin, match="Mã PIN của token không đúng"):
        await opened(pki, rsa_key, "sai-ma-pin")
    signer = await opened(pki, rsa_key)
    assert len(await signer.sign(b"data")) == 256


async def test_somebody_elses_wrong_pin_is_refused_while_the_token_is_open(
    pki: DemoPki, rsa_key: Placed
) -> None:
    first = await opened(pki, rsa_key)
    await first.sign(b"data")
    with pytest.raises(WrongPin):
        await opened(pki, rsa_key, "sai-ma-pin")
    assert len(await first.sign(b"data")) == 256


async def test_after_closing_the_pin_is_forgotten(pki: DemoPki, rsa_key: Placed) -> None:
    signer = await opened(pki, rsa_key)
    await signer.close()
    assert TOKEN_PIN not in repr(vars(signer))
    with pytest.raises(WrongPin, match="đã đóng"):
        await signer.sign(b"data")


async def test_a_pin_that_changed_in_the_middle_is_tried_once(
    pki: DemoPki, rsa_key: Placed, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = await opened(pki, rsa_key)
    tries = []

    def refuse(*args: Any, **more: Any) -> None:
        tries.append(1)
        raise WrongPin("Mã PIN của token không đúng.")

    monkeypatch.setattr(module_at(MODULE), "use", refuse)
    for _ in range(3):
        with pytest.raises(WrongPin):
            await signer.sign(b"data")
    assert len(tries) == 1


async def test_a_token_that_locked_its_pin_says_so(
    pki: DemoPki, rsa_key: Placed, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Locked:
        serial, label, flags = b"1", "x", pkcs11.TokenFlag.USER_PIN_LOCKED

    monkeypatch.setattr(module_at(MODULE), "_find", lambda uri: Locked())
    module_at(MODULE)._begin_anew()
    with pytest.raises(TokenPinLocked, match="mở bằng mã SO"):
        await opened(pki, rsa_key)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (pkcs11.TokenFlag.PROTECTED_AUTHENTICATION_PATH, "bàn phím riêng"),
        (pkcs11.TokenFlag(0), "chưa đặt mã PIN"),
    ],
)
async def test_a_token_whose_pin_cannot_be_typed_here_is_refused(
    pki: DemoPki, rsa_key: Placed, monkeypatch: pytest.MonkeyPatch, flags: pkcs11.TokenFlag, words: str
) -> None:
    class Pad:
        serial, label = b"1", "x"

    Pad.flags = flags  # type: ignore[attr-defined]  # the case's
    monkeypatch.setattr(module_at(MODULE), "_find", lambda uri: Pad())
    module_at(MODULE)._begin_anew()
    with pytest.raises(TokenUnfit, match=words):
        await opened(pki, rsa_key)


async def test_the_last_try_before_the_token_locks_is_announced(
    pki: DemoPki, rsa_key: Placed, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Last:
        serial, label = b"1", "x"
        flags = pkcs11.TokenFlag.USER_PIN_FINAL_TRY | pkcs11.TokenFlag.USER_PIN_INITIALIZED

        def open(self, **_: Any) -> None:
            raise pkcs11.PinIncorrect

    monkeypatch.setattr(module_at(MODULE), "_find", lambda uri: Last())
    module_at(MODULE)._begin_anew()
    with pytest.raises(WrongPin, match="một lần nữa rồi tự khóa"):
        await opened(pki, rsa_key)


async def test_a_pulled_token_is_told_and_opens_again_when_it_is_back(
    pki: DemoPki, rsa_key: Placed, softhsm: SoftHsm
) -> None:
    signer = await opened(pki, rsa_key)
    await signer.sign(b"before")
    softhsm.pull()
    try:
        with pytest.raises(TokenAbsent, match="cắm lại token"):
            await signer.sign(b"away")
    finally:
        softhsm.put_back()
    assert len(await signer.sign(b"after")) == 256


async def test_an_unknown_token_and_a_missing_key_are_told_apart(pki: DemoPki, rsa_key: Placed) -> None:
    uri, certificate = rsa_key
    nowhere = TokenUri(token="Không có", id=b"\x01", module=str(MODULE))
    with pytest.raises(TokenAbsent):
        await opened(pki, (nowhere, certificate))
    gone = TokenUri(token=uri.token, id=b"\x77", module=str(MODULE))
    with pytest.raises(KeyMissing, match="không có khóa này"):
        await opened(pki, (gone, certificate))


async def test_a_key_that_may_not_sign_is_refused(pki: DemoPki, softhsm: SoftHsm, token: TokenUri) -> None:
    placed = softhsm.certify(pki, DOCTOR, token, b"\x09", sign=False, store=False)
    with pytest.raises(KeyMissing, match="không được phép ký"):
        await opened(pki, placed)


async def test_another_certificate_on_the_token_is_refused_before_signing(
    pki: DemoPki, rsa_key: Placed, ec_key: Placed
) -> None:
    with pytest.raises(TokenMismatch, match="khác chứng thư đã đăng ký"):
        await opened(pki, (rsa_key[0], ec_key[1]))


async def test_another_key_than_the_certificates_never_gives_a_signature(
    pki: DemoPki, softhsm: SoftHsm, token: TokenUri, rsa_key: Placed
) -> None:
    bare, _ = softhsm.certify(pki, DOCTOR, token, BARE_ID, store=False)
    signer = await opened(pki, (bare, rsa_key[1]))
    with pytest.raises(TokenMismatch, match="không phải khóa của chứng thư"):
        await signer.sign(b"data")


@pytest.mark.parametrize(
    "known", [{Mechanism.SHA256_RSA_PKCS_PSS}, {Mechanism.RSA_PKCS_PSS, Mechanism.SHA256_RSA_PKCS_PSS}]
)
async def test_either_way_of_pss_will_do(
    pki: DemoPki, rsa_key: Placed, monkeypatch: pytest.MonkeyPatch, known: set[Mechanism]
) -> None:
    monkeypatch.setattr(devices, "mechanisms_of", lambda _: frozenset(known))
    signer = await opened(pki, rsa_key)
    value = await signer.sign(b"data")
    digest = hashlib.sha256(b"data").digest()
    assert holds(signer.certificate.public_key(), Scheme.RSA_PSS_SHA256, value, digest)


async def test_a_token_with_pkcs1_only_is_refused_unless_the_house_allows_it(
    pki: DemoPki, rsa_key: Placed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "mechanisms_of", lambda _: frozenset({Mechanism.RSA_PKCS}))
    with pytest.raises(TokenUnfit, match="chỉ có PKCS#1"):
        await opened(pki, rsa_key)
    signer = await opened(pki, rsa_key, allow_pkcs1=True)
    assert signer.scheme is Scheme.RSA_PKCS1_SHA256
    value = await signer.sign(b"data")
    digest = hashlib.sha256(b"data").digest()
    assert holds(signer.certificate.public_key(), Scheme.RSA_PKCS1_SHA256, value, digest)


async def test_a_token_that_cannot_do_ecdsa_is_refused(
    pki: DemoPki, ec_key: Placed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "mechanisms_of", lambda _: frozenset({Mechanism.RSA_PKCS}))
    with pytest.raises(TokenUnfit, match="ECDSA"):
        await opened(pki, ec_key, allow_pkcs1=True)


@pytest.mark.parametrize("key", ["rsa_key", "ec_key", "asking_key"])
async def test_xml_is_signed_on_the_token_too(
    key: str, request: pytest.FixtureRequest, pki: DemoPki, trust: TrustList, tmp_path: Path
) -> None:
    signer = await opened(pki, request.getfixturevalue(key))
    signed = sign_xml_enveloped(b"<Benh><Ten>An</Ten></Benh>", signer)
    file, (root, issuing) = tmp_path / "signed.xml", write_roots(pki, tmp_path)
    file.write_bytes(signed)
    said = run("xmlsec1", "--verify", "--trusted-pem", root, "--untrusted-pem", issuing, file)
    assert "exit 0" in said, said


async def test_a_device_that_hangs_does_not_hang_us(pki: DemoPki, rsa_key: Placed) -> None:
    module = module_at(MODULE)
    with module._held(1.0):
        uri, certificate = rsa_key
        with pytest.raises(TokenBusy):
            await open_token((MODULE,), uri, TOKEN_PIN, certificate, (), allow_pkcs1=False, wait_seconds=0.05)


async def test_a_library_that_nobody_configured_is_never_loaded(pki: DemoPki, rsa_key: Placed) -> None:
    _, certificate = rsa_key
    other = TokenUri(token="x", id=b"\x01", module="/tmp/evil.so")
    with pytest.raises(TokenAbsent, match="không nằm trong danh sách"):
        await opened(pki, (other, certificate))
    with pytest.raises(TokenUnfit, match="Không mở được thư viện"):
        await list_tokens((Path("/nonexistent.so"),), wait_seconds=1.0)


async def test_tokens_and_their_certificates_are_listed_without_a_pin(
    rsa_key: Placed, ec_key: Placed
) -> None:
    found = [view for view in await list_tokens((MODULE,), wait_seconds=5.0) if view.label == "Bác sĩ Hương"]
    assert len(found) == 1
    ids = {item.uri.id for item in found[0].certificates}
    assert {RSA_ID, EC_ID} <= ids
    assert all(str(item.uri).startswith("pkcs11:token=") for item in found[0].certificates)


def test_a_signer_on_a_token_and_one_in_memory_have_one_face() -> None:
    names = [name for name in dir(Signer) if not name.startswith("_")]
    for kind in (SoftwareSigner, Pkcs11Signer):
        assert all(hasattr(kind, name) for name in names if name not in Signer.__annotations__)


@pytest.mark.parametrize(
    "text",
    [
        "pkcs11:token=HSM;id=%01?module-path=/usr/lib/x.so",
        "pkcs11:token=B%C3%A1c%20s%C4%A9;object=khoa",
        "pkcs11:serial=0a1b;id=%01%FF",
    ],
)
def test_addresses_come_back_as_they_were(text: str) -> None:
    assert str(read_token_uri(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "/usr/lib/x.so",
        "pkcs11:token=HSM",
        "pkcs11:id=%01",
        "pkcs11:token=HSM;id=%01;pin-value=1234",
        "pkcs11:token=HSM;id=%01?pin-source=/etc/pin",
        "pkcs11:token=HSM;token=HSM;id=%01",
        "pkcs11:token=%FF;id=%01",
        "pkcs11:token;id=%01",
    ],
)
def test_addresses_with_a_pin_or_without_a_key_are_refused(text: str) -> None:
    with pytest.raises(BadTokenUri):
        read_token_uri(text)


@pytest.mark.parametrize("kind", ["rsa_key", "ec_key"])
async def test_claims_and_invoices_are_signed_on_the_token(
    kind: str, request: pytest.FixtureRequest, pki: DemoPki, trust: TrustList
) -> None:
    signer = await opened(pki, request.getfixturevalue(kind))
    claim = b"<GIAMDINHHS><THONGTINHOSO Id='HS'>1</THONGTINHOSO><CHUKYDONVI/></GIAMDINHHS>"
    invoice = b'<HDon><DLHDon Id="_HD1"><So>1</So></DLHDon><DSCKS><NBan/></DSCKS></HDon>'
    signed = [sign_xml_claim(claim, signer, profile=profile) for profile in ClaimProfile]
    signed.append(sign_xml_invoice(invoice, signer, data_id="_HD1", signature_id="NBan-1", at=NOW))
    await signer.close()
    for xml in signed:
        report = verify_xml(xml, trust, NOW)
        assert report.valid, report.signatures[0].reasons
        assert not verify_xml(xml.replace(b">1<", b">2<"), trust, NOW).valid
