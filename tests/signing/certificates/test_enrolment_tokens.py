"""Enrolment with a key made inside a token: SoftHSM2 signs the request, the key never leaves, refusals leave no key."""

import subprocess
from pathlib import Path

import pkcs11
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace
from pkcs11 import Attribute, ObjectClass

from hospital.demo.pki import DemoPki
from kernel.clock import utc_now
from kernel.services import Services
from kernel.staff.api import Actor, Role
from signing.api import SignState, sign_documents
from signing.certificates.enrolment import EnrolmentNotFound, EnrolmentOpen, cancel_enrolment, take_issued
from signing.certificates.registry import TokenShared
from signing.key_kinds import KeyKind
from signing.keys import WrongPin
from signing.pkcs11_module import TokenAbsent
from signing.pkcs11_uri import BadTokenUri, TokenUri, read_token_uri
from signing.requests import Algorithm, assembled, request_info, request_scheme
from tests.conftest import SignedIn
from tests.signing.certificates.asking import ask, issue, request_of
from tests.signing.certificates.sending import numbered, pem
from tests.signing.holders import NAME, holder
from tests.signing.hospital import a_document
from tests.signing.tokens import MODULE, TOKEN_PIN, SoftHsm

pytestmark = pytest.mark.anyio


@pytest.fixture
def token(softhsm: SoftHsm, request: pytest.FixtureRequest) -> TokenUri:
    return softhsm.new_token(f"xin-{abs(hash(request.node.name)) % 10**8}")


@pytest.fixture
async def admin(person: Actor, signed_in: SignedIn) -> Actor:
    return await signed_in(Role.ADMIN)


def keys_on(softhsm: SoftHsm, token: TokenUri) -> list[dict[str, object]]:
    """What lies on a token, as its owner sees it."""
    softhsm._refresh()
    with pkcs11.lib(str(MODULE)).get_token(token_label=token.token).open(user_pin=TOKEN_PIN) as session:
        return [
            {"out": key[Attribute.EXTRACTABLE], "hidden": key[Attribute.SENSITIVE]}
            for key in session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY})
        ]


def in_token(token: TokenUri, **more: object) -> dict[str, object]:
    return {"key_kind": KeyKind.PKCS11, "token": str(token), "pin": TOKEN_PIN} | more


@pytest.mark.parametrize("algorithm", [Algorithm.RSA_2048, Algorithm.EC_P256])
async def test_a_key_made_inside_signs_its_request_and_then_documents(
    services: Services,
    softhsm: SoftHsm,
    token: TokenUri,
    person: Actor,
    admin: Actor,
    pki: DemoPki,
    algorithm: Algorithm,
    tmp_path: Path,
) -> None:
    view = await ask(services, admin, staff_id=person.id, **in_token(token, algorithm=algorithm))
    assert read_token_uri(view.key_name).serial == token.serial
    request = await request_of(services, view, admin)
    file = tmp_path / "request.pem"
    file.write_bytes(request.public_bytes(Encoding.PEM))
    told = subprocess.run(
        ["openssl", "req", "-in", str(file), "-verify", "-noout"], capture_output=True, text=True, check=True
    )
    assert "verify OK" in told.stderr + told.stdout
    assert keys_on(softhsm, token) == [{"out": False, "hidden": True}]
    data = pem(issue(pki, request))
    taken = await take_issued(services, view.id, data, "", actor=person, now=utc_now())
    assert (taken.key_kind, taken.state) == (KeyKind.PKCS11, "ACTIVE")
    document = await a_document(services, person)
    (result,) = await sign_documents(services, person, [document.id], TOKEN_PIN, utc_now())
    assert result.state is SignState.SIGNED


async def test_a_wrong_pin_makes_no_key_and_counts(
    services: Services, softhsm: SoftHsm, token: TokenUri, person: Actor, admin: Actor
) -> None:
    with pytest.raises(WrongPin, match=r"chưa tạo khóa\. Còn 4 lần"):
        await ask(services, admin, staff_id=person.id, **in_token(token, pin="000000"))
    assert keys_on(softhsm, token) == []


