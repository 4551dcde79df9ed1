"""Choose the certificate that signs: by person and by document type."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, convert
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.ids import new_id
from kernel.problems import Conflict, NotFound, Refused
from kernel.staff.api import Actor, get_staff, list_staff
from signing.certificates.models import Certificate
from signing.certificates.service import NoCertificate
from signing.documents.models import Document
from signing.key_kinds import KIND_WORDS, USUAL_ORDER, KeyKind
from signing.policy.models import PolicyRule
from signing.policy.rules import Rule, binding_rule


class SetRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule as it is set: for everybody or a person, for every type of document or one."""

    organisation: bool = False
    staff_id: UUID | None = None
    document_kind: Annotated[str, Meta(pattern=r"^[A-Za-z0-9./_-]{0,40}$")] = ""
    key_kinds: Annotated[list[KeyKind], Meta(min_length=1, max_length=4)]
    reason: Annotated[str, Meta(max_length=300)] = ""


class RuleView(Struct, frozen=True):
    id: UUID
    organisation: bool
    staff_id: UUID | None
    staff_name: str
    document_kind: str
    key_kinds: list[KeyKind]
    reason: str
    set_at: Instant


class BadRule(Refused):
    """The rule names a kind twice, or the organisation and a person at once."""

    slug = "bad-rule"


class RuleNotFound(NotFound):
    slug = "rule-not-found"


class SignAnotherWay(Conflict):
    """This signature is asked for and answered later (remote service, token at the workstation), not made at once."""

    slug = "sign-another-way"


async def signer_for(session: AsyncSession, staff_id: UUID | None, document_kind: str) -> Certificate:
    """Return the certificate that signs this type of document for a person, or for the organisation (None).

    Without a rule any certificate in use will do, in the usual order. Raises NoCertificate.
    """
    rules = await _rules(session, staff_id)
    held = await _held(session, staff_id)
    return _choose(rules, held, staff_id, document_kind)


async def signers_for(
    session: AsyncSession, staff_id: UUID | None, document_kinds: Sequence[str]
) -> dict[str, Certificate | NoCertificate]:
    """Return the certificate for each type of document, or why there is none."""
    rules = await _rules(session, staff_id)
    held = await _held(session, staff_id)
    found: dict[str, Certificate | NoCertificate] = {}
    for kind in dict.fromkeys(document_kinds):
        try:
            found[kind] = _choose(rules, held, staff_id, kind)
        except NoCertificate as refused:
            found[kind] = refused
    return found


async def _rules(session: AsyncSession, staff_id: UUID | None) -> list[Rule]:
    owner = "STAFF" if staff_id else "ORGANISATION"
    found = await session.scalars(select(PolicyRule).where(PolicyRule.owner_kind == owner))
    return [
        Rule(row.staff_id, row.document_kind, convert(tuple(row.key_kinds), tuple[KeyKind, ...]))
        for row in found
    ]


async def _held(session: AsyncSession, staff_id: UUID | None) -> dict[KeyKind, Certificate]:
    same = Certificate.staff_id == staff_id if staff_id else Certificate.staff_id.is_(None)
    found = await session.scalars(select(Certificate).where(same, Certificate.state == "ACTIVE"))
    return {KeyKind(row.key_kind): row for row in found}


def _choose(
    rules: Sequence[Rule], held: dict[KeyKind, Certificate], staff_id: UUID | None, document_kind: str
) -> Certificate:
    whose = "Bạn" if staff_id else "Cơ sở"
    if not held:
        raise NoCertificate(f"{whose} chưa có chứng thư số trong hệ thống. Hãy liên hệ quản trị để đăng ký.")
    rule = binding_rule(rules, staff_id, document_kind)
    allowed = rule.key_kinds if rule else USUAL_ORDER
    for kind in allowed:
        if kind in held:
            return held[kind]
    words = ", ".join(KIND_WORDS[kind] for kind in allowed)
    paper = f"loại văn bản {document_kind}" if document_kind else "văn bản"
    raise NoCertificate(
        f"Theo quy định của cơ sở, {paper} phải ký bằng {words}, mà {whose.lower()} chưa đăng ký cách ký này."
    )


async def set_rule(session: AsyncSession, command: SetRule, *, actor: Actor, now: Instant) -> RuleView:
    """Set a rule; one for the same person and type is replaced. Raises BadRule, StaffNotFound."""
    kinds = [kind.value for kind in dict.fromkeys(command.key_kinds)]
    if len(kinds) != len(command.key_kinds):
        raise BadRule("Mỗi cách ký chỉ chọn một lần.", field="key_kinds")
    if command.organisation and command.staff_id:
        raise BadRule("Quy định cho cơ sở không gắn với một người.", field="staff_id")
    if command.staff_id:
        await get_staff(session, command.staff_id)
    values = {
        "id": new_id(),
        "owner_kind": "ORGANISATION" if command.organisation else "STAFF",
        "staff_id": command.staff_id,
        "document_kind": command.document_kind,
        "key_kinds": kinds,
        "reason": command.reason,
        "set_at": now,
        "set_by": actor.id,
    }
    changed = {name: values[name] for name in ("key_kinds", "reason", "set_at", "set_by")}
    statement = insert(PolicyRule).values(values)
    statement = statement.on_conflict_do_update(
        index_elements=["owner_kind", "staff_id", "document_kind"], set_=changed
    )
    rule_id = (await session.execute(statement.returning(PolicyRule.id))).scalar_one()
    detail = {"staff": str(command.staff_id or ""), "document": command.document_kind, "keys": kinds}
    entry = Entry(
        action=Action.CHANGE,
        subject=f"signing.policy:{rule_id}",
        reason=command.reason or None,
        detail=detail,
    )
    await record(session, entry, actor)
    return next(view for view in await list_rules(session) if view.id == rule_id)


async def drop_rule(session: AsyncSession, rule_id: UUID, *, actor: Actor) -> None:
    """Take a rule away. Raises RuleNotFound."""
    row = await session.get(PolicyRule, rule_id)
    if row is None:
        raise RuleNotFound("Không tìm thấy quy định này.")
    detail = {"staff": str(row.staff_id or ""), "document": row.document_kind, "keys": row.key_kinds}
    await session.delete(row)
    await record(
        session, Entry(action=Action.VOID, subject=f"signing.policy:{rule_id}", detail=detail), actor
    )


async def list_rules(session: AsyncSession) -> list[RuleView]:
    """List the rules, those that bind first on top."""
    names = {person.id: person.name for person in await list_staff(session)}
    rows = list(await session.scalars(select(PolicyRule).execution_options(populate_existing=True)))
    rows.sort(key=lambda row: (not row.document_kind, row.staff_id is None, row.document_kind))
    return [
        RuleView(
            id=row.id,
            organisation=row.owner_kind == "ORGANISATION",
            staff_id=row.staff_id,
            staff_name=names.get(row.staff_id, "") if row.staff_id else "",
            document_kind=row.document_kind,
            key_kinds=[KeyKind(kind) for kind in row.key_kinds],
            reason=row.reason,
            set_at=row.set_at,
        )
        for row in rows
    ]


async def known_document_kinds(session: AsyncSession) -> list[tuple[str, str]]:
    """List the types of documents that came to be signed, with a title each."""
    found = await session.execute(
        select(Document.kind, func.min(Document.title)).group_by(Document.kind).order_by(Document.kind)
    )
    return [(row[0], row[1]) for row in found]
