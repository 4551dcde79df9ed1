"""Take certificates into the registry: from a file, with a key file, from a token or HSM; and out of it."""

import os
from pathlib import Path
from uuid import UUID

import anyio.to_thread
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    pkcs7,
    pkcs12,
)
from msgspec import Struct
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.ids import new_id
from kernel.problems import Conflict, NotFound, Refused
from kernel.services import Services
from kernel.staff.api import Actor
from signing.certificates.models import Certificate, UnlockedKey
from signing.certificates.service import (
    CertificateView,
    RegisterCertificate,
    owner_for,
    register_certificate,
    view_of,
)
from signing.context import context_of
from signing.gate import CertificateRevoked, check_certificate
from signing.key_kinds import KeyKind
from signing.keys import issuers_of, open_pkcs12
from signing.pkcs11 import list_tokens
from signing.pkcs11_uri import TokenUri, read_token_uri
from signing.status import Standing

FILE_BYTES_MAXIMUM = 200_000


class BadCertificateFile(Refused):
    """The file holds no certificate we can read."""

    slug = "bad-certificate-file"


class CertificateNotFound(NotFound):
    slug = "certificate-not-found"


class CertificateNotActive(Conflict):
    """This certificate is no longer in use."""

    slug = "certificate-not-active"


class TokenShared(Conflict):
    """One PIN would open the keys of several people."""

    slug = "token-shared"


class Whose(Struct, frozen=True):
    """Whose certificate it is to be; None: the organisation's."""

    staff_id: UUID | None


def read_certificates(data: bytes) -> list[x509.Certificate]:
    """Read one or many certificates: PEM, DER or PKCS#7. Raises BadCertificateFile."""
    if len(data) > FILE_BYTES_MAXIMUM:
        raise BadCertificateFile("Tệp chứng thư lớn quá 200 kB.", field="file")
    readers = (
        x509.load_pem_x509_certificates,
        lambda der: [x509.load_der_x509_certificate(der)],
        pkcs7.load_der_pkcs7_certificates,
        pkcs7.load_pem_pkcs7_certificates,
    )
    for read in readers:
        try:
            found = read(data)
        except ValueError:
            continue
        if found:
            return found
    raise BadCertificateFile("Tệp không có chứng thư số đọc được (PEM, DER, P7B).", field="file")


def leaf_of(certificates: list[x509.Certificate]) -> x509.Certificate:
    """Return the one certificate of the file that issued none of the others. Raises BadCertificateFile."""
    issuers = {c.issuer.public_bytes() for c in certificates if c.issuer != c.subject}
    leaves = [c for c in certificates if c.subject.public_bytes() not in issuers]
    if len(leaves) != 1:
        raise BadCertificateFile(
            "Tệp phải có đúng một chứng thư của người ký, kèm các chứng thư cấp trên nếu có.", field="file"
        )
    return leaves[0]


async def upload_certificate(
    services: Services,
    whose: Whose,
    data: bytes,
    *,
    key_kind: KeyKind,
    key_name: str = "",
    actor: Actor,
    now: Instant,
) -> CertificateView:
    """Register a certificate whose key is elsewhere: on a token, in an HSM, at a provider.

    Raises BadCertificateFile, BadTokenUri, TokenShared and what `register_certificate` raises.
    """
    if key_kind is KeyKind.PKCS12:
        raise BadCertificateFile("Khóa phần mềm đăng ký bằng tệp PKCS#12 cùng mã PIN.", field="key_kind")
    if key_kind is KeyKind.CSC and not key_name.strip():
        raise BadCertificateFile(
            "Ký từ xa cần mã chứng thực (credential ID) ở nhà cung cấp.", field="credential"
        )
    found = await anyio.to_thread.run_sync(read_certificates, data)
    if key_kind is KeyKind.PKCS11:
        uri = read_token_uri(key_name)
        async with services.sessions() as session:
            await see_token_unshared(session, uri, whose)
    return await _register(services, whose, leaf_of(found), found, key_kind, key_name, actor=actor, now=now)


async def upload_key_file(
    services: Services, whose: Whose, data: bytes, pin: str, *, actor: Actor, now: Instant
) -> CertificateView:
    """Register a PKCS#12: it is kept under its PIN, newly encrypted; the PIN is not kept at all.

    Raises WrongPin, BadKeyFile, WeakKey and what `register_certificate` raises.
    """
    context = context_of(services)
    if len(data) > FILE_BYTES_MAXIMUM:
        raise BadCertificateFile("Tệp khóa lớn quá 200 kB.", field="file")
    signer = await anyio.to_thread.run_sync(open_pkcs12, data, pin)
    async with services.sessions() as session:
        owner = await owner_for(session, whose.staff_id, services.settings.kernel.facility)
    check_certificate(signer.certificate, owner, context.trust, now=now)
    name = f"{now:%Y%m%d}-{new_id().hex}"
    again = await anyio.to_thread.run_sync(_encrypt_again, data, pin)
    await anyio.to_thread.run_sync(keep_file, context.keys_dir / f"{name}.p12", again)
    others = list(signer.chain)
    return await _register(
        services, whose, signer.certificate, others, KeyKind.PKCS12, name, actor=actor, now=now
    )