async def test_a_second_request_leaves_no_second_key(
    services: Services,
    softhsm: SoftHsm,
    token: TokenUri,
    person: Actor,
    admin: Actor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def nothing_before(*_: object) -> None:
        return None

    await ask(services, admin, staff_id=person.id, **in_token(token))
    with pytest.raises(EnrolmentOpen):
        await ask(services, admin, staff_id=person.id, **in_token(token))
    monkeypatch.setattr("signing.certificates.enrolment._before", nothing_before)
    with pytest.raises(EnrolmentOpen):
        await ask(services, admin, staff_id=person.id, **in_token(token))
    assert len(keys_on(softhsm, token)) == 1


async def test_giving_up_destroys_the_key_when_the_pin_is_given(
    services: Services, softhsm: SoftHsm, token: TokenUri, person: Actor, admin: Actor
) -> None:
    view = await ask(services, admin, staff_id=person.id, **in_token(token))
    with pytest.raises(WrongPin, match="chưa huỷ yêu cầu"):
        await cancel_enrolment(services, view.id, "Thôi", pin="000000", actor=admin, now=utc_now())
    await cancel_enrolment(services, view.id, "Thôi", pin=TOKEN_PIN, actor=admin, now=utc_now())
    assert keys_on(softhsm, token) == []
    again = await ask(services, admin, staff_id=person.id, **in_token(token))
    await cancel_enrolment(services, again.id, "Thôi", actor=admin, now=utc_now())
    assert len(keys_on(softhsm, token)) == 1


async def test_a_token_of_somebody_else_is_not_shared(
    services: Services, token: TokenUri, person: Actor, admin: Actor, pki: DemoPki, signed_in: SignedIn
) -> None:
    view = await ask(services, admin, staff_id=person.id, **in_token(token))
    data = pem(issue(pki, await request_of(services, view, admin)))
    await take_issued(services, view.id, data, "", actor=admin, now=utc_now())
    other = await numbered(services, await signed_in(Role.DOCTOR, name="Trần Văn Bình"), "001180000009")
    with pytest.raises(TokenShared, match=NAME):
        await ask(services, admin, staff_id=other.id, **in_token(token))


async def test_two_who_asked_on_one_token_do_not_share_it_either(
    services: Services, token: TokenUri, person: Actor, admin: Actor, pki: DemoPki, signed_in: SignedIn
) -> None:
    number = "001180000009"
    other = await numbered(services, await signed_in(Role.DOCTOR, name="Trần Văn Bình"), number)
    views = [await ask(services, admin, staff_id=who.id, **in_token(token)) for who in (person, other)]
    first, second = [await request_of(services, view, admin) for view in views]
    await take_issued(services, views[0].id, pem(issue(pki, first)), "", actor=admin, now=utc_now())
    late = issue(pki, second, holder("Trần Văn Bình", f"CCCD:{number}"))
    with pytest.raises(TokenShared):
        await take_issued(services, views[1].id, pem(late), "", actor=admin, now=utc_now())


async def test_places_that_are_none_are_refused(
    services: Services, token: TokenUri, person: Actor, admin: Actor
) -> None:
    with pytest.raises(BadTokenUri):
        await ask(services, admin, staff_id=person.id, **(in_token(token) | {"token": "pkcs11:"}))
    gone = replace(token, token="khong-co", serial="")
    with pytest.raises(TokenAbsent):
        await ask(services, admin, staff_id=person.id, **in_token(gone))
    with pytest.raises(TokenAbsent, match="không nằm trong danh sách"):
        await ask(services, admin, staff_id=person.id, **in_token(replace(token, module="/tmp/x.so")))
    with pytest.raises(EnrolmentNotFound):
        await ask(services, person, **in_token(token))


def test_a_request_of_a_token_is_plain_pkcs10(pki: DemoPki) -> None:
    """The frame that is written by hand reads back with another library, subject and all."""
    key = ec.generate_private_key(ec.SECP256R1())
    info = request_info(key.public_key(), pki.issuing.subject)
    value = key.sign(info, ec.ECDSA(hashes.SHA256()))
    request = x509.load_der_x509_csr(assembled(info, request_scheme(key.public_key()), value))
    assert request.is_signature_valid
    assert request.subject == pki.issuing.subject
    forged = x509.load_der_x509_csr(assembled(info, request_scheme(key.public_key()), value[:-1] + b"\0"))
    assert not forged.is_signature_valid
