"""Make a key pair inside a token or HSM and let it sign its own certificate request; take one away again."""

import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from msgspec import Struct
from msgspec.structs import replace
from pkcs11 import Attribute, KeyType, MechanismFlag, ObjectClass
from pkcs11.types import PrivateKey, Session
from pkcs11.types import PublicKey as TokenPublicKey
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters
from pkcs11.util.rsa import encode_rsa_public_key

from signing.pkcs11 import WAYS, first_way, module_path, outside
from signing.pkcs11_module import TokenUnfit, module_at
from signing.pkcs11_uri import TokenUri
from signing.requests import (
    RSA_BITS,
    Algorithm,
    PublicKey,
    assembled,
    public_der,
    request_info,
    request_scheme,
)
from signing.schemes import Scheme, to_der

CAPABILITIES = MechanismFlag.SIGN | MechanismFlag.VERIFY
PRIVATE = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False, Attribute.PRIVATE: True}


class TokenRequest(Struct, frozen=True):
    """A key that is now on the token, and the request it signed."""

    uri: TokenUri
    request: bytes
    public_key: bytes


async def request_on_token(
    modules: tuple[Path, ...],
    place: TokenUri,
    pin: str,
    algorithm: Algorithm,
    subject: x509.Name,
    *,
    label: str,
    wait_seconds: float,
) -> TokenRequest:
    """Make a key pair that never leaves the token, and a request signed by it. A failure leaves no key behind.

    Raises WrongPin, TokenPinLocked, TokenAbsent, TokenBusy, TokenUnfit.
    """
    module = module_at(module_path(modules, place))
    key_id = os.urandom(8)
    uri = replace(place, id=key_id, object="", module=str(module.path))

    def work(session: Session) -> TokenRequest:
        try:
            public, private = _pair(session, algorithm, key_id, label)
            key = load_der_public_key(public)
            assert isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
            request = _signed(private, key, subject, pin)
        except BaseException:
            _destroy(session, key_id)
            raise
        return TokenRequest(uri, request, public_der(key))

    return await outside(
        lambda: module.change(place, pin, work, wait_seconds=wait_seconds), wait_seconds=wait_seconds
    )


async def remove_from_token(
    modules: tuple[Path, ...], uri: TokenUri, pin: str, *, wait_seconds: float
) -> None:
    """Destroy a key pair of ours on a token. Raises what `request_on_token` raises."""
    module = module_at(module_path(modules, uri))
    await outside(
        lambda: module.change(uri, pin, lambda session: _destroy(session, uri.id), wait_seconds=wait_seconds),
        wait_seconds=wait_seconds,
    )


def _pair(session: Session, algorithm: Algorithm, key_id: bytes, label: str) -> tuple[bytes, PrivateKey]:
    if algorithm is Algorithm.EC_P256:
        domain = session.create_domain_parameters(
            KeyType.EC, {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}, local=True
        )
        public, private = domain.generate_keypair(
            id=key_id, label=label, store=True, capabilities=CAPABILITIES, private_template=PRIVATE
        )
        return encode_ec_public_key(public), private
    public, private = session.generate_keypair(
        KeyType.RSA,
        RSA_BITS[algorithm],
        id=key_id,
        label=label,
        store=True,
        capabilities=CAPABILITIES,
        private_template=PRIVATE,
    )
    return encode_rsa_public_key(public), private


def _signed(private: PrivateKey, key: PublicKey, subject: x509.Name, pin: str) -> bytes:
    """Raises TokenUnfit for a token whose request does not hold."""
    scheme, info = request_scheme(key), request_info(key, subject)
    asks = bool(private[Attribute.ALWAYS_AUTHENTICATE])
    value = first_way(private, list(WAYS[scheme]), scheme, info, pin if asks else None)
    request = assembled(info, scheme, to_der(value) if scheme is Scheme.ECDSA_SHA256 else value)
    if not x509.load_der_x509_csr(request).is_signature_valid:
        raise TokenUnfit("Token tạo khóa được nhưng chữ ký trên yêu cầu cấp chứng thư không đúng.")
    return request


def _destroy(session: Session, key_id: bytes) -> None:
    for kind in (ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY):
        for found in session.get_objects({Attribute.CLASS: kind, Attribute.ID: key_id}):
            assert isinstance(found, PrivateKey | TokenPublicKey)
            found.destroy()
