"""Pages of enrolment: ask for a certificate, take the request to the authority, bring back what it issued."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import State, UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from msgspec import ValidationError, convert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.problems import Problem, Refused
from kernel.services import Services
from kernel.staff.api import Actor, Role, list_staff, signed_in
from signing.certificates.enrolment import (
    RequestCertificate,
    cancel_enrolment,
    get_enrolment,
    request_certificate,
    request_pem,
    take_issued,
)
from signing.certificates.enrolment_rest import pem_response
from signing.certificates.enrolment_rules import ENROLMENT_WORDS, EnrolmentState
from signing.certificates.rest import seen_tokens
from signing.certificates.service import owner_for
from signing.key_kinds import KIND_WORDS, KeyKind
from signing.pkcs11 import TokenView
from signing.pkcs11_uri import TokenUri
from signing.requests import ALGORITHM_WORDS, Algorithm

Wire = Request[Any, Any, State]
Form = URLEncodedBody[dict[str, str]]
PAGES = "/sign/enrolments"


class PinsDiffer(Refused):
    """The new PIN was typed in two ways."""

    slug = "pins-differ"


class EnrolmentPages(Controller):
    """One's own key file for everybody; any owner and any place for an administrator."""

    path = PAGES
    guards = (signed_in,)
    include_in_schema = False

    @get("/new")
    async def form(
        self,
        services: NamedDependency[Services],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        staff: FromQuery[UUID | None] = None,
    ) -> Template:
        given = {"id": str(new_id()), "staff": str(staff or actor.id)}
        return await _form(services, session, actor, given)

    @post("/new")
    async def request(
        self, data: Form, services: NamedDependency[Services], actor: NamedDependency[Actor]
    ) -> Template | Redirect:
        """Make the key and the request, or say why not at the field."""
        try:
            view = await request_certificate(services, _command(data, actor), actor=actor, now=utc_now())
        except Problem as refused:
            async with services.sessions() as session:
                return await _form(services, session, actor, data, refused)
        return Redirect(f"{PAGES}/{view.id}", status_code=303)

    @get("/{enrolment_id:uuid}")
    async def show(
        self,
        enrolment_id: FromPath[UUID],
        services: NamedDependency[Services],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Template:
        """Where it stands, and what to do next."""
        return await _page(services, session, enrolment_id, actor)

    @get("/{enrolment_id:uuid}/request.pem")
    async def pem(
        self,
        enrolment_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Response[bytes]:
        """The request as a file."""
        return pem_response(await request_pem(session, enrolment_id, actor), enrolment_id)

    @post("/{enrolment_id:uuid}/certificate")
    async def issued(
        self,
        request: Wire,
        enrolment_id: FromPath[UUID],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> Template | Redirect:
        """Take the issued certificate in, or say why not at the field."""
        form = await request.form()
        file = form.get("file")
        data = await file.read() if isinstance(file, UploadFile) else b""
        try:
            await take_issued(
                services, enrolment_id, data, str(form.get("pin", "")), actor=actor, now=utc_now()
            )
        except Problem as refused:
            async with services.sessions() as session:
                return await _page(services, session, enrolment_id, actor, refused=refused)
        return Redirect(f"{PAGES}/{enrolment_id}", status_code=303)

    @post("/{enrolment_id:uuid}/cancellation")
    async def cancel(
        self,
        enrolment_id: FromPath[UUID],
        data: Form,
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> Template | Redirect:
        """Give it up, with a reason."""
        reason = data.get("reason", "").strip()
        try:
            if len(reason) < 3:
                raise Refused("Hãy ghi lý do huỷ.", field="reason")
            await cancel_enrolment(
                services,
                enrolment_id,
                reason[:300],
                pin=data.get("cancel_pin", ""),
                actor=actor,
                now=utc_now(),
            )
        except Problem as refused:
            async with services.sessions() as session:
                return await _page(services, session, enrolment_id, actor, refused=refused, giving_up=True)
        return Redirect(f"{PAGES}/{enrolment_id}", status_code=303)


def _command(data: dict[str, str], actor: Actor) -> RequestCertificate:
    """Read the form. Raises PinsDiffer, Refused for a form that was tampered with."""
    kind = data.get("key_kind") or KeyKind.PKCS12
    if kind == KeyKind.PKCS12 and data.get("pin") != data.get("pin_again"):
        raise PinsDiffer("Hai lần nhập mã PIN khác nhau.", field="pin_again")
    values = {
        "id": data.get("id", ""),
        "staff_id": data.get("staff", str(actor.id)) or None,
        "key_kind": kind,
        "token": data.get("token", ""),
        "algorithm": data.get("algorithm") or Algorithm.RSA_2048,
        "pin": data.get("pin", ""),
    }
    try:
        return convert(values, RequestCertificate, strict=False)
    except ValidationError as error:
        raise Refused("Biểu mẫu gửi lên không đọc được. Hãy tải lại trang.", field="staff") from error


async def _form(
    services: Services,
    session: AsyncSession,
    actor: Actor,
    given: dict[str, str],
    refused: Problem | None = None,
) -> Template:
    admin = actor.has(Role.ADMIN)
    tokens: list[TokenView] = []
    token_refusal = ""
    if admin:
        try:
            tokens = await seen_tokens(services)
        except Problem as absent:
            token_refusal = absent.detail
    places = [
        (
            str(TokenUri(token=one.label, serial=one.serial, module=one.module)),
            f"{one.label} · sê-ri {one.serial}",
        )
        for one in tokens
    ]
    context = {
        "admin": admin,
        "people": await list_staff(session) if admin else [],
        "facility": services.settings.kernel.facility.name,
        "places": places,
        "token_refusal": token_refusal,
        "algorithms": [(one.value, ALGORITHM_WORDS[one]) for one in Algorithm],
        "minimum": services.settings.signing.key_pin_minimum,
        "given": {name: value for name, value in given.items() if not name.startswith("pin")},
        "errors": {refused.field or "staff": refused.detail} if refused else {},
    }
    return Template("signing/enrolment_new.html", context=context, status_code=422 if refused else 200)


async def _page(
    services: Services,
    session: AsyncSession,
    enrolment_id: UUID,
    actor: Actor,
    *,
    refused: Problem | None = None,
    giving_up: bool = False,
) -> Template:
    view = await get_enrolment(session, enrolment_id, actor)
    field = (refused.field or "file") if refused else ""
    if giving_up:
        field = {"pin": "cancel_pin"}.get(field, "reason")
    owner = await owner_for(session, view.staff_id, services.settings.kernel.facility)
    context = {
        "view": view,
        "owner": owner.name,
        "words": ENROLMENT_WORDS,
        "State": EnrolmentState,
        "kind_words": KIND_WORDS,
        "algorithm_words": ALGORITHM_WORDS,
        "on_token": view.key_kind is KeyKind.PKCS11,
        "giving_up": giving_up,
        "errors": {field: refused.detail} if refused else {},
        "back": "/admin/certificates" if actor.has(Role.ADMIN) else "/sign/certificates",
    }
    return Template("signing/enrolment.html", context=context, status_code=422 if refused else 200)
