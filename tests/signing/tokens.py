"""A real SoftHSM2 for the tests: a folder of its own, tokens with keys and certificates."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pkcs11
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key
from msgspec.structs import replace
from pkcs11 import Attribute, KeyType, ObjectClass
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters
from pkcs11.util.rsa import encode_rsa_public_key

from hospital.demo.pki import DemoPki, Holder
from signing.pkcs11_uri import TokenUri

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
SO_PIN, TOKEN_PIN = "SoKhongDung99", "tokenpin-58214"
RSA_ID, EC_ID, ASKING_ID, BARE_ID = b"\x01", b"\x02", b"\x03", b"\x04"


class PublicHalf:
    """A key of which the authority sees only the public half, as with every token."""

    def __init__(self, key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> None:
        self._key = key

    def public_key(self) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
        return self._key


class SoftHsm:
    """One folder of tokens; the library of this process looks there."""

    def __init__(self, folder: Path) -> None:
        self.tokens = folder / "tokens"
        self.tokens.mkdir(parents=True)
        configuration = folder / "softhsm2.conf"
        configuration.write_text(f"directories.tokendir = {self.tokens}\nlog.level = ERROR\n")
        os.environ["SOFTHSM2_CONF"] = str(configuration)
        self._refresh()

    def _refresh(self) -> None:
        library = pkcs11.lib(str(MODULE))
        library.reinitialize()

    def new_token(self, label: str) -> TokenUri:
        """Make a token with a PIN and nothing on it."""
        command = ["softhsm2-util", "--init-token", "--free", "--label", label]
        done = subprocess.run(
            [*command, "--pin", TOKEN_PIN, "--so-pin", SO_PIN], capture_output=True, text=True, check=True
        )
        assert "initialized" in done.stdout, done.stdout
        self._refresh()
        token = pkcs11.lib(str(MODULE)).get_token(token_label=label)
        return TokenUri(token=label, serial=bytes(token.serial).decode().strip(), module=str(MODULE))

    def new_key(
        self, token: TokenUri, key_id: bytes, *, curve: str | None = None, bits: int = 2048, **attributes: Any
    ) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
        """Make a key pair on a token and return its public half."""
        self._refresh()  # Sign-ins of earlier tests end with the library.
        more = {Attribute[name.upper()]: value for name, value in attributes.items()}
        with (
            pkcs11.lib(str(MODULE))
            .get_token(token_label=token.token)
            .open(rw=True, user_pin=TOKEN_PIN) as session
        ):
            if curve:
                domain = session.create_domain_parameters(
                    KeyType.EC, {Attribute.EC_PARAMS: encode_named_curve_parameters(curve)}, local=True
                )
                public, _ = domain.generate_keypair(
                    store=True, id=key_id, label=f"key{key_id.hex()}", private_template=more
                )
                der = encode_ec_public_key(public)
            else:
                public, _ = session.generate_keypair(
                    KeyType.RSA,
                    bits,
                    store=True,
                    id=key_id,
                    label=f"key{key_id.hex()}",
                    private_template=more,
                )
                der = encode_rsa_public_key(public)
        key = load_der_public_key(der)
        assert isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
        return key

    def put_certificate(self, token: TokenUri, key_id: bytes, certificate: x509.Certificate) -> None:
        """Store a certificate object beside the key."""
        self._refresh()
        with (
            pkcs11.lib(str(MODULE))
            .get_token(token_label=token.token)
            .open(rw=True, user_pin=TOKEN_PIN) as session
        ):
            session.create_object(
                {
                    Attribute.CLASS: ObjectClass.CERTIFICATE,
                    Attribute.CERTIFICATE_TYPE: pkcs11.CertificateType.X_509,
                    Attribute.TOKEN: True,
                    Attribute.PRIVATE: False,
                    Attribute.ID: key_id,
                    Attribute.LABEL: f"key{key_id.hex()}",
                    Attribute.SUBJECT: certificate.subject.public_bytes(),
                    Attribute.VALUE: certificate.public_bytes(Encoding.DER),
                }
            )

    def certify(
        self, pki: DemoPki, holder: Holder, token: TokenUri, key_id: bytes, *, store: bool = True, **key: Any
    ) -> tuple[TokenUri, x509.Certificate]:
        """Make a key, let the authority certify it, store the certificate; return where it is."""
        half: Any = PublicHalf(self.new_key(token, key_id, **key))
        certificate, _ = pki.issue(holder, half, now=datetime.now(UTC))
        if store:
            self.put_certificate(token, key_id, certificate)
        return replace(token, id=key_id), certificate

    def pull(self) -> None:
        """Pull every token out: their folders are gone."""
        self.tokens.rename(self.tokens.with_name("pulled"))
        self.tokens.mkdir()

    def put_back(self) -> None:
        self.tokens.rmdir()
        self.tokens.with_name("pulled").rename(self.tokens)
