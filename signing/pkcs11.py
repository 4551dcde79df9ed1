"""Sign with a key on a PKCS#11 token or HSM: RSA-PSS or ECDSA, the PIN held only while one confirmation lasts."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread
import pkcs11
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct
from pkcs11 import MGF, Attribute, Mechanism, ObjectClass
from pkcs11.types import PrivateKey, Session

from kernel.problems import Conflict
from signing.cms import CmsTemplate
from signing.keys import WrongPin
from signing.pkcs11_module import Login, Module, TokenAbsent, TokenBusy, TokenUnfit, module_at, names
from signing.pkcs11_uri import TokenUri
from signing.schemes import Scheme, holds, scheme_for, side_by_side, to_der

Result = TypeVar("Result")
_PSS_PARAMETERS = (Mechanism.SHA256, MGF.SHA256, 32)
_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
WAYS: dict[Scheme, tuple[tuple[Mechanism, bool], ...]] = {
    Scheme.RSA_PSS_SHA256: ((Mechanism.RSA_PKCS_PSS, True), (Mechanism.SHA256_RSA_PKCS_PSS, False)),
    Scheme.ECDSA_SHA256: ((Mechanism.ECDSA, True), (Mechanism.ECDSA_SHA256, False)),
    Scheme.RSA_PKCS1_SHA256: ((Mechanism.RSA_PKCS, True), (Mechanism.SHA256_RSA_PKCS, False)),
}
"""Mechanisms of a scheme, the preferred first: over a digest of ours, else over the whole."""


class TokenMismatch(Conflict):
    """The key or certificate on the token is not the registered one."""

    slug = "token-mismatch"


class TokenCertificate(Struct, frozen=True):
    """A certificate object on a token."""

    uri: TokenUri
    certificate: bytes


class TokenView(Struct, frozen=True):
    """A token or HSM slot that can be seen now, and what it shows without a PIN."""

    label: str
    serial: str
    model: str
    module: str
    certificates: list[TokenCertificate]


class Pkcs11Signer:
    """A key that never leaves its device. Opened by `open_token`; the PIN is forgotten by `close`."""

    method = "PKI_TOKEN_HSM"

    def __init__(
        self,
        module: Module,
        uri: TokenUri,
        pin: str,
        certificate: x509.Certificate,
        chain: tuple[x509.Certificate, ...],
        scheme: Scheme,
        mechanisms: frozenset[Mechanism],
        *,
        wait_seconds: float,
    ) -> None:
        self.certificate, self.chain, self.scheme = certificate, chain, scheme
        self.template = CmsTemplate(certificate, chain, scheme)
        self._module, self._uri, self._pin = module, uri, pin
        self._mechanisms, self._wait = mechanisms, wait_seconds
        self._refused: WrongPin | None = None

    async def sign(self, attributes: bytes) -> bytes:
        """Sign off the event loop. Raises what `Module.use` raises, TokenMismatch for another key than registered."""
        return await outside(lambda: self._sign(attributes, self.scheme), wait_seconds=self._wait)

    @property
    def xml_scheme(self) -> Scheme:
        """As for software keys."""
        return self.scheme.for_xml

    def sign_xml(self, data: bytes) -> bytes:
        """Sign a canonical SignedInfo; blocks, so call it in a thread. ECDSA values are r and s side by side (RFC 4050)."""
        return side_by_side(self._sign(data, self.xml_scheme), self.certificate.public_key())

    async def close(self) -> None:
        """Sign out of the token and forget the PIN."""
        pin, self._pin = self._pin, ""
        if pin:
            await anyio.to_thread.run_sync(self._module.sign_out, pin)

    def _sign(self, data: bytes, scheme: Scheme) -> bytes:
        if self._refused is not None:  # The PIN was changed meanwhile: a second try could lock the token.
            raise self._refused
        if not self._pin:
            raise WrongPin("Phiên ký bằng token đã đóng. Hãy nhập lại mã PIN.", field="pin")
        ways = [way for way in WAYS[scheme] if way[0] in self._mechanisms]
        if not ways:
            raise TokenUnfit(f"Token không ký được theo {scheme}.")

        def work(login: Login) -> bytes:
            key = login.key(self._uri)
            pin = self._pin if login.asks_each_time(key) else None
            return first_way(key, ways, scheme, data, pin)

        try:
            value = self._module.use(self._uri, self._pin, work, wait_seconds=self._wait)
        except WrongPin as refused:
            self._refused = refused
            raise
        digest = hashlib.sha256(data).digest()
        if scheme is Scheme.ECDSA_SHA256:
            value = to_der(value)
        if not holds(self.certificate.public_key(), scheme, value, digest):
            raise TokenMismatch(
                "Khóa trên token không phải khóa của chứng thư đã đăng ký. Chưa ký văn bản nào."
            )
        return value


async def open_token(
    modules: tuple[Path, ...],
    uri: TokenUri,
    pin: str,
    certificate: x509.Certificate,
    chain: tuple[x509.Certificate, ...],
    *,
    allow_pkcs1: bool,
    wait_seconds: float,
) -> Pkcs11Signer:
    """Sign in to the token with one try of the PIN, find the key and see that its certificate is the registered one.

    Raises WrongPin, TokenPinLocked, TokenAbsent, TokenBusy, TokenUnfit, KeyMissing, TokenMismatch, WeakKey.
    """
    module = module_at(module_path(modules, uri))

    def work(login: Login) -> frozenset[Mechanism]:
        login.key(uri)
        _compare(login.session, uri, certificate)
        return mechanisms_of(login)

    wanted = scheme_for(certificate.public_key())
    mechanisms = await outside(
        lambda: module.use(uri, pin, work, wait_seconds=wait_seconds), wait_seconds=wait_seconds
    )
    scheme = _scheme(wanted, mechanisms, allow_pkcs1=allow_pkcs1)
    return Pkcs11Signer(module, uri, pin, certificate, chain, scheme, mechanisms, wait_seconds=wait_seconds)


async def list_tokens(modules: tuple[Path, ...], *, wait_seconds: float) -> list[TokenView]:
    """List tokens that are plugged in and the certificates they show without a PIN. Raises TokenBusy, TokenUnfit."""
    found: list[TokenView] = []
    for path in modules:
        module = module_at(path)
        found += await outside(lambda module=module: _list(module, wait_seconds), wait_seconds=wait_seconds)  # type: ignore[misc]  # bound now
    return found


async def outside(work: Callable[[], Result], *, wait_seconds: float) -> Result:
    """Run a blocking call in a thread; a device that hangs is left there. Raises TokenBusy."""
    try:
        with anyio.fail_after(2 * wait_seconds):
            return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
    except TimeoutError as error:
        raise TokenBusy("Token hoặc HSM không trả lời. Hãy kiểm tra kết nối rồi thử lại.") from error


def mechanisms_of(login: Login) -> frozenset[Mechanism]:
    """Return what the token says it can do; mechanisms of the vendor's own are left out."""
    return frozenset(m for m in login.session.token.slot.get_mechanisms() if isinstance(m, Mechanism))


