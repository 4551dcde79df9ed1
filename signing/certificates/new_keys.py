"""The keys of enrolments: made in a file under a PIN or inside a token, completed with the certificate, destroyed."""

from functools import partial
from pathlib import Path

import anyio.to_thread
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from msgspec import Struct

from kernel.clock import Instant
from kernel.ids import new_id
from kernel.problems import Refused
from kernel.services import Services
from signing.certificates.registry import keep_file
from signing.certificates.service import KeyFileMissing
from signing.context import context_of
from signing.key_kinds import KeyKind
from signing.keys import WrongPin
from signing.pkcs11_keys import remove_from_token, request_on_token
from signing.pkcs11_uri import TokenUri, read_token_uri
from signing.requests import Algorithm, public_der, software_key, software_request


class WeakPin(Refused):
    """The PIN is too short, or one sign over and over."""

    slug = "weak-pin"


class MadeKey(Struct, frozen=True):
    """A key that exists now: where, and the request it signed."""

    name: str
    request: bytes
    public_key: bytes


async def key_in_file(
    services: Services, pin: str, algorithm: Algorithm, subject: x509.Name, *, now: Instant
) -> MadeKey:
    """Make a key in memory and keep it under its PIN at once, without a certificate yet. Raises WeakPin."""
    minimum = context_of(services).settings.key_pin_minimum
    if len(pin) < minimum or len(set(pin)) == 1:
        raise WeakPin(f"Mã PIN mới cần ít nhất {minimum} ký tự, không phải một ký tự lặp lại.", field="pin")
    name = f"{now:%Y%m%d}-{new_id().hex}"
    path = _path(services, name)

    def make() -> MadeKey:
        key = software_key(algorithm)
        encryption = BestAvailableEncryption(pin.encode())
        keep_file(path, pkcs12.serialize_key_and_certificates(b"lanh", key, None, None, encryption))
        return MadeKey(name, software_request(key, subject), public_der(key.public_key()))

    return await anyio.to_thread.run_sync(make)


async def key_in_token(
    services: Services, place: TokenUri, pin: str, algorithm: Algorithm, subject: x509.Name, *, now: Instant
) -> MadeKey:
    """Make a key inside a token or HSM. Raises what `request_on_token` raises."""
    settings = context_of(services).settings
    made = await request_on_token(
        settings.pkcs11_modules,
        place,
        pin,
        algorithm,
        subject,
        label=f"lanh {now:%Y%m%d}",
        wait_seconds=settings.pkcs11_timeout_seconds,
    )
    return MadeKey(str(made.uri), made.request, made.public_key)


async def complete_file(
    services: Services, name: str, pin: str, leaf: x509.Certificate, chain: list[bytes]
) -> None:
    """Put the certificate beside its key, under the same PIN. Raises WrongPin, KeyFileMissing."""
    await anyio.to_thread.run_sync(_complete, _path(services, name), pin, leaf, chain)


async def destroy_key(services: Services, kind: KeyKind, name: str, pin: str) -> None:
    """Destroy a key that no certificate was issued for. Raises what `remove_from_token` raises."""
    if kind is KeyKind.PKCS12:
        await anyio.to_thread.run_sync(partial(_path(services, name).unlink, missing_ok=True))
        return
    settings = context_of(services).settings
    uri = read_token_uri(name)
    await remove_from_token(settings.pkcs11_modules, uri, pin, wait_seconds=settings.pkcs11_timeout_seconds)


def _complete(path: Path, pin: str, leaf: x509.Certificate, chain: list[bytes]) -> None:
    try:
        held = path.read_bytes()
    except FileNotFoundError:
        raise KeyFileMissing("Không tìm thấy tệp khóa của yêu cầu này. Hãy huỷ rồi tạo lại.") from None
    try:
        key, _, _ = pkcs12.load_key_and_certificates(held, pin.encode())
    except ValueError as error:
        raise WrongPin("Mã PIN không đúng.", field="pin") from error
    links = [x509.load_der_x509_certificate(der) for der in chain]
    encryption = BestAvailableEncryption(pin.encode())
    keep_file(path, pkcs12.serialize_key_and_certificates(b"lanh", key, leaf, links, encryption))  # type: ignore[arg-type]  # a key that we made


def _path(services: Services, name: str) -> Path:
    return context_of(services).keys_dir / f"{name}.p12"
