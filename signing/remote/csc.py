"""A client of the Cloud Signature Consortium API 1.0.4: a remote service that holds keys and asks their owners.

PIN, OTP and SAD pass through and are gone; the service's access token lives in this process only. None is ever logged.
Timestamps are left to our own authorities.
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any

import httpx
import msgspec
import structlog
from cryptography import x509
from msgspec import Struct

from kernel.clock import Instant, utc_now
from kernel.problems import Conflict, Refused
from signing.der import children
from signing.keys import WrongPin
from signing.schemes import ALGORITHM, Scheme, scheme_for
from signing.settings import CscAuth, SigningSettings

log = structlog.get_logger(__name__)

SIZE_MAXIMUM = 4_000_000  # Bytes of an answer we are ready to read.
SHA256_OID = "2.16.840.1.101.3.4.2.1"
RSA_OID, PSS_OID, PKCS1_OID = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.11"
EC_OID, ECDSA_OID = "1.2.840.10045.2.1", "1.2.840.10045.4.3.2"
SIGN_OID = {
    Scheme.RSA_PSS_SHA256: PSS_OID,
    Scheme.RSA_PKCS1_SHA256: PKCS1_OID,
    Scheme.ECDSA_SHA256: ECDSA_OID,
}


class CscUnreachable(Conflict):
    """The service does not answer, or not in its own language."""

    slug = "remote-signing-unreachable"


class CscRefused(Refused):
    """The service understood and said no."""

    slug = "remote-signing-refused"


class WrongOtp(Refused):
    slug = "wrong-otp"


class CredentialUnusable(Refused):
    """The credential is disabled, or its key can't make signatures that the law accepts."""

    slug = "credential-unusable"


