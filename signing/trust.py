"""Which roots we believe, and the path from a certificate up to one of them."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

DEPTH_MAXIMUM = 5
DEMO_MARK = "CHẠY THỬ"
_PATHS_KEPT = 512


class TrustList:
    """Roots (neo tin cậy) and known issuing certificates; paths that were found are remembered, in bounded number."""

    def __init__(
        self,
        roots: Sequence[x509.Certificate],
        intermediates: Sequence[x509.Certificate] = (),
        *,
        demo: bool = False,
    ) -> None:
        self.roots, self.intermediates = tuple(roots), tuple(intermediates)
        self.demo = demo or any(DEMO_MARK in root.subject.rfc4514_string() for root in roots)
        """A demo root is among the roots: every report says so, loudly."""
        self._paths: OrderedDict[bytes, tuple[x509.Certificate, ...]] = OrderedDict()

    @classmethod
    def from_pem(cls, pem: bytes, *, demo: bool = False) -> "TrustList":
        """Read certificates: the self-signed ones are roots, the others help to build paths."""
        found = x509.load_pem_x509_certificates(pem)
        roots = [c for c in found if c.subject == c.issuer]
        return cls(roots, [c for c in found if c.subject != c.issuer], demo=demo)

    @cached_property
    def fingerprint(self) -> bytes:
        """Hash of the roots: part of the key of cached verdicts."""
        whole = hashlib.sha256()
        for der in sorted(c.public_bytes(Encoding.DER) for c in (*self.roots, *self.intermediates)):
            whole.update(hashlib.sha256(der).digest())
        return whole.digest()

    def path(
        self, certificate: x509.Certificate, *, at: datetime, extra: Sequence[bytes] = ()
    ) -> tuple[x509.Certificate, ...] | None:
        """Return the certificates from this one to a root, all in force at a moment; None when there is no such path."""
        key = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
        path = self._paths.get(key)
        if path is None:
            pool = [*self.intermediates, *(x509.load_der_x509_certificate(der) for der in extra)]
            path = self._build(certificate, pool)
            if path is None:
                return None
            self._paths[key] = path
            if len(self._paths) > _PATHS_KEPT:
                self._paths.popitem(last=False)
        inside = all(link.not_valid_before_utc <= at <= link.not_valid_after_utc for link in path)
        return path if inside else None

    def _build(
        self, certificate: x509.Certificate, pool: Sequence[x509.Certificate]
    ) -> tuple[x509.Certificate, ...] | None:
        path = [certificate]
        while len(path) <= DEPTH_MAXIMUM:
            root = next((root for root in self.roots if _issued(root, path[-1])), None)
            if root is not None:
                return tuple(path) if root == path[-1] else (*path, root)
            issuer = next((c for c in pool if c not in path and _issued(c, path[-1])), None)
            if issuer is None:
                return None
            path.append(issuer)
        return None


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    if certificate == issuer:
        return True
    if certificate.issuer != issuer.subject or not _is_authority(issuer):
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        limits = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return limits.ca and usage.key_cert_sign


def whole_certificates(embedded: Sequence[bytes], known: Sequence[x509.Certificate]) -> bool:
    """Tell whether every certificate inside a signature is readable and unaltered: no signature covers them but their own."""
    try:
        certificates = [x509.load_der_x509_certificate(der) for der in embedded]
    except ValueError:
        return False
    pool = (*known, *certificates)
    return all(any(_made(issuer, certificate) for issuer in pool) for certificate in certificates)


def _made(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    if certificate.issuer != issuer.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True
