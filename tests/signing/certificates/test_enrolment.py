"""Enrolment: a key made here, a request another program believes, the issued certificate taken in, every refusal."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from cryptography.x509.oid import NameOID
from msgspec.structs import replace
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from hospital.demo.pki import DemoPki, ensure_pki
from kernel.audit.models import AuditRow
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import Actor, Role
from kernel.staff.models import StaffAccount
from signing.api import SignState, sign_documents
from signing.certificate_names import names_of
from signing.certificates.enrolment import (
    EnrolmentIdReused,
    EnrolmentNotFound,
    EnrolmentOpen,
    WrongKeyPlace,
    cancel_enrolment,
    get_enrolment,
    list_enrolments,
    take_issued,
)
from signing.certificates.enrolment_rules import NEXT, EnrolmentOver, EnrolmentState, move
from signing.certificates.models import Certificate, Enrolment
from signing.certificates.new_keys import WeakPin
from signing.certificates.service import KeyFileMissing, PinLocked
from signing.context import context_of
from signing.key_kinds import KeyKind
from signing.keys import WrongPin, open_pkcs12
from signing.requests import Algorithm, NumberMissing
from signing.settings import NumberPlace
from tests.conftest import SignedIn
from tests.signing.certificates.asking import NEW_PIN, ask, issue, request_of
from tests.signing.certificates.sending import pem
from tests.signing.holders import NAME, NUMBER, holder
from tests.signing.hospital import a_document

pytestmark = pytest.mark.anyio


def key_path(services: Services, name: str) -> Path:
    return context_of(services).keys_dir / f"{name}.p12"


@pytest.mark.parametrize("algorithm", list(Algorithm))
async def test_openssl_believes_the_request(
    services: Services, person: Actor, algorithm: Algorithm, tmp_path: Path
) -> None:
    view = await ask(services, person, algorithm=algorithm)
    request = await request_of(services, view, person)
    file = tmp_path / "request.pem"
    file.write_bytes(request.public_bytes(Encoding.PEM))
    command = [
        "openssl",
        "req",
        "-in",
        str(file),
        "-verify",
        "-noout",
        "-subject",
        "-text",
        "-nameopt",
        "utf8",
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "verify OK" in told.stderr + told.stdout
    assert f'CN="{NAME}"' in told.stdout.replace(" = ", "=") or f"CN={NAME}" in told.stdout.replace(
        " = ", "="
    )
    assert f"UID=CCCD:{NUMBER}" in told.stdout.replace(" = ", "=")
    bits = {"RSA_2048": "2048 bit", "RSA_3072": "3072 bit", "EC_P256": "256 bit"}[algorithm]
    assert bits in told.stdout


@pytest.mark.parametrize(
    ("place", "kinds"),
    [
        (NumberPlace.UID, {NameOID.USER_ID}),
        (NumberPlace.SERIAL_NUMBER, {NameOID.SERIAL_NUMBER}),
        (NumberPlace.BOTH, {NameOID.USER_ID, NameOID.SERIAL_NUMBER}),
    ],
)
async def test_the_number_stands_where_the_authority_wants_it(
    services: Services, person: Actor, place: NumberPlace, kinds: set[x509.ObjectIdentifier]
) -> None:
    signing = replace(services.settings.signing, request_number_in=place)
    services = replace(services, settings=replace(services.settings, signing=signing))
    subject = (await request_of(services, await ask(services, person), person)).subject
    written = {part.oid for part in subject if part.value == f"CCCD:{NUMBER}"}
    assert written == kinds


async def test_the_key_is_on_disk_only_under_its_pin(services: Services, person: Actor) -> None:
    view = await ask(services, person)
    path = key_path(services, view.key_name)
    data = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    key, certificate, _ = pkcs12.load_key_and_certificates(data, NEW_PIN.encode())
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert certificate is None
    secret = key.private_numbers().private_value.to_bytes(32)
    for file in context_of(services).keys_dir.rglob("*"):
        assert secret not in file.read_bytes()
    with pytest.raises(WrongPin):
        open_pkcs12(data, "000000")


async def test_the_issued_certificate_signs(services: Services, person: Actor, pki: DemoPki) -> None:
    view = await ask(services, person)
    certificate = issue(pki, await request_of(services, view, person))
    data = pem(certificate, pki.issuing)
    taken = await take_issued(services, view.id, data, NEW_PIN, actor=person, now=utc_now())
    assert (taken.key_kind, taken.state, taken.key_name) == (KeyKind.PKCS12, "ACTIVE", view.key_name)
    async with services.sessions() as session:
        after = await get_enrolment(session, view.id, person)
    assert (after.state, after.certificate_id) == (EnrolmentState.ISSUED, taken.id)
    document = await a_document(services, person)
    (result,) = await sign_documents(services, person, [document.id], NEW_PIN, utc_now())
    assert result.state is SignState.SIGNED
    opened = open_pkcs12(key_path(services, view.key_name).read_bytes(), NEW_PIN)
    assert (opened.certificate, opened.chain) == (certificate, (pki.issuing,))


async def test_a_number_written_as_serial_number_is_its_owners(
    services: Services, person: Actor, pki: DemoPki
) -> None:
    subject = x509.Name([x509.NameAttribute(NameOID.SERIAL_NUMBER, f"CCCD:{NUMBER}")])
    certificate, key = pki.issue(holder(), ec.generate_private_key(ec.SECP256R1()), now=utc_now())
    builder = x509.CertificateBuilder(subject_name=subject, issuer_name=subject)
    builder = builder.public_key(key.public_key()).serial_number(1)
    start = utc_now()
    made = builder.not_valid_before(start).not_valid_after(start + timedelta(days=1))
    names = names_of(made.sign(key, certificate.signature_hash_algorithm))  # type: ignore[arg-type]  # SHA-256
    assert names.personal_number == NUMBER


async def test_the_same_command_makes_one_key(services: Services, person: Actor) -> None:
    key = new_id()
    first = await ask(services, person, id=key)
    assert await ask(services, person, id=key) == first
    with pytest.raises(EnrolmentIdReused):
        await ask(services, person, id=key, algorithm=Algorithm.RSA_2048)


async def test_one_request_is_open_at_a_time(services: Services, person: Actor) -> None:
    first = await ask(services, person)
    with pytest.raises(EnrolmentOpen):
        await ask(services, person)
    await cancel_enrolment(services, first.id, "Nhầm loại khóa", actor=person, now=utc_now())
    assert not key_path(services, first.key_name).exists()
    await ask(services, person)


async def test_the_database_itself_holds_one_open_request(services: Services, person: Actor) -> None:
    """What the check before missed is refused by the index."""
    first = await ask(services, person)
    async with services.sessions() as session:
        row = await session.get_one(Enrolment, first.id)
        values = {column.name: getattr(row, column.name) for column in Enrolment.__table__.columns}
        session.add(Enrolment(**(values | {"id": new_id(), "public_key": b"other"})))
        with pytest.raises(IntegrityError, match="uq_signing_enrolment_open"):
            await session.flush()


async def test_a_request_that_could_not_be_kept_leaves_no_key(
    services: Services, person: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing_before(*_: object) -> None:
        return None

    await ask(services, person)
    before = set(context_of(services).keys_dir.iterdir())
    monkeypatch.setattr("signing.certificates.enrolment._before", nothing_before)
    with pytest.raises(EnrolmentOpen):
        await ask(services, person)
    assert set(context_of(services).keys_dir.iterdir()) == before


@pytest.mark.parametrize("kind", [KeyKind.CSC, KeyKind.TOKEN])
async def test_keys_are_made_nowhere_else(services: Services, person: Actor, kind: KeyKind) -> None:
    with pytest.raises(WrongKeyPlace):
        await ask(services, person, key_kind=kind)


@pytest.mark.parametrize("pin", ["12345", "111111", ""])
async def test_a_weak_pin_makes_no_key(services: Services, person: Actor, pin: str) -> None:
    with pytest.raises(WeakPin, match="6 ký tự"):
        await ask(services, person, pin=pin)
    async with services.sessions() as session:
        assert await list_enrolments(session, person) == []


async def test_without_a_number_nothing_is_asked_for(services: Services, person: Actor) -> None:
    async with services.sessions.begin() as session:
        await session.execute(
            update(StaffAccount).where(StaffAccount.id == person.id).values(citizen_id=None)
        )
    with pytest.raises(NumberMissing):
        await ask(services, person)


@pytest.mark.parametrize(
    ("wrong", "slug"),
    [
        ("other key", "certificate-not-requested"),
        ("other person", "certificate-not-yours"),
        ("other name", "certificate-not-yours"),
        ("ended", "certificate-expired"),
        ("not yet", "certificate-not-yet-valid"),
        ("usage", "certificate-usage"),
        ("stranger", "certificate-untrusted"),
        ("no certificate", "bad-certificate-file"),
        ("revoked", "certificate-revoked"),
    ],
)
async def test_what_is_not_the_asked_for_certificate_is_refused(
    services: Services, person: Actor, pki: DemoPki, wrong: str, slug: str, tmp_path: Path
) -> None:
    view = await ask(services, person)
    request = await request_of(services, view, person)
    now = utc_now()
    match wrong:
        case "other key":
            made, _ = pki.issue(holder(), ec.generate_private_key(ec.SECP256R1()), now=now)
        case "other person":
            made = issue(pki, request, holder(uid="CCCD:001180000002"))
        case "other name":
            made = issue(pki, request, holder(name="Nguyễn Thị Hường"))
        case "ended":
            made = issue(pki, request, starts=timedelta(days=-9), days=5)
        case "not yet":
            made = issue(pki, request, starts=timedelta(days=2))
        case "usage":
            made = issue(pki, request, usage=False)
        case "stranger":
            other = ensure_pki(tmp_path / "other", [], base_url="http://other.test", pin="1", now=now)
            made = issue(other, request)
        case _:
            made = issue(pki, request)
    if wrong == "revoked":
        pki.revoke(made, at=now)
    data = b"not a certificate" if wrong == "no certificate" else pem(made)
    with pytest.raises(Problem) as refused:
        await take_issued(services, view.id, data, NEW_PIN, actor=person, now=now)
    assert refused.value.slug == slug
    assert refused.value.detail
    async with services.sessions() as session:
        assert (await get_enrolment(session, view.id, person)).state is EnrolmentState.REQUESTED
        assert await session.scalar(select(func.count()).select_from(Certificate)) == 0


async def test_wrong_pins_count_and_lock(services: Services, person: Actor, pki: DemoPki) -> None:
    view = await ask(services, person)
    data = pem(issue(pki, await request_of(services, view, person)))
    for left in (4, 3, 2, 1):
        with pytest.raises(WrongPin, match=f"chưa nhận chứng thư. Còn {left} lần"):
            await take_issued(services, view.id, data, "sai-pin", actor=person, now=utc_now())
    with pytest.raises(WrongPin, match="tạm khoá"):
        await take_issued(services, view.id, data, "sai-pin", actor=person, now=utc_now())
    with pytest.raises(PinLocked):
        await take_issued(services, view.id, data, NEW_PIN, actor=person, now=utc_now())


async def test_a_key_file_that_is_gone_is_told(services: Services, person: Actor, pki: DemoPki) -> None:
    view = await ask(services, person)
    data = pem(issue(pki, await request_of(services, view, person)))
    key_path(services, view.key_name).unlink()
    with pytest.raises(KeyFileMissing, match="huỷ rồi tạo lại"):
        await take_issued(services, view.id, data, NEW_PIN, actor=person, now=utc_now())


@pytest.mark.parametrize("end", ["issued", "cancelled"])
async def test_an_ended_enrolment_moves_no_more(
    services: Services, person: Actor, pki: DemoPki, end: str
) -> None:
    view = await ask(services, person)
    data = pem(issue(pki, await request_of(services, view, person)))
    if end == "issued":
        await take_issued(services, view.id, data, NEW_PIN, actor=person, now=utc_now())
    else:
        await cancel_enrolment(services, view.id, "Thôi", actor=person, now=utc_now())
    with pytest.raises(EnrolmentOver):
        await take_issued(services, view.id, data, NEW_PIN, actor=person, now=utc_now())
    with pytest.raises(EnrolmentOver):
        await cancel_enrolment(services, view.id, "Thôi", actor=person, now=utc_now())
    for change in (
        "reason = 'khác'",
        "state = 'REQUESTED', certificate_id = NULL, ended_at = NULL, ended_by = NULL",
    ):
        with pytest.raises(DBAPIError, match="ends once"):
            async with services.sessions.begin() as session:
                await session.execute(text(f"UPDATE signing_enrolment SET {change}"))


def test_states_go_forward_only() -> None:
    for state in EnrolmentState:
        for target in EnrolmentState:
            if target in NEXT[state]:
                assert move(state, target) is target
            else:
                with pytest.raises(EnrolmentOver):
                    move(state, target)


@pytest.mark.parametrize(
    "change", ["subject = 'CN=khác'", "key_name = 'x'", "public_key = '\\x00'", "staff_id = NULL"]
)
async def test_what_was_asked_for_stays(services: Services, person: Actor, change: str) -> None:
    await ask(services, person)
    with pytest.raises(DBAPIError):
        async with services.sessions.begin() as session:
            await session.execute(text(f"UPDATE signing_enrolment SET {change}"))
    with pytest.raises(DBAPIError, match="permission denied"):
        async with services.sessions.begin() as session:
            await session.execute(text("DELETE FROM signing_enrolment"))


async def test_only_the_person_and_the_administrator_see_and_ask(
    services: Services, person: Actor, signed_in: SignedIn
) -> None:
    view = await ask(services, person)
    other = await signed_in(Role.DOCTOR)
    with pytest.raises(EnrolmentNotFound):
        await ask(services, other, staff_id=person.id)
    with pytest.raises(EnrolmentNotFound):
        await ask(services, other, staff_id=None)
    with pytest.raises(EnrolmentNotFound):
        await ask(services, other, key_kind=KeyKind.PKCS11, token="pkcs11:token=x")
    with pytest.raises(EnrolmentNotFound):
        await request_of(services, view, other)
    with pytest.raises(EnrolmentNotFound):
        await take_issued(services, view.id, b"", NEW_PIN, actor=other, now=utc_now())
    with pytest.raises(EnrolmentNotFound):
        await cancel_enrolment(services, view.id, "Thôi", actor=other, now=utc_now())
    admin = await signed_in(Role.ADMIN)
    async with services.sessions() as session:
        assert await list_enrolments(session, other) == []
        assert [one.id for one in await list_enrolments(session, admin)] == [view.id]
        assert await list_enrolments(session, admin, mine=True) == []


async def test_the_hospitals_own_key_is_asked_for_by_an_administrator(
    services: Services, signed_in: SignedIn, pki: DemoPki
) -> None:
    admin = await signed_in(Role.ADMIN)
    view = await ask(services, admin, staff_id=None)
    facility = services.settings.kernel.facility
    request = await request_of(services, view, admin)
    assert f"MST:{facility.tax_code}" in [part.value for part in request.subject]
    own = replace(holder(name=facility.name, uid=f"MST:{facility.tax_code}"), organisation=facility.name)
    taken = await take_issued(
        services, view.id, pem(issue(pki, request, own)), NEW_PIN, actor=admin, now=utc_now()
    )
    assert (taken.staff_id, taken.state) == (None, "ACTIVE")


async def test_every_step_is_in_the_audit_and_the_pin_nowhere(
    services: Services, person: Actor, pki: DemoPki
) -> None:
    view = await ask(services, person)
    data = pem(issue(pki, await request_of(services, view, person)))
    await take_issued(services, view.id, data, NEW_PIN, actor=person, now=utc_now())
    async with services.sessions() as session:
        rows = (
            await session.scalars(select(AuditRow).where(AuditRow.subject == f"signing.enrolment:{view.id}"))
        ).all()
    acts = [row.detail["act"] for row in rows]
    assert sorted(acts) == ["issued", "request"]
    assert NEW_PIN not in repr([row.detail for row in rows])