def _scheme(wanted: Scheme, mechanisms: frozenset[Mechanism], *, allow_pkcs1: bool) -> Scheme:
    if any(mechanism in mechanisms for mechanism, _ in WAYS[wanted]):
        return wanted
    if wanted is Scheme.ECDSA_SHA256:
        raise TokenUnfit("Token không ký được ECDSA.")
    old = any(mechanism in mechanisms for mechanism, _ in WAYS[Scheme.RSA_PKCS1_SHA256])
    if allow_pkcs1 and old:
        return Scheme.RSA_PKCS1_SHA256
    raise TokenUnfit(
        "Token không ký được RSA-PSS mà TT 15/2025/TT-BKHCN đòi hỏi"
        + (" (chỉ có PKCS#1 v1.5, chưa được cơ sở cho phép)." if old else ".")
    )


def first_way(
    key: PrivateKey, ways: list[tuple[Mechanism, bool]], scheme: Scheme, data: bytes, pin: str | None
) -> bytes:
    """Sign by the first mechanism that the token really accepts; some list what they refuse."""
    for mechanism, over_digest in ways[:-1]:
        try:
            return _by(key, mechanism, scheme, data, pin, over_digest=over_digest)
        except (pkcs11.MechanismInvalid, pkcs11.MechanismParamInvalid):
            continue
    mechanism, over_digest = ways[-1]
    return _by(key, mechanism, scheme, data, pin, over_digest=over_digest)


def _by(
    key: PrivateKey, mechanism: Mechanism, scheme: Scheme, data: bytes, pin: str | None, *, over_digest: bool
) -> bytes:
    if over_digest:
        data = hashlib.sha256(data).digest()
        if mechanism is Mechanism.RSA_PKCS:
            data = _DIGEST_INFO + data
    parameters = _PSS_PARAMETERS if scheme is Scheme.RSA_PSS_SHA256 else None
    signed = key.sign(data, mechanism=mechanism, mechanism_param=parameters, pin=pin)  # type: ignore[attr-defined]  # mixed in
    return bytes(signed)


def _compare(session: Session, uri: TokenUri, certificate: x509.Certificate) -> None:
    """See that certificates beside the key, if the token keeps any, are the registered one. Raises TokenMismatch."""
    held = [found.certificate for found in _certificates(session, uri) if _same_object(found.uri, uri)]
    if held and certificate.public_bytes(Encoding.DER) not in held:
        raise TokenMismatch(
            "Chứng thư trên token khác chứng thư đã đăng ký (có thể vừa gia hạn). Hãy đăng ký lại chứng thư."
        )


def _same_object(found: TokenUri, wanted: TokenUri) -> bool:
    return found.id == wanted.id if wanted.id else found.object == wanted.object


def _certificates(session: Session, token: TokenUri) -> list[TokenCertificate]:
    found = []
    for item in session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE}):
        uri = TokenUri(
            token=token.token,
            serial=token.serial,
            id=bytes(item[Attribute.ID]),
            object=str(item[Attribute.LABEL]),
            module=token.module,
        )
        found.append(TokenCertificate(uri, bytes(item[Attribute.VALUE])))
    return found


def _list(module: Module, wait_seconds: float) -> list[TokenView]:
    views = []
    for token in module.tokens(wait_seconds=wait_seconds):
        serial = bytes(token.serial).decode("utf-8", "replace").strip()
        place = TokenUri(token=token.label.strip(), serial=serial, module=str(module.path))
        certificates = module.read(place, partial(_certificates, token=place), wait_seconds=wait_seconds)
        views.append(TokenView(place.token, serial, token.model.strip(), str(module.path), certificates))
    return views


def module_path(modules: tuple[Path, ...], uri: TokenUri) -> Path:
    """Return the configured library of an address; a library that is not configured is never loaded. Raises TokenAbsent."""
    if not modules:
        raise TokenAbsent("Máy chủ chưa khai báo thư viện PKCS#11. Hãy liên hệ quản trị.")
    if not uri.module:
        return modules[0]
    if Path(uri.module) not in modules:
        raise TokenAbsent(f"Thư viện {uri.module} không nằm trong danh sách máy chủ cho phép.")
    return Path(uri.module)


__all__ = [
    "WAYS",
    "Pkcs11Signer",
    "TokenMismatch",
    "TokenView",
    "first_way",
    "list_tokens",
    "module_path",
    "names",
    "open_token",
]
