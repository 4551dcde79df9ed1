"""Remote signing for programs: start, look, cancel; and `POST /webhooks/signing/csc`, where the remote service calls back."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant, utc_now
from kernel.problems import Forbidden, Refused
from kernel.services import Services
from kernel.staff.api import Actor, signed_in
from signing.key_kinds import KeyKind
from signing.remote.finish import ask_remote
from signing.remote.rules import ItemState, SittingState
from signing.remote.service import start_remote
from signing.remote.sittings import (
    SittingNotFound,
    SittingView,
    cancel_sitting,
    get_sitting,
    sitting_of_reference,
)
from signing.remote.ways import send_code
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


class StartRemote(Struct, frozen=True, forbid_unknown_fields=True):
    """One approval over documents. PIN and one-time code only where the remote service asks for them through us."""

    documents: Annotated[list[UUID], Meta(min_length=1)]
    pin: str = ""
    otp: str = ""


class AskCode(Struct, frozen=True, forbid_unknown_fields=True):
    """The documents whose signer's key asks for a code; none: the key that signs everything else."""

    documents: list[UUID] = []


class RemoteDocument(Struct, frozen=True):
    """One document of a remote sitting and what became of it."""

    id: UUID
    title: str
    sha256: str
    """Of the bytes as they were when the sitting began; empty for one that was left out."""
    state: ItemState
    reason: str


class RemoteSittingView(Struct, frozen=True):
    """A remote sitting (phiên ký từ xa) as its owner sees it; what is being signed stays inside."""

    id: UUID
    key_kind: KeyKind
    state: SittingState
    ended: bool
    reason: str
    created_at: Instant
    expires_at: Instant
    signed: int
    documents: list[RemoteDocument]


def _shown(sitting: SittingView) -> RemoteSittingView:
    return RemoteSittingView(
        id=sitting.id,
        key_kind=sitting.way,
        state=sitting.state,
        ended=sitting.state.ended,
        reason=sitting.reason,
        created_at=sitting.created_at,
        expires_at=sitting.expires_at,
        signed=sitting.signed,
        documents=[
            RemoteDocument(item.document_id, item.title, item.head_sha256, item.state, item.reason)
            for item in sitting.items
        ],
    )


class RemoteController(Controller):
    path = "/api/signing/remote-sittings"
    tags = ("signing",)
    guards = (signed_in,)

    @post(operation_id="startRemoteSitting")
    async def start(
        self,
        data: JSONBody[StartRemote],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> RemoteSittingView:
        """Ask my phone or token for one approval of documents (ký từ xa).

        Problems: no-certificate, sign-another-way, batch-too-large, nothing-to-sign, wrong-pin, wrong-otp,
        remote-signing-refused, remote-signing-unreachable, credential-unusable, certificate-…
        """
        sitting = await start_remote(services, actor, data.documents, utc_now(), pin=data.pin, otp=data.otp)
        return _shown(sitting)

    @post("/codes", operation_id="sendRemoteSigningCode", status_code=204)
    async def send_code(
        self,
        data: JSONBody[AskCode],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> None:
        """Let the remote service send me a one-time code for these documents.

        Problems: no-certificate, sign-another-way, remote-signing-refused, remote-signing-unreachable.
        """
        await send_code(services, actor, data.documents)

    @get("/{sitting_id:uuid}", operation_id="getRemoteSitting")
    async def one(
        self,
        sitting_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> RemoteSittingView:
        """Get a sitting of mine with what became of each document. Problems: sitting-not-found."""
        return _shown(await get_sitting(session, sitting_id, actor))

    @post("/{sitting_id:uuid}/cancellation", operation_id="cancelRemoteSitting", status_code=200)
    async def cancel(
        self,
        sitting_id: FromPath[UUID],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> RemoteSittingView:
        """Cancel: nothing is signed, documents wait again. Problems: sitting-not-found, wrong-sitting-state, being-completed."""
        return _shown(await cancel_sitting(services, actor, sitting_id, utc_now()))