class Sad:
    """Signature activation data: allows one signing. Never stored, and not shown by any representation."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "Sad(…)"


class Approval(StrEnum):
    PENDING = "pending"
    DECLINED = "declined"
    EXPIRED = "expired"


class Credential(Struct, frozen=True):
    """A key at the service: its certificate, what it can, and how its owner allows a signature."""

    id: str
    certificate: bytes
    chain: list[bytes]
    enabled: bool
    algorithms: frozenset[str]
    multisign: int
    """Most hashes in one authorization."""
    asks_pin: bool
    asks_otp: bool
    sends_otp: bool
    """The one-time code comes by message when asked for, not from a device."""

    def scheme(self, *, allow_pkcs1: bool) -> Scheme:
        """Choose how to sign. Raises WeakKey, CredentialUnusable when only what TT 15/2025 leaves out is offered."""
        key = x509.load_der_x509_certificate(self.certificate).public_key()
        best = scheme_for(key)
        offered = {Scheme.RSA_PSS_SHA256: {PSS_OID, RSA_OID}, Scheme.ECDSA_SHA256: {ECDSA_OID, EC_OID}}
        if self.algorithms & offered[best]:
            return best
        if allow_pkcs1 and best is Scheme.RSA_PSS_SHA256 and PKCS1_OID in self.algorithms:
            return Scheme.RSA_PKCS1_SHA256
        raise CredentialUnusable(
            "Dịch vụ ký từ xa không hỗ trợ thuật toán ký mà TT 15/2025/TT-BKHCN đòi (RSA-PSS hoặc ECDSA)."
        )


class _Bearer(Struct, frozen=True):
    value: str
    until: Instant

    def __repr__(self) -> str:
        return "_Bearer(…)"


_bearers: dict[tuple[str, str], _Bearer] = {}
"""Access tokens by service and account, for the life of this process."""


class CscClient:
    """Speaks to the one service of the settings."""

    def __init__(self, http: httpx.AsyncClient, settings: SigningSettings) -> None:
        if not settings.csc_url:
            raise CscRefused("Cơ sở chưa cấu hình dịch vụ ký từ xa (HOSPITAL_SIGNING_CSC_URL).")
        self._http, self._settings = http, settings
        self._base = settings.csc_url.rstrip("/")

    async def info(self) -> dict[str, Any]:
        """Ask what the service is and which methods it has (11.1)."""
        return await self._post("info", {"lang": "vi-VN"}, public=True)

    async def credentials(self, user_id: str = "") -> list[str]:
        """List the credentials of a person, or of the account we use (11.4)."""
        body: dict[str, Any] = {"maxResults": 50}
        found = await self._post("credentials/list", body | ({"userID": user_id} if user_id else {}))
        return [str(key) for key in _list(found.get("credentialIDs"))]

    async def credential(self, credential_id: str) -> Credential:
        """Ask for certificate, chain and ways of authorization of a credential (11.5)."""
        body = {
            "credentialID": credential_id,
            "certificates": "chain",
            "certInfo": False,
            "authInfo": True,
        }
        found = await self._post("credentials/info", body)
        key, cert = _dict(found.get("key")), _dict(found.get("cert"))
        certificates = [_decode(text) for text in _list(cert.get("certificates"))]
        if not certificates:
            raise CscUnreachable("Dịch vụ ký từ xa không trả chứng thư.")
        pin, otp = _dict(found.get("PIN")), _dict(found.get("OTP"))
        explicit = found.get("authMode") == "explicit"
        return Credential(
            id=credential_id,
            certificate=certificates[0],
            chain=certificates[1:],
            enabled=key.get("status", "enabled") == "enabled" and cert.get("status", "valid") == "valid",
            algorithms=frozenset(str(oid) for oid in _list(key.get("algo"))),
            multisign=int(found.get("multisign") or 1),
            asks_pin=explicit and pin.get("presence") in ("true", "optional"),
            asks_otp=explicit and otp.get("presence") in ("true", "optional"),
            sends_otp=otp.get("type") == "online",
        )

    async def send_otp(self, credential_id: str) -> None:
        """Let the service send a one-time code (11.8)."""
        await self._post("credentials/sendOTP", {"credentialID": credential_id})

    async def authorize(
        self, credential_id: str, hashes: Sequence[bytes], *, pin: str, otp: str, description: str
    ) -> Sad | str:
        """Ask for leave to sign these hashes (11.6): the SAD, or the reference of a request its owner must approve.

        Raises WrongPin, WrongOtp, CscRefused, CscUnreachable.
        """
        body: dict[str, Any] = {
            "credentialID": credential_id,
            "numSignatures": len(hashes),
            "hash": [_encode(value) for value in hashes],
            "description": description,
        }
        body |= {"PIN": pin} if pin else {}
        body |= {"OTP": otp} if otp else {}
        found = await self._post("credentials/authorize", body)
        if sad := found.get("SAD"):
            return Sad(str(sad))
        reference = found.get("handle") or found.get("transactionID")
        if not reference:
            raise CscUnreachable("Dịch vụ ký từ xa không trả mã cho phép ký.")
        return str(reference)

    async def check(self, reference: str) -> Sad | Approval:
        """Ask what became of a pending request."""
        found = await self._post(self._settings.csc_check_path, {"handle": reference})
        if sad := found.get("SAD"):
            return Sad(str(sad))
        status = str(found.get("status", "pending")).lower()
        return Approval(status) if status in set(Approval) else Approval.PENDING

    async def sign(
        self, credential_id: str, sad: Sad, hashes: Sequence[bytes], scheme: Scheme
    ) -> list[bytes]:
        """Return the signature values in the order of the hashes (11.10), in several calls when they are many (11.7)."""
        size, values = max(1, self._settings.csc_hashes_per_call), []
        for at in range(0, len(hashes), size):
            part = hashes[at : at + size]
            if at:
                sad = await self._extend(credential_id, sad, part)
            values += await self._sign_hash(credential_id, sad, part, scheme)
        return values

    async def _extend(self, credential_id: str, sad: Sad, hashes: Sequence[bytes]) -> Sad:
        body = {
            "credentialID": credential_id,
            "SAD": sad.value,
            "hash": [_encode(value) for value in hashes],
        }
        found = await self._post("credentials/extendTransaction", body)
        if not found.get("SAD"):
            raise CscUnreachable("Dịch vụ ký từ xa không gia hạn phiên ký.")
        return Sad(str(found["SAD"]))

    async def _sign_hash(
        self, credential_id: str, sad: Sad, hashes: Sequence[bytes], scheme: Scheme
    ) -> list[bytes]:
        body: dict[str, Any] = {
            "credentialID": credential_id,
            "SAD": sad.value,
            "hash": [_encode(value) for value in hashes],
            "hashAlgo": SHA256_OID,
            "signAlgo": SIGN_OID[scheme],
        }
        if scheme is Scheme.RSA_PSS_SHA256:
            body["signAlgoParams"] = _encode(pss_parameters())
        found = await self._post("signatures/signHash", body)
        values = [_decode(text) for text in _list(found.get("signatures"))]
        if len(values) != len(hashes):
            raise CscUnreachable("Dịch vụ ký từ xa trả thiếu chữ ký.")
        return values

    async def _post(self, path: str, body: dict[str, Any], *, public: bool = False) -> dict[str, Any]:
        """Call a method; an access token that the service no longer takes is fetched anew once."""
        for again in (False, True):
            headers = {} if public else {"authorization": f"Bearer {await self._bearer(fresh=again)}"}
            answer = await self._send(f"{self._base}/{path}", json=body, headers=headers)
            if answer.status_code == 401 and not public and not again:
                continue
            break
        return self._read(path, answer)

    async def _send(self, url: str, **more: Any) -> httpx.Response:
        try:
            answer = await self._http.post(url, timeout=self._settings.csc_timeout_seconds, **more)
        except httpx.HTTPError as error:
            log.warning("csc.failed", error=type(error).__name__)
            raise CscUnreachable(
                "Không liên lạc được dịch vụ ký từ xa. Chưa ký văn bản nào, hãy thử lại."
            ) from None
        if len(answer.content) > SIZE_MAXIMUM:
            raise CscUnreachable("Dịch vụ ký từ xa trả lời quá lớn.")
        return answer

    def _read(self, path: str, answer: httpx.Response) -> dict[str, Any]:
        """Read an answer, or tell the service's refusal in our words; its own text may repeat what was typed."""
        try:
            found = msgspec.json.decode(answer.content, type=dict[str, Any]) if answer.content else {}
        except msgspec.DecodeError:
            log.warning("csc.garbage", path=path, status=answer.status_code)
            raise CscUnreachable("Dịch vụ ký từ xa trả lời không đọc được. Chưa ký văn bản nào.") from None
        if answer.is_success:
            return found
        code = str(found.get("error", ""))[:60]
        log.warning("csc.refused", path=path, status=answer.status_code, error=code)
        said = str(found.get("error_description", "")).lower()
        if code == "invalid_otp" or (code == "invalid_request" and "otp" in said):
            raise WrongOtp("Mã OTP không đúng hoặc đã hết hạn, chưa ký văn bản nào.", field="otp")
        if code == "invalid_pin" or (code == "invalid_request" and "pin" in said):
            raise WrongPin("Mã PIN của dịch vụ ký từ xa không đúng, chưa ký văn bản nào.", field="pin")
        if answer.status_code >= 500:
            raise CscUnreachable("Dịch vụ ký từ xa đang gặp lỗi. Chưa ký văn bản nào, hãy thử lại.")
        raise CscRefused("Dịch vụ ký từ xa từ chối yêu cầu này. Chưa ký văn bản nào.", extra={"error": code})

    async def _bearer(self, *, fresh: bool) -> str:
        settings, now = self._settings, utc_now()
        account = (self._base, settings.csc_user or settings.csc_client_id)
        known = _bearers.get(account)
        if known is not None and known.until > now and not fresh:
            return known.value
        if settings.csc_auth is CscAuth.BASIC:
            user = httpx.BasicAuth(settings.csc_user, settings.csc_password)
            answer = await self._send(f"{self._base}/auth/login", json={"rememberMe": True}, auth=user)
        else:
            form = {
                "grant_type": "client_credentials",
                "client_id": settings.csc_client_id,
                "client_secret": settings.csc_client_secret,
            }
            answer = await self._send(settings.csc_oauth_url or f"{self._base}/oauth2/token", data=form)
        found = self._read("auth", answer)
        if not found.get("access_token"):
            raise CscUnreachable("Dịch vụ ký từ xa không cấp quyền truy cập cho cơ sở.")
        life = timedelta(seconds=max(30, int(found.get("expires_in") or 600) - 30))
        bearer = _bearers[account] = _Bearer(str(found["access_token"]), now + life)
        return bearer.value


def pss_parameters() -> bytes:
    """Return the DER of RSASSA-PSS-params as our signatures name them (SHA-256, MGF1, salt 32)."""
    whole = ALGORITHM[Scheme.RSA_PSS_SHA256]
    _, parameters = children(whole, 2, len(whole))
    return whole[parameters[1] : parameters[3]]


def _encode(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _decode(text: Any) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        raise CscUnreachable("Dịch vụ ký từ xa trả dữ liệu không đọc được.") from None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
