"""The registry: whose certificate, how strong, from where; when it ends, and that a revocation is seen."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
)
from msgspec.structs import replace
from sqlalchemy import select

from hospital.demo.pki import DemoPki, ensure_pki
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import Actor, Role
from signing.api import KeyKind, SignState, sign_documents
from signing.certificates.models import Certificate
from signing.certificates.registry import (
    BadCertificateFile,
    CertificateNotActive,
    CertificateNotFound,
    TokenShared,
    Whose,
    pick_token_object,
    retire_certificate,
    upload_certificate,
    upload_key_file,
)
from signing.gate import (
    CertificateExpired,
    CertificateNotYetValid,
    CertificateNotYours,
    CertificateRevoked,
    CertificateUntrusted,
    CertificateUsage,
)
from signing.keys import BadKeyFile, WrongPin
from signing.schemes import WeakKey
from tests.conftest import SignedIn
from tests.signing.certificates.sending import key_file, pem, upload
from tests.signing.holders import NAME, NUMBER, PIN, holder
from tests.signing.hospital import a_document
from tests.signing.tokens import SoftHsm

NOW = utc_now()


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return replace(settings, signing=replace(settings.signing, keys_dir=tmp_path / "keys"))


@pytest.mark.parametrize("form", ["pem-chain", "der", "p7b"])
async def test_a_certificate_is_read_in_the_forms_authorities_send(
    form: str, services: Services, person: Actor, pki: DemoPki, key: ec.EllipticCurvePrivateKey
) -> None:
    certificate, _ = pki.issue(holder(), key, now=NOW)
    data = {
        "pem-chain": pem(pki.root, pki.issuing, certificate),
        "der": certificate.public_bytes(Encoding.DER),
        "p7b": pkcs7.serialize_certificates([pki.issuing, certificate], Encoding.DER),
    }[form]
    view = await upload(services, person, data)
    assert (view.name, view.uid, view.state, view.key_kind) == (NAME, f"CCCD:{NUMBER}", "ACTIVE", "TOKEN")
    async with services.sessions() as session:
        row = await session.get_one(Certificate, view.id)
    assert row.chain == [pki.issuing.public_bytes(Encoding.DER)]
    again = await upload(services, person, data)
    assert again.id == view.id


@pytest.mark.parametrize(
    "data", [b"", b"not a certificate", b"-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n"]
)
async def test_a_file_without_a_certificate_is_refused(
    data: bytes, services: Services, person: Actor
) -> None:
    with pytest.raises(BadCertificateFile):
        await upload(services, person, data)


async def test_two_people_in_one_file_are_refused(
    services: Services, person: Actor, pki: DemoPki, key: ec.EllipticCurvePrivateKey
) -> None:
    one, _ = pki.issue(holder(), key, now=NOW)
    two, _ = pki.issue(holder("Trần Văn Khác", "CCCD:001090000009"), key, now=NOW)
    with pytest.raises(BadCertificateFile, match="đúng một chứng thư"):
        await upload(services, person, pem(one, two))


@pytest.mark.parametrize(
    "name",
    [
        "NGUYỄN THỊ HƯƠNG",
        "nguyễn  thị hương",
        "Nguye\u0302\u0303n Thi\u0323 Hu\u031bo\u031bng",
        "NGUYEN THI HUONG",
    ],
)
async def test_names_are_compared_folded(
    name: str, services: Services, person: Actor, pki: DemoPki, key: ec.EllipticCurvePrivateKey
) -> None:
    certificate, _ = pki.issue(holder(name), key, now=NOW)
    assert (await upload(services, person, pem(certificate))).state == "ACTIVE"


@pytest.mark.parametrize(
    ("name", "uid", "words"),
    [
        ("Trần Thị Hương", f"CCCD:{NUMBER}", ("Trần Thị Hương", NAME)),
        (NAME, "CCCD:001180000002", ("001180000002", NUMBER)),
        (NAME, "", ("(trống)", NUMBER)),
        (NAME, "MST:0100000001", ("(trống)", NUMBER)),
    ],
)
async def test_somebody_elses_certificate_is_refused_with_both_values(
    name: str,
    uid: str,
    words: tuple[str, str],
    services: Services,
    person: Actor,
    pki: DemoPki,
    key: ec.EllipticCurvePrivateKey,
) -> None:
    certificate, _ = pki.issue(holder(name, uid), key, now=NOW)
    with pytest.raises(CertificateNotYours) as refused:
        await upload(services, person, pem(certificate))
    assert all(word in refused.value.detail for word in words)


async def test_a_name_without_marks_needs_the_personal_number(
    services: Services, signed_in: SignedIn, pki: DemoPki, key: ec.EllipticCurvePrivateKey
) -> None:
    unnumbered = await signed_in(Role.DOCTOR, name=NAME)
    certificate, _ = pki.issue(holder("NGUYEN THI HUONG"), key, now=NOW)
    with pytest.raises(CertificateNotYours):
        await upload(services, unnumbered, pem(certificate))


async def test_the_organisations_certificate_must_carry_our_tax_code(
    services: Services, person: Actor, pki: DemoPki, key: ec.EllipticCurvePrivateKey
) -> None:
    certificate, _ = pki.issue(holder("Bệnh viện khác", "MST:0100000001"), key, now=NOW)
    with pytest.raises(CertificateNotYours, match="0100000001"):
        await upload_certificate(
            services, Whose(None), pem(certificate), key_kind=KeyKind.TOKEN, actor=person, now=NOW
        )


def sha1_certificate(pki: DemoPki, folder: Path) -> x509.Certificate:
    """Let openssl issue what our library would not: a certificate signed with SHA-1."""
    folder.mkdir(exist_ok=True)
    (folder / "ca.pem").write_bytes(pem(pki.issuing))
    (folder / "ca.key").write_bytes(
        pki.issuing_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (folder / "ext").write_text("keyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:FALSE\n")
    subject = f"/C=VN/CN={NAME}/UID=CCCD:{NUMBER}"
    run = ("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-utf8", "-subj", subject)
    made = [*run, "-keyout", folder / "k.pem", "-out", folder / "r.pem"]
    subprocess.run([str(part) for part in made], check=True, capture_output=True)
    issue = [
        "openssl",
        "x509",
        "-req",
        "-in",
        folder / "r.pem",
        "-CA",
        folder / "ca.pem",
        "-CAkey",
        folder / "ca.key",
    ]
    issue += [
        "-sha1",
        "-days",
        "30",
        "-extfile",
        folder / "ext",
        "-set_serial",
        "77",
        "-out",
        folder / "c.pem",
    ]
    subprocess.run([str(part) for part in issue], check=True, capture_output=True)
    return x509.load_pem_x509_certificate((folder / "c.pem").read_bytes())


@pytest.mark.parametrize(
    ("case", "problem", "words"),
    [
        ("rsa-1024", WeakKey, "RSA 1024 bit"),
        ("p-192", WeakKey, "secp192r1"),
        ("sha-1", WeakKey, "SHA1"),
        ("usage", CertificateUsage, "không được cấp để ký"),
        ("authority", CertificateUsage, "không được cấp để ký"),
        ("expired", CertificateExpired, "đã hết hạn ngày"),
        ("not-yet", CertificateNotYetValid, "chưa có hiệu lực"),
        ("unknown-root", CertificateUntrusted, "được tin cậy"),
    ],
)
async def test_what_tt_15_2025_does_not_accept_is_refused_in_words(
    case: str,
    problem: type[Problem],
    words: str,
    services: Services,
    person: Actor,
    pki: DemoPki,
    key: ec.EllipticCurvePrivateKey,
    tmp_path: Path,
) -> None:
    def issued(**more: Any) -> x509.Certificate:
        return pki.issue(holder(), more.pop("key", key), now=NOW, **more)[0]

    certificate = {
        "rsa-1024": lambda: issued(key=rsa.generate_private_key(65537, 1024)),
        "p-192": lambda: issued(key=ec.generate_private_key(ec.SECP192R1())),
        "sha-1": lambda: sha1_certificate(pki, tmp_path / "sha1"),
        "usage": lambda: issued(usage=False),
        "authority": lambda: pki.issuing,
        "expired": lambda: issued(starts=timedelta(days=-40), days=30),
        "not-yet": lambda: issued(starts=timedelta(days=2)),
        "unknown-root": lambda: ensure_pki(
            tmp_path / "other", [], base_url="http://pki.test", pin=PIN, now=datetime.now(UTC)
        ).issue(holder(), key, now=NOW)[0],
    }[case]()
    with pytest.raises(problem, match=words):
        await upload(services, person, certificate.public_bytes(Encoding.DER))
    async with services.sessions() as session:
        assert (await session.scalars(select(Certificate))).all() == []


async def test_a_revoked_certificate_cannot_be_registered(
    services: Services, person: Actor, pki: DemoPki, key: ec.EllipticCurvePrivateKey
) -> None:
    certificate, _ = pki.issue(holder(), key, now=NOW)
    pki.revoke(certificate, at=utc_now())
    with pytest.raises(CertificateRevoked):
        await upload(services, person, pem(certificate))


async def test_an_uploaded_key_file_signs_and_its_pin_is_nowhere(
    services: Services, person: Actor, pki: DemoPki, settings: Settings
) -> None:
    data = key_file(pki, "ma-pin-rieng-77")
    view = await upload_key_file(
        services, Whose(person.id), data, "ma-pin-rieng-77", actor=person, now=utc_now()
    )
    assert view.key_kind is KeyKind.PKCS12
    assert settings.signing.keys_dir is not None
    (path,) = settings.signing.keys_dir.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"ma-pin-rieng-77" not in path.read_bytes()
    document = await a_document(services, person)
    (result,) = await sign_documents(services, person, [document.id], "ma-pin-rieng-77", utc_now())
    assert result.state is SignState.SIGNED


@pytest.mark.parametrize(
    ("pin", "name", "problem"),
    [("sai", NAME, WrongPin), (PIN, "Trần Văn Khác", CertificateNotYours)],
)
async def test_a_key_file_that_is_refused_leaves_nothing_behind(
    pin: str,
    name: str,
    problem: type[Problem],
    services: Services,
    person: Actor,
    pki: DemoPki,
    settings: Settings,
) -> None:
    with pytest.raises(problem):
        await upload_key_file(
            services, Whose(person.id), key_file(pki, name=name), pin, actor=person, now=utc_now()
        )
    assert settings.signing.keys_dir is not None
    assert not settings.signing.keys_dir.exists()


async def test_what_is_no_key_file_is_refused(services: Services, person: Actor) -> None:
    with pytest.raises(BadKeyFile):
        await upload_key_file(services, Whose(person.id), b"x", PIN, actor=person, now=utc_now())


async def test_an_object_on_a_token_is_picked_and_no_second_person_may_share_the_token(
    services: Services, person: Actor, pki: DemoPki, softhsm: SoftHsm, signed_in: SignedIn
) -> None:
    uri, _ = softhsm.certify(pki, holder(), softhsm.new_token("pick"), b"\x01")
    labelled = str(uri).replace("?", ";object=key01?")
    with pytest.raises(CertificateNotFound):
        await pick_token_object(
            services, Whose(person.id), labelled.replace("key01", "key77"), actor=person, now=utc_now()
        )
    view = await pick_token_object(services, Whose(person.id), labelled, actor=person, now=utc_now())
    assert (view.key_kind, view.key_name) == (KeyKind.PKCS11, labelled)
    other = await signed_in(Role.DOCTOR, name="Trần Văn Khác")
    with pytest.raises(TokenShared, match="Mỗi người một token"):
        await pick_token_object(services, Whose(other.id), labelled, actor=other, now=utc_now())


async def test_a_new_certificate_of_the_same_kind_takes_the_old_ones_place(
    services: Services, person: Actor, pki: DemoPki, key: ec.EllipticCurvePrivateKey
) -> None:
    first = await upload(services, person, pem(pki.issue(holder(), key, now=NOW)[0]))
    second = await upload(services, person, pem(pki.issue(holder(), key, now=NOW)[0]))
    async with services.sessions() as session:
        states = {row.id: row.state for row in await session.scalars(select(Certificate))}
    assert states == {first.id: "RETIRED", second.id: "ACTIVE"}


async def test_a_certificate_put_aside_is_taken_up_again(
    services: Services, person: Actor, pki: DemoPki, key: ec.EllipticCurvePrivateKey
) -> None:
    data = pem(pki.issue(holder(), key, now=NOW)[0])
    view = await upload(services, person, data)
    async with services.sessions.begin() as session:
        assert (await retire_certificate(session, view.id, actor=person, now=NOW)).state == "RETIRED"
    with pytest.raises(CertificateNotActive):
        async with services.sessions.begin() as session:
            await retire_certificate(session, view.id, actor=person, now=NOW)
    with pytest.raises(CertificateNotFound):
        async with services.sessions.begin() as session:
            await retire_certificate(session, new_id(), actor=person, now=NOW)
    assert (await upload(services, person, data)).state == "ACTIVE"
