"""A fake remote signing service (CSC API 1.0.4) and the phone on which its customers approve.

Keys made for it, never the hospital's. A credential either asks the phone (the request is pending until its owner
answers; then we call the hospital back, and may be asked meanwhile) or takes PIN and one-time code in the request.
Misbehaves on command: POST /outside/csc/mood {"mode": ...}.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
import secrets
import time
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from litestar import Request, Response, Router, get, post
from litestar.enums import MediaType
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct, field, json

from hospital.demo.outside.credentials import CSC_CALLBACK_SECRET, CSC_PASSWORD, CSC_USER
from hospital.demo.outside.csc_moods import MOOD_WORDS, Mood, SetMood
from hospital.demo.outside.csc_pages import phone_page
from hospital.demo.pki import Key
from signing.remote.csc import EC_OID, ECDSA_OID, PKCS1_OID, PSS_OID, RSA_OID
from signing.remote.rest import callback_signature
from signing.schemes import PREHASHED, PSS_PADDING

CLIENT_ID, CLIENT_SECRET = "lanh", "demo-remote-signing-client"
PIN, SLOW_SECONDS = "24681357", 20.0
FOLDER = Path("outside") / "csc"
Body = dict[str, Any]


class Holding(Struct):
    """A credential: key, certificates, and how its owner allows a signature."""

    id: str
    key: Key
    certificate: x509.Certificate
    chain: list[x509.Certificate]
    user_id: str = ""
    explicit: bool = False
    multisign: int = 100
    algorithms: list[str] = field(default_factory=list)
    enabled: bool = True


class Pending(Struct):
    """A request on somebody's phone."""

    handle: str
    credential_id: str
    hashes: list[bytes]
    lines: list[str]
    asked_at: float
    status: str = "pending"


class Grant(Struct):
    """What one SAD allows: these hashes, once each."""

    credential_id: str
    left: list[bytes]
    extended: bool = False


class Provider(Struct):
    """What the service holds."""

    folder: Path
    callback: str
    mood: Mood = Mood.OK
    slow_seconds: float = SLOW_SECONDS
    holdings: dict[str, Holding] = field(default_factory=dict)
    pending: dict[str, Pending] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    codes: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    """Status of each callback."""
    http: httpx.AsyncClient | None = None
    """Given by tests that answer callbacks in this process."""

    def holding(self, credential_id: str) -> Holding | None:
        """Find a credential, also one that was made after we started."""
        path = self.folder / f"{credential_id}.json"
        if credential_id not in self.holdings and path.exists():
            self.holdings[credential_id] = read_holding(path)
        return self.holdings.get(credential_id)


class _Kept(Struct, frozen=True):
    """A credential in the demo's folder."""

    id: str
    user_id: str
    key: bytes
    certificates: list[bytes]
    explicit: bool = False


