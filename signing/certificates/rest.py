"""The registry of certificates and the policy of signers for programs."""

from base64 import b64decode
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from litestar import Controller, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import utc_now
from kernel.services import Services
from kernel.staff.api import Actor, Role, needs, signed_in
from signing.certificates.registry import (
    BadCertificateFile,
    Whose,
    pick_token_object,
    retire_certificate,
    upload_certificate,
    upload_key_file,
)
from signing.certificates.service import CertificateView, list_certificates
from signing.certificates.watch import certificates_of
from signing.context import context_of
from signing.key_kinds import KeyKind
from signing.pkcs11 import TokenView, list_tokens
from signing.policy.service import RuleView, SetRule, drop_rule, list_rules, set_rule
from signing.rehearsal.service import Readiness, RehearsalView, readiness, rehearse

Base64 = Annotated[str, Meta(max_length=280_000)]


class NewCertificate(Struct, frozen=True, forbid_unknown_fields=True):
    """A certificate to register. `file`: base64 of PEM, DER, P7B, or of a PKCS#12 with its PIN; a PKCS#11 object has none."""

    key_kind: KeyKind
    staff_id: UUID | None = None
    file: Base64 = ""
    pin: str = ""
    key_name: str = ""


class TokenObject(Struct, frozen=True):
    """A token and the addresses of the certificates on it."""

    label: str
    serial: str
    model: str
    objects: list[str]


class Pin(Struct, frozen=True, forbid_unknown_fields=True):
    pin: str


class CertificateController(Controller):
    path = "/api/signing"
    tags = ("signing",)
    guards = (signed_in,)

    @post("/certificates", operation_id="registerCertificate", guards=[needs(Role.ADMIN)])
    async def register(
        self,
        data: JSONBody[NewCertificate],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> CertificateView:
        """Register a certificate. Problems: bad-certificate-file, certificate-…, weak-key, wrong-pin, token-shared."""
        return await register_by(services, data, actor=actor)

    @get("/certificates", operation_id="listEndingCertificates", guards=[needs(Role.ADMIN, Role.DIRECTOR)])
    async def certificates(
        self, session: NamedDependency[AsyncSession], days: FromQuery[int] = 60
    ) -> list[CertificateView]:
        """List certificates that end within some days."""
        ending = utc_now() + timedelta(days=min(max(days, 0), 20_000))
        return await list_certificates(session, ending_before=ending)

    @get("/certificates/mine", operation_id="listMyCertificates")
    async def mine(
        self, session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> list[CertificateView]:
        """List my certificates in use."""
        return await certificates_of(session, actor.id)

    @delete(
        "/certificates/{certificate_id:uuid}", operation_id="retireCertificate", guards=[needs(Role.ADMIN)]
    )
    async def retire(
        self,
        certificate_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> None:
        """Take a certificate out of use. Problems: certificate-not-found, certificate-not-active."""
        await retire_certificate(session, certificate_id, actor=actor, now=utc_now())

    @get("/tokens", operation_id="listTokens", guards=[needs(Role.ADMIN)])
    async def tokens(self, services: NamedDependency[Services]) -> list[TokenObject]:
        """List tokens and HSM slots at the server, with what they show without a PIN. Problems: token-busy, token-unfit."""
        return [
            TokenObject(view.label, view.serial, view.model, [str(item.uri) for item in view.certificates])
            for view in await seen_tokens(services)
        ]

    @get("/policy", operation_id="listSigningRules", guards=[needs(Role.ADMIN, Role.DIRECTOR)])
    async def rules(self, session: NamedDependency[AsyncSession]) -> list[RuleView]:
        """List which kinds of key may sign what, for whom."""
        return await list_rules(session)

    @put("/policy", operation_id="setSigningRule", guards=[needs(Role.ADMIN)])
    async def set_rule(
        self,
        data: JSONBody[SetRule],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> RuleView:
        """Set a rule, replacing the one for the same person and type. Problems: bad-rule, staff-not-found."""
        return await set_rule(session, data, actor=actor, now=utc_now())

    @delete("/policy/{rule_id:uuid}", operation_id="dropSigningRule", guards=[needs(Role.ADMIN)])
    async def drop_rule(
        self,
        rule_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> None:
        """Take a rule away. Problems: rule-not-found."""
        await drop_rule(session, rule_id, actor=actor)

    @post("/rehearsals", operation_id="rehearseSigning")
    async def rehearse(
        self, data: JSONBody[Pin], services: NamedDependency[Services], actor: NamedDependency[Actor]
    ) -> RehearsalView:
        """Try everything my signature needs (tổng duyệt), with a paper that is thrown away."""
        return await rehearse(services, actor, data.pin, now=utc_now())

    @get("/rehearsals", operation_id="listReadiness", guards=[needs(Role.ADMIN, Role.DIRECTOR, Role.HEAD)])
    async def readiness(
        self, services: NamedDependency[Services], session: NamedDependency[AsyncSession]
    ) -> list[Readiness]:
        """List all signers: who is ready, and why the others are not."""
        return await all_signers(services, session)


async def register_by(services: Services, data: NewCertificate, *, actor: Actor) -> CertificateView:
    """Register by the way that fits the kind of key."""
    whose, now = Whose(data.staff_id), utc_now()
    if data.key_kind is KeyKind.PKCS11 and not data.file:
        return await pick_token_object(services, whose, data.key_name, actor=actor, now=now)
    try:
        file = b64decode(data.file, validate=True)
    except ValueError as error:
        raise BadCertificateFile("Tệp gửi lên không phải base64.", field="file") from error
    if data.key_kind is KeyKind.PKCS12:
        return await upload_key_file(services, whose, file, data.pin, actor=actor, now=now)
    return await upload_certificate(
        services, whose, file, key_kind=data.key_kind, key_name=data.key_name, actor=actor, now=now
    )


async def seen_tokens(services: Services) -> list[TokenView]:
    settings = context_of(services).settings
    return await list_tokens(settings.pkcs11_modules, wait_seconds=settings.pkcs11_timeout_seconds)


async def all_signers(services: Services, session: AsyncSession) -> list[Readiness]:
    return await readiness(
        session,
        facility=services.settings.kernel.facility.name,
        keep_days=context_of(services).settings.rehearsal_keep_days,
        now=utc_now(),
    )
