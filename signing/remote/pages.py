"""The pages of a sitting: what is waited for and how long, cancel, what became of each document; the token's way."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect, ServerSentEvent, Template
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant, utc_now
from kernel.live import stream
from kernel.problems import Problem, Refused
from kernel.services import Services
from kernel.staff.api import Actor, signed_in
from kernel.web.setup import content_policy
from signing.certificates.models import Certificate
from signing.documents.views import get_documents
from signing.key_kinds import KIND_WORDS, KeyKind
from signing.pages import picked_documents
from signing.remote.finish import finish_remote
from signing.remote.models import RemoteSitting
from signing.remote.rules import SITTING_WORDS, ItemState, SittingState, WrongSittingState
from signing.remote.sittings import SittingView, cancel_sitting, get_sitting, live_sitting, topic
from signing.remote.ways import send_code
from signing.settings import SigningSettings


class ValueUnreadable(Refused):
    slug = "value-unreadable"


class TokenDocument(Struct, frozen=True):
    """One document as the token's program shows it, and the only bytes it signs."""

    id: UUID
    title: str
    patient: str
    pages: int
    sha256: str
    attributes: str
    """Base64 of the DER of the signed attributes."""


class TokenJob(Struct, frozen=True):
    """What the workstation is asked to sign, and with which certificate."""

    id: UUID
    scheme: str
    fingerprint: str
    signer: str
    expires_at: Instant
    documents: list[TokenDocument]


class TokenValues(Struct, frozen=True, forbid_unknown_fields=True):
    """Signature values by document, base64. The PIN is not among them: it never leaves the workstation."""

    values: dict[UUID, str]


class Outcome(Struct, frozen=True):
    state: SittingState
    signed: int


class RemotePages(Controller):
    path = "/sign/remote"
    guards = (signed_in,)
    include_in_schema = False

    @get("/mine")
    async def mine(self, session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]) -> Template:
        """The way back to what still waits for this person's phone or token; empty when nothing does."""
        context = {"sitting": await live_sitting(session, actor, now=utc_now())}
        return Template("signing/_mine.html", context=context)

    @get("/{sitting_id:uuid}")
    async def sitting(
        self,
        sitting_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        signing_settings: NamedDependency[SigningSettings],
    ) -> Template:
        """Say what is waited for, and afterwards what became of each document."""
        return sitting_page(
            await get_sitting(session, sitting_id, actor), signing_settings, here=f"/sign/remote/{sitting_id}"
        )

    @get("/{sitting_id:uuid}/live")
    async def live(
        self,
        sitting_id: FromPath[UUID],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> ServerSentEvent:
        async with services.sessions() as session:
            await get_sitting(session, sitting_id, actor)
        return stream(services.wake, topic(sitting_id))

    @post("/{sitting_id:uuid}/cancellation")
    async def cancel(
        self,
        sitting_id: FromPath[UUID],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> Redirect:
        """Cancel: nothing is signed, the documents wait again."""
        await cancel_sitting(services, actor, sitting_id, utc_now())
        return Redirect(f"/sign/remote/{sitting_id}", status_code=303)

    @get("/{sitting_id:uuid}/job")
    async def job(
        self,
        sitting_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> TokenJob:
        """Hand out what the token at the workstation signs."""
        sitting = await get_sitting(session, sitting_id, actor)
        _must_wait(sitting, utc_now())
        return await _job(session, sitting, actor)

    @post("/{sitting_id:uuid}/values", status_code=200)
    async def values(
        self,
        sitting_id: FromPath[UUID],
        data: JSONBody[TokenValues],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> Outcome:
        """Take what the token signed, check it and put it into the files."""
        async with services.sessions() as session:
            _must_wait(await get_sitting(session, sitting_id, actor), utc_now())
        made = {key: _decode(text) for key, text in data.values.items()}
        done = await finish_remote(services, sitting_id, utc_now(), values=made)
        return Outcome(done.state, done.signed)

    @post("/otp")
    async def otp(
        self,
        request: Request[Any, Any, Any],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> Template:
        """Let the service send a one-time code to the owner of the key that signs the ticked documents."""
        form = await request.form()
        try:
            await send_code(services, actor, picked_documents(form), kind=str(form.get("kind", "")))
            said, good = "Đã gửi mã OTP. Nhập mã nhận được ở ô bên trên.", True
        except Problem as refused:
            said, good = refused.detail, False
        return Template("signing/_otp_sent.html", context={"said": said, "good": good})


def _must_wait(sitting: SittingView, now: Instant) -> None:
    """Raises WrongSittingState for anything but a token's sitting that waits in time."""
    if sitting.way is not KeyKind.TOKEN or sitting.state is not SittingState.WAITING:
        raise WrongSittingState(f"Phiên ký đã ở trạng thái “{SITTING_WORDS[sitting.state]}”.")
    if now >= sitting.expires_at:
        raise WrongSittingState("Phiên ký đã hết giờ. Văn bản vẫn chờ ký, hãy bắt đầu lại.")


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueUnreadable("Chữ ký từ máy của bạn không đọc được.") from None


async def _job(session: AsyncSession, sitting: SittingView, actor: Actor) -> TokenJob:
    waiting = [item for item in sitting.items if item.state is ItemState.WAITING]
    views = {view.id: view for view in await get_documents(session, [i.document_id for i in waiting])}
    row = await session.get(RemoteSitting, sitting.id)
    certificate = await session.get(Certificate, row.certificate_id) if row else None
    documents = [
        TokenDocument(
            id=item.document_id,
            title=item.title,
            patient=views[item.document_id].patient_name,
            pages=views[item.document_id].pages,
            sha256=item.head_sha256,
            attributes=base64.b64encode(item.attributes).decode(),
        )
        for item in waiting
    ]
    signer = certificate.name if certificate else actor.name
    return TokenJob(sitting.id, sitting.scheme, sitting.fingerprint, signer, sitting.expires_at, documents)


def sitting_page(
    sitting: SittingView,
    settings: SigningSettings,
    *,
    here: str,
    template: str = "signing/remote.html",
    more: Mapping[str, object] | None = None,
) -> Template:
    """Draw a sitting at the address `here`, on our page or on one of another package that extends it."""
    now = utc_now()
    agent = f"http://127.0.0.1:{settings.agent_port}"
    token = sitting.way is KeyKind.TOKEN
    over = not sitting.state.ended and now >= sitting.expires_at
    context = {
        **(more or {}),
        "here": here,
        "sitting": sitting,
        "waiting": not sitting.state.ended and not over,
        "over": over,
        "token": token,
        "agent": agent,
        "app": settings.csc_name,
        "way": KIND_WORDS[sitting.way],
        "seconds": int((sitting.expires_at - sitting.created_at).total_seconds()),
        "words": SITTING_WORDS,
        "ItemState": ItemState,
        "SittingState": SittingState,
    }
    headers = {"content-security-policy": content_policy(connect=agent)} if token else {}
    return Template(template, context=context, headers=headers)