def write_holding(folder: Path, holding: Holding) -> None:
    """Keep a credential for the demo's service."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = _Kept(
        holding.id,
        holding.user_id,
        holding.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        [c.public_bytes(Encoding.DER) for c in (holding.certificate, *holding.chain)],
        holding.explicit,
    )
    descriptor = os.open(folder / f"{holding.id}.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(json.encode(kept))


def read_holding(path: Path) -> Holding:
    """Read what `write_holding` wrote."""
    kept = json.decode(path.read_bytes(), type=_Kept)
    key = load_pem_private_key(kept.key, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise UnsupportedAlgorithm(path.name)
    own, *chain = (x509.load_der_x509_certificate(der) for der in kept.certificates)
    return Holding(kept.id, key, own, chain, kept.user_id, kept.explicit)


def refuse(error: str, description: str, status: int = 400) -> Response[Any]:
    return Response({"error": error, "error_description": description}, status_code=status)


def routes(settings: Any, provider: Provider | None = None) -> list[Router]:
    """Return the routes of the service and of its phone application."""
    state = provider or Provider(settings.data_dir / FOLDER, f"{settings.base_url}/webhooks/signing/csc")
    api = Router("/csc/v1", route_handlers=[_api(state)])
    return [Router("/outside/csc", route_handlers=[api, *_phone(state)], opt={"public": True})]


def _api(state: Provider) -> Any:
    @post("/{path:path}", status_code=200, operation_id="outsideCsc", opt={"exclude_from_csrf": True})
    async def call(path: FromPath[str], request: Request[Any, Any, Any]) -> Response[Any]:
        """Answer one method of the API, in our mood."""
        name = path.strip("/")
        state.calls.append(name)
        if state.mood is Mood.SLOW or (state.mood is Mood.SLOW_SIGNATURE and name == "signatures/signHash"):
            await asyncio.sleep(state.slow_seconds)
        if state.mood is Mood.ERROR:
            return refuse("server_error", "down", 503)
        if state.mood is Mood.GARBAGE:
            return Response(b"<html>it works</html>", media_type=MediaType.HTML)
        if name == "auth/login":
            return _login(state, request)
        if name == "oauth2/token":
            return _oauth(state, dict((await request.form()).items()))
        body: Body = json.decode(await request.body() or b"{}")
        if name == "info":
            return Response({"specs": "1.0.4.0", "name": "Ký từ xa (chạy thử)", "methods": sorted(METHODS)})
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in state.tokens:
            return refuse("invalid_token", "Missing or unknown access token", 401)
        method = METHODS.get(name)
        return method(state, body) if method else refuse("invalid_request", "No such method", 404)

    return call


def _token(state: Provider) -> Response[Any]:
    value = secrets.token_urlsafe(24)
    state.tokens.add(value)
    return Response({"access_token": value, "token_type": "Bearer", "expires_in": 3600})


def _login(state: Provider, request: Request[Any, Any, Any]) -> Response[Any]:
    given = request.headers.get("authorization", "").removeprefix("Basic ")
    expected = base64.b64encode(f"{CSC_USER}:{CSC_PASSWORD}".encode()).decode()
    return _token(state) if hmac.compare_digest(given, expected) else refuse("access_denied", "", 401)


def _oauth(state: Provider, form: Body) -> Response[Any]:
    known = (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
    return _token(state) if known else refuse("invalid_client", "", 401)


def _list(state: Provider, body: Body) -> Response[Any]:
    for path in state.folder.glob("*.json"):
        state.holding(path.stem)
    user = body.get("userID")
    found = [h.id for h in state.holdings.values() if not user or h.user_id == user]
    return Response({"credentialIDs": found})


def _info(state: Provider, body: Body) -> Response[Any]:
    holding = state.holding(str(body.get("credentialID")))
    if holding is None:
        return refuse("invalid_request", "Invalid parameter credentialID")
    certificates = [holding.certificate, *holding.chain]
    if state.mood is Mood.ANOTHER_CERTIFICATE:
        certificates = certificates[1:]
    is_rsa = isinstance(holding.key, rsa.RSAPrivateKey)
    own = [RSA_OID, PSS_OID, PKCS1_OID] if is_rsa else [EC_OID, ECDSA_OID]
    asks = "true" if holding.explicit else "false"
    return Response(
        {
            "key": {
                "status": "enabled" if holding.enabled else "disabled",
                "algo": holding.algorithms or own,
                "len": holding.key.key_size,
            },
            "cert": {
                "status": "valid",
                "certificates": [
                    base64.b64encode(c.public_bytes(Encoding.DER)).decode() for c in certificates
                ],
            },
            "authMode": "explicit" if holding.explicit else "implicit",
            "PIN": {"presence": asks},
            "OTP": {"presence": asks, "type": "online"},
            "multisign": holding.multisign,
            "SCAL": "2",
        }
    )


def _send_otp(state: Provider, body: Body) -> Response[Any]:
    holding = state.holding(str(body.get("credentialID")))
    if holding is None:
        return refuse("invalid_request", "Invalid parameter credentialID")
    state.codes[holding.id] = f"{secrets.randbelow(10**6):06d}"
    return Response(None, status_code=204)


def _authorize(state: Provider, body: Body) -> Response[Any]:
    holding = state.holding(str(body.get("credentialID")))
    if holding is None:
        return refuse("invalid_request", "Invalid parameter credentialID")
    try:
        hashes = [base64.b64decode(text, validate=True) for text in body.get("hash", [])]
    except binascii.Error:
        return refuse("invalid_request", "Invalid Base64 hash")
    if body.get("numSignatures") != len(hashes) or not 0 < len(hashes) <= holding.multisign:
        return refuse("invalid_request", "Invalid numSignatures")
    if not holding.explicit:
        handle = secrets.token_hex(16)
        lines = str(body.get("description", "")).splitlines()
        state.pending[handle] = Pending(handle, holding.id, hashes, lines, time.time())
        return Response({"handle": handle}, status_code=202)
    if body.get("PIN") != PIN:
        return refuse("invalid_pin", "The PIN is invalid")
    if not body.get("OTP") or body.get("OTP") != state.codes.pop(holding.id, None):
        return refuse("invalid_otp", "The OTP is invalid")
    return Response({"SAD": _grant(state, holding.id, hashes), "expiresIn": 300})


def _grant(state: Provider, credential_id: str, hashes: list[bytes]) -> str:
    sad = "SAD-" + secrets.token_urlsafe(24)
    state.grants[sad] = Grant(credential_id, list(hashes))
    return sad


def _check(state: Provider, body: Body) -> Response[Any]:
    pending = state.pending.get(str(body.get("handle")))
    if pending is None:
        return refuse("invalid_request", "Invalid handle")
    if pending.status == "approved" and state.mood is not Mood.TIMEOUT:
        pending.status = "used"  # One leave for one approval, whoever asks again.
        return Response({"SAD": _grant(state, pending.credential_id, pending.hashes), "expiresIn": 300})
    if pending.status == "used":
        return refuse("invalid_request", "The authorization was used")
    status = "pending" if state.mood is Mood.TIMEOUT else pending.status
    return Response({"status": status}, status_code=202)


def _extend(state: Provider, body: Body) -> Response[Any]:
    grant = state.grants.pop(str(body.get("SAD")), None)
    if grant is None or not grant.left:
        return refuse("invalid_request", "Invalid parameter SAD")
    sad = _grant(state, grant.credential_id, grant.left)
    return Response({"SAD": sad, "expiresIn": 300})


def _sign_hash(state: Provider, body: Body) -> Response[Any]:
    grant = state.grants.get(str(body.get("SAD")))
    holding = state.holding(str(body.get("credentialID")))
    hashes = [base64.b64decode(text) for text in body.get("hash", [])]
    if grant is None or holding is None or grant.credential_id != holding.id:
        return refuse("invalid_request", "Invalid parameter SAD")
    if any(value not in grant.left for value in hashes):
        return refuse("invalid_request", "Hash is not authorized by the SAD")
    grant.left = [value for value in grant.left if value not in hashes]
    key = holding.key
    if state.mood is Mood.WRONG_SIGNATURE:
        hashes = [hashlib.sha256(value).digest() for value in hashes]
    values = [_sign(key, value, str(body.get("signAlgo"))) for value in hashes]
    return Response({"signatures": [base64.b64encode(value).decode() for value in values]})


def _sign(key: Key, digest: bytes, algorithm: str) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(digest, ec.ECDSA(PREHASHED))
    return key.sign(digest, PSS_PADDING if algorithm == PSS_OID else padding.PKCS1v15(), PREHASHED)


METHODS = {
    "credentials/list": _list,
    "credentials/info": _info,
    "credentials/sendOTP": _send_otp,
    "credentials/authorize": _authorize,
    "credentials/authorizeCheck": _check,
    "credentials/extendTransaction": _extend,
    "signatures/signHash": _sign_hash,
}


async def call_back(state: Provider, handle: str) -> None:
    """Tell the hospital that a request was answered; in some moods not at all, wrongly, or several times at once."""
    if state.mood in {Mood.NO_CALLBACK, Mood.TIMEOUT}:
        return
    body = json.encode({"handle": handle})
    stamp = str(int(time.time()))
    secret = "wrong" if state.mood is Mood.WRONG_HMAC else CSC_CALLBACK_SECRET
    headers = {
        "content-type": "application/json",
        "x-csc-timestamp": stamp,
        "x-csc-signature": callback_signature(secret, stamp, body),
    }
    times = 3 if state.mood is Mood.DUPLICATE_CALLBACK else 1
    async with httpx.AsyncClient(timeout=30) as own:
        http = state.http or own
        sending = [http.post(state.callback, content=body, headers=headers) for _ in range(times)]
        answers = await asyncio.gather(*sending, return_exceptions=True)
    state.sent += [a.status_code if isinstance(a, httpx.Response) else 0 for a in answers]


def answer(state: Provider, handle: str, *, approve: bool) -> bool:
    """Answer a request on the phone; one that was answered stays as it is."""
    pending = state.pending.get(handle)
    if pending is None or pending.status != "pending":
        return False
    pending.status = "approved" if approve else "declined"
    return True


def _phone(state: Provider) -> list[Any]:
    """The application on the phone, and the switch of our mood."""

    @get("/", media_type=MediaType.HTML, operation_id="outsideCscPhone")
    async def page() -> str:
        """Show what waits on the phone."""
        waiting = [p for p in state.pending.values() if p.status == "pending"]
        done = [p for p in state.pending.values() if p.status != "pending"][-5:]
        names = {
            p.credential_id: h.user_id for p in (*waiting, *done) if (h := state.holding(p.credential_id))
        }
        moods = {mood.value: words for mood, words in MOOD_WORDS.items()}
        return phone_page(waiting, done, names, state.codes, moods, state.mood.value)

    @post("/app/{handle:str}/{word:str}", status_code=303, operation_id="outsideCscAnswer")
    async def press(handle: FromPath[str], word: FromPath[str]) -> Redirect:
        """Approve or decline."""
        if answer(state, handle, approve=word == "approve"):
            await call_back(state, handle)
        return Redirect("/outside/csc/", status_code=303)

    @get("/pending", operation_id="outsideCscPending")
    async def pending() -> list[dict[str, Any]]:
        """List requests for programs, the oldest first."""
        return [
            {"handle": p.handle, "credential": p.credential_id, "documents": p.lines, "status": p.status}
            for p in state.pending.values()
        ]

    @post("/mood", status_code=204, operation_id="outsideCscMood")
    async def mood(request: Request[Any, Any, Any]) -> Response[None]:
        """Make the service behave or misbehave; from the page or by a program."""
        if request.headers.get("content-type", "").startswith("application/json"):
            state.mood = json.decode(await request.body(), type=SetMood).mode
            return Response(None, status_code=204)
        state.mood = Mood(str((await request.form()).get("mode", "ok")))
        return Response(None, status_code=303, headers={"location": "/outside/csc/"})

    return [page, press, pending, mood]
