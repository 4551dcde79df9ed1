"""`POST /webhooks/signing/csc`: the remote service says that somebody answered on the phone."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from litestar import Controller, Request, post
from litestar.di import NamedDependency
from msgspec import Struct

from kernel.clock import Instant, utc_now
from kernel.problems import Forbidden, Refused
from kernel.services import Services
from signing.remote.finish import ask_remote
from signing.remote.sittings import SittingNotFound, sitting_of_reference
from signing.settings import SigningSettings

SKEW = timedelta(minutes=5)


class CallbackForged(Forbidden):
    """No or another signature, or an old one: nobody is believed."""

    slug = "callback-forged"


class CallbackUnreadable(Refused):
    slug = "callback-unreadable"


class Callback(Struct, frozen=True):
    """News about a request. It only wakes us: what became of it we ask ourselves."""

    handle: str


def callback_signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the HMAC-SHA256, in hex, of "timestamp.body"."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def check_callback(secret: str, timestamp: str, signature: str, body: bytes, *, now: Instant) -> None:
    """Believe a callback or not. Raises CallbackForged."""
    try:
        at = datetime.fromtimestamp(int(timestamp), UTC)
    except (ValueError, OverflowError):
        raise CallbackForged("Thông báo thiếu thời điểm.") from None
    expected = callback_signature(secret, timestamp, body)
    if not secret or abs(now - at) > SKEW or not hmac.compare_digest(expected, signature):
        raise CallbackForged("Thông báo không mang chữ ký đúng hoặc đã cũ.")


class RemoteCallbackController(Controller):
    path = "/webhooks/signing"
    opt = {"public": True}  # The signature is the guard.

    @post("/csc", status_code=200, operation_id="takeRemoteSigningNotice", request_max_body_size=16_385)
    async def take(
        self,
        request: Request[Any, Any, Any],
        services: NamedDependency[Services],
        signing_settings: NamedDependency[SigningSettings],
    ) -> dict[str, str]:
        """Take the news that a request was answered; the same news again changes nothing."""
        body, now = await request.body(), utc_now()
        headers = request.headers
        stamp, signature = headers.get("x-csc-timestamp", ""), headers.get("x-csc-signature", "")
        check_callback(signing_settings.csc_callback_secret, stamp, signature, body, now=now)
        try:
            news = msgspec.json.decode(body, type=Callback)
        except (msgspec.DecodeError, msgspec.ValidationError):
            raise CallbackUnreadable("Thông báo không đọc được.") from None
        async with services.sessions() as session:
            sitting_id = await sitting_of_reference(session, news.handle)
        if sitting_id is None:
            raise SittingNotFound("Không có yêu cầu ký nào mang mã này.")
        sitting = await ask_remote(services, sitting_id, now)
        return {"state": sitting.state}