async def pick_token_object(
    services: Services, whose: Whose, key_name: str, *, actor: Actor, now: Instant
) -> CertificateView:
    """Register a certificate as it lies on a token or HSM that is plugged in now.

    Raises BadTokenUri, CertificateNotFound, TokenShared and what `register_certificate` raises.
    """
    settings = context_of(services).settings
    wanted = read_token_uri(key_name)
    for token in await list_tokens(settings.pkcs11_modules, wait_seconds=settings.pkcs11_timeout_seconds):
        for item in token.certificates:
            if str(item.uri) == str(wanted):
                async with services.sessions() as session:
                    await see_token_unshared(session, wanted, whose)
                held = [other.certificate for other in token.certificates]
                pool = [x509.load_der_x509_certificate(der) for der in held]
                leaf = x509.load_der_x509_certificate(item.certificate)
                return await _register(
                    services, whose, leaf, pool, KeyKind.PKCS11, str(wanted), actor=actor, now=now
                )
    raise CertificateNotFound("Không thấy chứng thư này trên token đang cắm. Hãy tải lại danh sách.")


async def retire_certificate(
    session: AsyncSession, certificate_id: UUID, *, actor: Actor, now: Instant
) -> CertificateView:
    """Take a certificate out of use; keys open with it are closed. Raises CertificateNotFound, CertificateNotActive."""
    row = await session.get(Certificate, certificate_id, with_for_update=True)
    if row is None:
        raise CertificateNotFound("Không tìm thấy chứng thư số.")
    if row.state != "ACTIVE":
        raise CertificateNotActive("Chứng thư này đã thôi dùng từ trước.")
    row.state, row.ended_at = "RETIRED", now
    await close_keys(session, certificate_id)
    await session.flush()
    entry = Entry(action=Action.CHANGE, subject=f"signing.certificate:{row.id}", detail={"act": "retire"})
    await record(session, entry, actor)
    return view_of(row)


async def close_keys(session: AsyncSession, certificate_id: UUID) -> None:
    """Close every key that is open with a certificate."""
    await session.execute(delete(UnlockedKey).where(UnlockedKey.certificate_id == certificate_id))


async def _register(
    services: Services,
    whose: Whose,
    leaf: x509.Certificate,
    pool: list[x509.Certificate],
    key_kind: KeyKind,
    key_name: str,
    *,
    actor: Actor,
    now: Instant,
) -> CertificateView:
    command = await ready_command(services, whose, leaf, pool, key_kind, key_name, now=now)
    context, facility = context_of(services), services.settings.kernel.facility
    async with services.sessions.begin() as session:
        return await register_certificate(
            session, command, trust=context.trust, facility=facility, actor=actor, now=now
        )


async def ready_command(
    services: Services,
    whose: Whose,
    leaf: x509.Certificate,
    pool: list[x509.Certificate],
    key_kind: KeyKind,
    key_name: str,
    *,
    now: Instant,
) -> RegisterCertificate:
    """Check whose the certificate is and ask its authorities, before a transaction is opened to register it.

    Raises what `check_certificate` raises, CertificateRevoked.
    """
    context = context_of(services)
    chain = issuers_of(leaf, [*pool, *context.trust.intermediates])
    command = RegisterCertificate(
        id=new_id(),
        certificate=leaf.public_bytes(Encoding.DER),
        chain=[link.public_bytes(Encoding.DER) for link in chain],
        key_kind=key_kind,
        key_name=key_name,
        staff_id=whose.staff_id,
    )
    async with services.sessions() as session:
        owner = await owner_for(session, whose.staff_id, services.settings.kernel.facility)
    await _see_not_revoked(services, check_certificate(leaf, owner, context.trust, now=now), now=now)
    return command


async def _see_not_revoked(services: Services, path: tuple[x509.Certificate, ...], *, now: Instant) -> None:
    """Ask the authorities before taking a certificate; one that is away does not stop it. Raises CertificateRevoked."""
    for answer in await context_of(services).status(services.http).ask_path(path, now=now):
        if answer.standing is Standing.REVOKED:
            since = f" từ {answer.revoked_at:%d/%m/%Y}" if answer.revoked_at else ""
            raise CertificateRevoked(
                f"Chứng thư này hoặc nơi cấp nó đã bị thu hồi{since}, không đăng ký được."
            )


async def see_token_unshared(session: AsyncSession, uri: TokenUri, whose: Whose) -> None:
    """A token opens for whoever has its PIN, so all its keys must be one owner's. Raises TokenShared."""
    used = await session.execute(
        select(Certificate.key_name, Certificate.staff_id, Certificate.name).where(
            Certificate.state == "ACTIVE", Certificate.key_kind == KeyKind.PKCS11
        )
    )
    for key_name, staff_id, name in used:
        other = read_token_uri(key_name)
        same = (
            other.serial == uri.serial if other.serial and uri.serial else other.token == uri.token
        ) and other.module == uri.module
        if same and staff_id != whose.staff_id:
            raise TokenShared(
                f"Token này đang giữ khóa của {name}. Mỗi người một token (hoặc một phân vùng HSM) với mã PIN riêng."
            )


def _encrypt_again(data: bytes, pin: str) -> bytes:
    """Write a PKCS#12 anew with today's encryption: many come with RC2 or triple DES."""
    key, certificate, others = pkcs12.load_key_and_certificates(data, pin.encode())
    encryption = BestAvailableEncryption(pin.encode())
    return pkcs12.serialize_key_and_certificates(b"lanh", key, certificate, others, encryption)  # type: ignore[arg-type]  # checked when it was opened


def keep_file(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    part.replace(path)
