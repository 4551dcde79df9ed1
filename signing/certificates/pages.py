"""Pages of certificates: the registry and its calendar, taking one in, my own, which signer signs what, the rehearsal."""

from base64 import b64encode
from typing import Any
from uuid import UUID

from litestar import Controller, MediaType, Request, get, post
from litestar.datastructures import State, UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from msgspec import Struct, ValidationError, convert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant, local, utc_now
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import Actor, Role, StaffView, list_staff, needs, signed_in
from signing.certificates.enrolment import EnrolmentView, list_enrolments
from signing.certificates.enrolment_rules import EnrolmentState
from signing.certificates.registry import retire_certificate
from signing.certificates.rest import NewCertificate, all_signers, register_by, seen_tokens
from signing.certificates.rules import days_left
from signing.certificates.service import CertificateView
from signing.certificates.watch import (
    certificates_of,
    notices_for_admin,
    notices_of,
    registry,
    see_notice,
)
from signing.key_kinds import KIND_WORDS, KeyKind
from signing.pkcs11 import TokenView
from signing.policy.service import SetRule, drop_rule, known_document_kinds, list_rules, set_rule
from signing.rehearsal.service import TITLES, last_rehearsal, rehearse

Wire = Request[Any, Any, State]
ADMIN = needs(Role.ADMIN)
SHORT_WORDS = {
    KeyKind.PKCS12: "Tệp khóa",
    KeyKind.PKCS11: "HSM, token ở máy chủ",
    KeyKind.CSC: "Ký từ xa",
    KeyKind.TOKEN: "USB token",
}


class Month(Struct, frozen=True):
    """One month of the calendar and the certificates that end in it."""

    label: str
    year: int
    certificates: list[CertificateView]


