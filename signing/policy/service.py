"""Choose the certificate that signs: by person and by document type."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import convert
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.problems import Conflict
from signing.certificates.models import Certificate
from signing.certificates.service import NoCertificate
from signing.key_kinds import KIND_WORDS, USUAL_ORDER, KeyKind
from signing.policy.models import PolicyRule
from signing.policy.rules import Rule, binding_rule


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
