"""Signing for programs: inbox, documents, signatures, unlocking, certificates, verification."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import utc_now
from kernel.services import Services
from kernel.staff.api import COOKIE, Actor, Role, client_ip, needs, signed_in
from signing.certificates.unlocked import UnlockView, lock, unlock
from signing.documents.access import may_read, not_yours, note_view, read_bytes
from signing.documents.debt import Debt, signature_debt
from signing.documents.service import RefuseDocument, recall_document, refuse_document
from signing.documents.views import DocumentView, get_document, inbox
from signing.limits import take_try
from signing.settings import SigningSettings
from signing.tasks.batch import SignResult
from signing.tasks.service import sign_documents
from signing.verification.report import Report
from signing.verification.service import verify_file

Wire = Request[Any, Any, State]


class SignMany(Struct, frozen=True, forbid_unknown_fields=True):
    """One confirmation over documents; without a PIN the key this sign-in has open is used."""

    documents: Annotated[list[UUID], Meta(min_length=1)]
    pin: str | None = None


class Unlock(Struct, frozen=True, forbid_unknown_fields=True):
    pin: str


class Refusal(Struct, frozen=True, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(min_length=3, max_length=500)]


class SigningController(Controller):
    path = "/api/signing"
    tags = ("signing",)
    guards = (signed_in,)

    @get("/inbox", operation_id="listDocumentsToSign")
    async def inbox(
        self, session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> list[DocumentView]:
        """List what waits for my signature (chờ tôi ký), the oldest first."""
        return await inbox(session, actor)

    @get("/documents/{document_id:uuid}", operation_id="getDocument")
    async def document(
        self,
        document_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> DocumentView:
        """Get a document with its slots. Problems: document-not-found, document-not-yours."""
        view = await get_document(session, document_id)
        if not may_read(view, actor):
            raise not_yours(view, actor)
        await note_view(session, view, actor)
        return view

    @get("/documents/{document_id:uuid}/file", operation_id="getDocumentFile")
    async def file(
        self,
        document_id: FromPath[UUID],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> Response[bytes]:
        """Get the exact bytes, as they would be signed. Problems: document-not-found, document-not-yours."""
        view, data = await read_bytes(services, document_id, actor, now=utc_now())
        return pdf_response(data, f"{view.code}.pdf")

    @post("/signatures", operation_id="signDocuments", status_code=200)
    async def sign(
        self,
        data: JSONBody[SignMany],
        request: Wire,
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> list[SignResult]:
        """Sign documents with one confirmation. Problems: wrong-pin, pin-locked, key-locked, no-certificate, certificate-…"""
        token = request.cookies.get(COOKIE)
        return await sign_documents(services, actor, data.documents, data.pin, utc_now(), token=token)

    @post("/documents/{document_id:uuid}/refusal", operation_id="refuseDocument")
    async def refuse(
        self,
        document_id: FromPath[UUID],
        data: JSONBody[Refusal],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> DocumentView:
        """Refuse to sign (từ chối ký). Problems: document-not-found, not-your-turn, wrong-document-state."""
        command = RefuseDocument(document_id, data.reason)
        return await refuse_document(session, command, actor=actor, now=utc_now())

    @post("/documents/{document_id:uuid}/recall", operation_id="recallDocument")
    async def recall(
        self,
        document_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> DocumentView:
        """Take back a document nobody signed yet. Problems: not-the-author, wrong-document-state."""
        return await recall_document(session, document_id, actor=actor, now=utc_now())

    @post("/unlock", operation_id="unlockSigningKey")
    async def unlock(
        self,
        data: JSONBody[Unlock],
        request: Wire,
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> UnlockView:
        """Open my key for this sign-in. Problems: wrong-pin, pin-locked, no-certificate."""
        token = request.cookies.get(COOKIE, "")
        return await unlock(services, data.pin, token, actor=actor, now=utc_now())

    @delete("/unlock", operation_id="lockSigningKey")
    async def lock(self, request: Wire, session: NamedDependency[AsyncSession]) -> None:
        """Close my key."""
        await lock(session, request.cookies.get(COOKIE, ""))

    @get("/debt", operation_id="listSignatureDebt", guards=[needs(Role.HEAD, Role.DIRECTOR, Role.ADMIN)])
    async def debt(self, session: NamedDependency[AsyncSession]) -> list[Debt]:
        """List who owes signatures (nợ chữ ký), the oldest first."""
        return await signature_debt(session, now=utc_now())


@post(
    "/api/signing/verifications",
    operation_id="verifyFile",
    opt={"public": True, "exclude_from_csrf": True},
    status_code=200,
    tags=["signing"],
)
async def verify_bytes(
    request: Wire,
    services: NamedDependency[Services],
    signing_settings: NamedDependency[SigningSettings],
) -> Report:
    """Verify a signed PDF or XML sent as the body. Problems: too-many-tries, not-a-pdf, broken-pdf, encrypted-pdf, …"""
    now = utc_now()
    limit = signing_settings.verify_per_minute
    await take_try(services.sessions, "verify", client_ip(request), per_minute=limit, now=now)
    return await verify_file(services, await request.body(), now=now)


def pdf_response(data: bytes, name: str) -> Response[bytes]:
    """Answer with a PDF to be looked at in the page, never kept by the browser."""
    headers = {"content-disposition": f'inline; filename="{name}"', "cache-control": "private, no-store"}
    return Response(data, media_type="application/pdf", headers=headers)