class CertificatePages(Controller):
    path = "/admin/certificates"
    guards = (ADMIN,)
    include_in_schema = False

    @get()
    async def show(
        self,
        services: NamedDependency[Services],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        ended: FromQuery[bool] = False,
        done: FromQuery[str] = "",
    ) -> Template:
        """Warnings, the calendar of ends, every certificate."""
        now = utc_now()
        active = await registry(session)
        listed = await registry(session, ended=True) if ended else active
        context = {
            **await _asked_for(session, await list_enrolments(session, actor), services),
            "notices": await notices_for_admin(session),
            "months": months_of(active, now),
            "certificates": listed,
            "ended": ended,
            "done": done,
            "left": lambda view: days_left(view.not_after, now),
            "kind_words": SHORT_WORDS,
            "owners": await _owners(session),
            "facility": services.settings.kernel.facility.name,
        }
        return Template("signing/certificates.html", context=context)

    @get("/badge", media_type=MediaType.TEXT)
    async def badge(self, session: NamedDependency[AsyncSession]) -> str:
        """How many warnings nobody has read; empty for none."""
        return str(len(await notices_for_admin(session)) or "")

    @get("/new")
    async def form(
        self,
        services: NamedDependency[Services],
        session: NamedDependency[AsyncSession],
        staff: FromQuery[UUID | None] = None,
    ) -> Template:
        return await _form(services, session, {"staff": str(staff or "")})

    @post("/new")
    async def register(
        self, request: Wire, services: NamedDependency[Services], actor: NamedDependency[Actor]
    ) -> Template | Redirect:
        """Take a certificate in, or say why not at the field."""
        given = await _given(request)
        try:
            data = _new_certificate(given, UUID(given["staff"]) if given["staff"] else None)
            await register_by(services, data, actor=actor)
        except Problem as refused:
            async with services.sessions() as session:
                return await _form(services, session, given, refused)
        return Redirect("/admin/certificates?done=registered", status_code=303)

    @post("/{certificate_id:uuid}/retirement")
    async def retire(
        self,
        certificate_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Redirect:
        await retire_certificate(session, certificate_id, actor=actor, now=utc_now())
        return Redirect("/admin/certificates?done=retired", status_code=303)

    @post("/notices/{notice_id:uuid}/seen")
    async def seen(
        self,
        notice_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Redirect:
        await see_notice(session, notice_id, actor=actor, admin=True, now=utc_now())
        return Redirect("/admin/certificates", status_code=303)


class MyCertificatePages(Controller):
    path = "/sign/certificates"
    guards = (signed_in,)
    include_in_schema = False

    @get()
    async def mine(
        self,
        services: NamedDependency[Services],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        done: FromQuery[str] = "",
    ) -> Template:
        """My certificates, what ends, and a form to take in a new one."""
        return await _mine(session, actor, services, done=done)

    @post()
    async def register(
        self, request: Wire, services: NamedDependency[Services], actor: NamedDependency[Actor]
    ) -> Template | Redirect:
        """Take in a certificate of my own."""
        given = await _given(request)
        try:
            await register_by(services, _new_certificate(given, actor.id), actor=actor)
        except Problem as refused:
            async with services.sessions() as session:
                return await _mine(session, actor, services, given=given, refused=refused)
        return Redirect("/sign/certificates?done=registered", status_code=303)

    @post("/notices/{notice_id:uuid}/seen")
    async def seen(
        self,
        notice_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Redirect:
        await see_notice(session, notice_id, actor=actor, admin=False, now=utc_now())
        return Redirect("/sign", status_code=303)


class PolicyPages(Controller):
    path = "/admin/signing-policy"
    guards = (ADMIN,)
    include_in_schema = False

    @get()
    async def show(self, session: NamedDependency[AsyncSession]) -> Template:
        """Which kinds of key may sign what, and a form for one more rule."""
        return await _policy(session, {})

    @post()
    async def set(
        self,
        data: URLEncodedBody[dict[str, str]],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Template | Redirect:
        wanted = [data[name] for name in ("first", "second", "third", "fourth") if data.get(name)]
        who = data.get("who", "")
        command = {
            "organisation": who == "organisation",
            "staff_id": who if who not in ("", "organisation") else None,
            "document_kind": data.get("document_kind", "").strip(),
            "key_kinds": wanted,
            "reason": data.get("reason", "").strip(),
        }
        try:
            rule = convert(command, SetRule, strict=False)
            async with session.begin_nested():
                await set_rule(session, rule, actor=actor, now=utc_now())
        except ValidationError:
            errors = {} if wanted else {"first": "Chọn ít nhất một cách ký."}
            return await _policy(
                session, data, errors or {"document_kind": "Mã loại văn bản viết không đúng."}
            )
        except Problem as refused:
            field = "first" if refused.field == "key_kinds" else "who"
            return await _policy(session, data, {field: refused.detail})
        return Redirect("/admin/signing-policy", status_code=303)

    @post("/{rule_id:uuid}/removal")
    async def drop(
        self, rule_id: FromPath[UUID], session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> Redirect:
        await drop_rule(session, rule_id, actor=actor)
        return Redirect("/admin/signing-policy", status_code=303)


class RehearsalPages(Controller):
    path = "/sign/rehearsal"
    guards = (signed_in,)
    include_in_schema = False

    @get()
    async def show(self, session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]) -> Template:
        """My last rehearsal, and a form to rehearse now."""
        result = await last_rehearsal(session, actor.id)
        return Template("signing/rehearsal.html", context={"result": result, "titles": TITLES, "now": False})

    @post()
    async def rehearse(
        self,
        data: URLEncodedBody[dict[str, str]],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> Template:
        """Try everything with my PIN and show what came out."""
        result = await rehearse(services, actor, data.get("pin", ""), now=utc_now())
        context = {"result": result, "titles": TITLES, "now": True}
        return Template("signing/rehearsal.html", context=context, status_code=200 if result.ready else 422)


class ReadinessPages(Controller):
    path = "/admin/rehearsals"
    guards = (needs(Role.ADMIN, Role.DIRECTOR, Role.HEAD),)
    include_in_schema = False

    @get()
    async def show(
        self, services: NamedDependency[Services], session: NamedDependency[AsyncSession]
    ) -> Template:
        """Every signer with the last result."""
        context = {"signers": await all_signers(services, session), "titles": TITLES}
        return Template("signing/readiness.html", context=context)

    @get("/print")
    async def paper(
        self, services: NamedDependency[Services], session: NamedDependency[AsyncSession]
    ) -> Template:
        """Who is not ready, to print and go from ward to ward with."""
        signers = [one for one in await all_signers(services, session) if not one.ready]
        context = {"signers": signers, "now": utc_now(), "facility": services.settings.kernel.facility.name}
        return Template("signing/readiness_paper.html", context=context)

    @post("/organisation", guards=[ADMIN])
    async def organisation(
        self, services: NamedDependency[Services], actor: NamedDependency[Actor]
    ) -> Redirect:
        """Rehearse the organisation's seal; its PIN is the setting's."""
        await rehearse(services, actor, "", now=utc_now(), organisation=True)
        return Redirect("/admin/rehearsals", status_code=303)


def months_of(certificates: list[CertificateView], now: Instant) -> list[Month]:
    """Lay the ends of the next twelve months out, this month first."""
    year, month = local(now).year, local(now).month
    places = [(year + (month + step - 1) // 12, (month + step - 1) % 12 + 1) for step in range(12)]
    found: dict[tuple[int, int], list[CertificateView]] = {place: [] for place in places}
    for view in certificates:
        end = local(view.not_after)
        if (end.year, end.month) in found:
            found[(end.year, end.month)].append(view)
        elif view.not_after < now:
            found[places[0]].append(view)
    return [Month(f"{place[1]:02d}/{place[0]}", place[0], found[place]) for place in places]


async def _asked_for(
    session: AsyncSession, enrolments: list[EnrolmentView], services: Services
) -> dict[str, Any]:
    """What waits for its certificate, and whose it is."""
    names: dict[UUID | None, str] = {person.id: person.name for person in await list_staff(session)}
    names[None] = f"{services.settings.kernel.facility.name} (con dấu số)"
    waiting = [view for view in enrolments if view.state is EnrolmentState.REQUESTED]
    return {"enrolments": waiting, "enrolment_names": names}


async def _owners(session: AsyncSession) -> dict[UUID, StaffView]:
    return {person.id: person for person in await list_staff(session)}


async def _given(request: Wire) -> dict[str, str]:
    """Read the form; a file becomes base64. The PIN stays out of what is shown again."""
    form = await request.form()
    given = {
        name: str(form.get(name) or "") for name in ("staff", "key_kind", "pin", "credential", "object_name")
    }
    file = form.get("file")
    given["file"] = b64encode(await file.read()).decode() if isinstance(file, UploadFile) else ""
    return given


def _new_certificate(given: dict[str, str], staff_id: UUID | None) -> NewCertificate:
    kind = KeyKind(given["key_kind"]) if given["key_kind"] in list(KeyKind) else KeyKind.PKCS12
    names = {KeyKind.PKCS11: given["object_name"], KeyKind.CSC: given["credential"].strip()}
    return NewCertificate(
        key_kind=kind, staff_id=staff_id, file=given["file"], pin=given["pin"], key_name=names.get(kind, "")
    )


async def _form(
    services: Services, session: AsyncSession, given: dict[str, str], refused: Problem | None = None
) -> Template:
    tokens: list[TokenView] = []
    token_refusal = ""
    try:
        tokens = await seen_tokens(services)
    except Problem as absent:
        token_refusal = absent.detail
    context = {
        "people": await list_staff(session),
        "facility": services.settings.kernel.facility.name,
        "tokens": tokens,
        "token_refusal": token_refusal,
        "given": {name: value for name, value in given.items() if name not in ("pin", "file")},
        "errors": {refused.field or "file": refused.detail} if refused else {},
    }
    return Template("signing/certificate_new.html", context=context, status_code=422 if refused else 200)


async def _mine(
    session: AsyncSession,
    actor: Actor,
    services: Services,
    *,
    given: dict[str, str] | None = None,
    refused: Problem | None = None,
    done: str = "",
) -> Template:
    now = utc_now()
    context = {
        **await _asked_for(session, await list_enrolments(session, actor, mine=True), services),
        "certificates": await certificates_of(session, actor.id),
        "notices": await notices_of(session, actor.id),
        "kind_words": SHORT_WORDS,
        "left": lambda view: days_left(view.not_after, now),
        "given": given or {},
        "errors": {refused.field or "file": refused.detail} if refused else {},
        "done": done,
    }
    return Template("signing/my_certificates.html", context=context, status_code=422 if refused else 200)


async def _policy(
    session: AsyncSession, given: dict[str, str], errors: dict[str, str] | None = None
) -> Template:
    context = {
        "rules": await list_rules(session),
        "people": await list_staff(session),
        "kinds": await known_document_kinds(session),
        "kind_words": SHORT_WORDS,
        "long_words": KIND_WORDS,
        "given": given,
        "errors": errors or {},
    }
    return Template("signing/policy.html", context=context, status_code=422 if errors else 200)
