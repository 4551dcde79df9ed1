"""Enrolments for programs: ask for a certificate, fetch the request, hand in what was issued, give it up."""

from base64 import b64decode
from typing import Annotated
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import utc_now
from kernel.services import Services
from kernel.staff.api import Actor, signed_in
from signing.certificates.enrolment import (
    EnrolmentView,
    RequestCertificate,
    cancel_enrolment,
    get_enrolment,
    list_enrolments,
    request_certificate,
    request_pem,
    take_issued,
)
from signing.certificates.registry import BadCertificateFile
from signing.certificates.rest import Base64
from signing.certificates.service import CertificateView

PEM = "application/x-pem-file"


class Issued(Struct, frozen=True, forbid_unknown_fields=True):
    """What the authority sent: base64 of PEM, DER or P7B; the PIN of a software key."""

    file: Base64
    pin: str = ""


class GiveUp(Struct, frozen=True, forbid_unknown_fields=True):
    """Why; with the token's PIN a key in a token is destroyed too."""

    reason: Annotated[str, Meta(min_length=3, max_length=300)]
    pin: str = ""


class EnrolmentController(Controller):
    path = "/api/signing/enrolments"
    tags = ("signing",)
    guards = (signed_in,)

    @post(operation_id="requestCertificate")
    async def request(
        self,
        data: JSONBody[RequestCertificate],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> EnrolmentView:
        """Make a key and a certificate request. Problems: number-missing, weak-pin, enrolment-open, wrong-key-place, token-…"""
        return await request_certificate(services, data, actor=actor, now=utc_now())

    @get(operation_id="listEnrolments")
    async def enrolments(
        self, session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> list[EnrolmentView]:
        """List enrolments, the latest first: an administrator everybody's, others their own."""
        return await list_enrolments(session, actor)

    @get("/{enrolment_id:uuid}", operation_id="getEnrolment")
    async def one(
        self,
        enrolment_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> EnrolmentView:
        """Return one. Problems: enrolment-not-found."""
        return await get_enrolment(session, enrolment_id, actor)

    @get("/{enrolment_id:uuid}/request.pem", operation_id="getCertificateRequest")
    async def pem(
        self,
        enrolment_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Response[bytes]:
        """Return the PKCS#10 as PEM. Problems: enrolment-not-found."""
        return pem_response(await request_pem(session, enrolment_id, actor), enrolment_id)

    @post("/{enrolment_id:uuid}/certificate", operation_id="takeIssuedCertificate")
    async def issued(
        self,
        enrolment_id: FromPath[UUID],
        data: JSONBody[Issued],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> CertificateView:
        """Take the issued certificate in. Problems: certificate-not-requested, certificate-…, wrong-pin, enrolment-over."""
        try:
            file = b64decode(data.file, validate=True)
        except ValueError as error:
            raise BadCertificateFile("Tệp gửi lên không phải base64.", field="file") from error
        return await take_issued(services, enrolment_id, file, data.pin, actor=actor, now=utc_now())

    @post("/{enrolment_id:uuid}/cancellation", operation_id="cancelEnrolment")
    async def cancel(
        self,
        enrolment_id: FromPath[UUID],
        data: JSONBody[GiveUp],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> EnrolmentView:
        """Give the asking up; its key is destroyed. Problems: enrolment-over, enrolment-not-found, token-…"""
        return await cancel_enrolment(
            services, enrolment_id, data.reason, pin=data.pin, actor=actor, now=utc_now()
        )


def pem_response(pem: bytes, enrolment_id: UUID) -> Response[bytes]:
    """Offer a request for download."""
    name = f'attachment; filename="yeu-cau-{enrolment_id.hex[-8:]}.csr.pem"'
    return Response(pem, media_type=PEM, headers={"content-disposition": name, "cache-control": "no-store"})
