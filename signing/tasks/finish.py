"""Transaction 2 of signatures: heads, slots, evidence, audit and news change together or not at all."""

import typing
from typing import Any, Literal
from uuid import UUID

import msgspec
from cryptography import x509
from msgspec import Struct
from sqlalchemy import (
    Boolean,
    DateTime,
    Table,
    Text,
    Uuid,
    any_,
    bindparam,
    case,
    cast,
    column,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record_all
from kernel.clock import Instant
from kernel.ids import new_id
from kernel.live import touch
from kernel.outbox.api import enqueue, publish_all
from kernel.staff.api import SYSTEM, Actor
from kernel.statements import Statement
from signing.certificate_names import names_of
from signing.documents.models import Document, Signature, Slot
from signing.documents.rules import DocumentState, SlotState
from signing.documents.service import INBOX_TOPIC, announce
from signing.documents.views import SlotView
from signing.events import DocumentSigned
from signing.schemes import Scheme
from signing.status import Answer, Standing
from signing.tasks.engine import Signed
from signing.tasks.rules import OWN, Mandate
from signing.verification.report import Level

JUDGE = "signing.judge"


class JudgeFiles(Struct, frozen=True):
    """Payload of the job that lets pyHanko judge files we signed: document and hash of each."""

    files: list[tuple[UUID, str]]


class Done(Struct, frozen=True):
    """A signed and stored file that waits for transaction 2. `following`: the slot whose turn comes next.

    `mandate`: in which capacity the signer signed this one.
    """

    document_id: UUID
    slot: SlotView
    following: SlotView | None
    head: str
    signed: Signed
    mandate: Mandate = OWN


class Signatory(Struct, frozen=True):
    """For whom the organisation seals: a patient, a representative, or the witnesses of one who does not sign."""

    kind: Literal["PATIENT", "REPRESENTATIVE", "WITNESSES"]
    name: str
    capacity: str = ""
    """Relation of a representative, as it stands beside the name."""


class Evidence(Struct, frozen=True, kw_only=True):
    """What is stored with each signature of one confirmation (emr-law: certificate, scheme, status at both tiers)."""

    actor: Actor
    certificate_id: UUID
    certificate: bytes
    serial: str
    issuer: str
    chain: list[bytes]
    checks: dict[str, Any]
    signer_name: str
    scheme: Scheme
    method: str
    standing: Standing
    ocsps: list[bytes]
    crls: list[bytes]
    signatory: Signatory | None = None


def checks_of(path: tuple[x509.Certificate, ...], answers: list[Answer], *, now: Instant) -> dict[str, Any]:
    """Write down what the gate checked and what came out, tier by tier (TT 15/2025 Đ5 c: the result of the status check)."""
    tiers = [
        {
            "subject": names_of(certificate).name,
            "serial": f"{certificate.serial_number:X}",
            "standing": answer.standing,
            "source": "OCSP" if answer.ocsp else "CRL" if answer.crl else "",
            "asked_at": answer.asked_at.isoformat(),
        }
        for certificate, answer in zip(path, answers, strict=False)
    ]
    passed = ["in-force", "key-strength", "key-usage", "owner", "trusted-path"]
    return {"checked_at": now.isoformat(), "passed": passed, "root": names_of(path[-1]).name, "tiers": tiers}


async def finish(
    session: AsyncSession, done: list[Done], *, lease: UUID, evidence: Evidence, now: Instant
) -> set[UUID]:
    """Set the new heads where lease and old head still stand; return which documents moved."""
    moved = await _move(session, done, lease, now)
    kept = [item for item in done if item.document_id in moved]
    if not kept:
        return set()
    await session.execute(_SIGNED, {"slots": [item.slot.id for item in kept], "at": now})
    versions = await versions_of(session, [item.document_id for item in kept])
    rows = [_row(item, evidence, versions.get(item.document_id, 1), now) for item in kept]
    await session.execute(insert(_SIGNATURES), rows)
    await _open_next(session, kept, moved, now)
    await record_all(
        session, [_entry(item, evidence, moved[item.document_id][2]) for item in kept], evidence.actor
    )
    await _tell(session, kept, moved, evidence, now)
    return set(moved)


_DOCUMENTS, _SLOTS, _SIGNATURES = (
    typing.cast(Table, model.__table__) for model in (Document, Slot, Signature)
)  # Core: no unit of work looks on.
_SIGNED = (
    update(_SLOTS)
    .where(_SLOTS.c.id == any_(bindparam("slots", type_=ARRAY(Uuid))))
    .values(state=SlotState.SIGNED.value, signed_at=bindparam("at", type_=DateTime(timezone=True)))
)

Moved = dict[UUID, tuple[str, str, UUID | None, UUID | None]]
"""Kind, subject, patient and superseded document of each document that moved."""


async def _move(session: AsyncSession, done: list[Done], lease: UUID, now: Instant) -> Moved:
    """Compare and set all heads in one statement."""
    parameters = {
        "ids": [item.document_id for item in done],
        "heads": [item.head for item in done],
        "hashes": [item.signed.sha256 for item in done],
        "layouts": [_layout(item) for item in done],
        "completes": [item.following is None for item in done],
        "held_by": lease,
        "at": now,
    }
    found = await session.execute(_MOVE, parameters)
    return {row.id: (row.kind, row.subject, row.patient_id, row.supersedes) for row in found}


def _layout(item: Done) -> str | None:
    layout = item.signed.layout
    return None if layout is None else msgspec.json.encode(layout).decode()


def _moving() -> Any:
    """Write the statement once: arrays in place of a row of values for each document, so that it is compiled once."""
    made = func.unnest(
        bindparam("ids", type_=ARRAY(Uuid)),
        bindparam("heads", type_=ARRAY(Text)),
        bindparam("hashes", type_=ARRAY(Text)),
        bindparam("layouts", type_=ARRAY(Text)),
        bindparam("completes", type_=ARRAY(Boolean)),
    ).table_valued(
        column("id", Uuid),
        column("old", Text),
        column("sha256", Text),
        column("layout", Text),
        column("complete", Boolean),
        name="made",
    )
    made = made.render_derived()
    issued = case((made.c.complete, literal(DocumentState.ISSUED.value)), else_=DocumentState.PENDING.value)
    c = _DOCUMENTS.c
    return (
        update(_DOCUMENTS)
        .where(
            c.id == made.c.id,
            c.head_sha256 == made.c.old,
            c.lease == bindparam("held_by", type_=Uuid),
            c.state == DocumentState.PENDING.value,
        )
        .values(
            head_sha256=made.c.sha256,
            layout=cast(made.c.layout, JSONB),
            lease=None,
            lease_until=None,
            state=issued,
            completed_at=case((made.c.complete, bindparam("at", type_=DateTime(timezone=True))), else_=None),
        )
        .returning(c.id, c.kind, c.subject, c.patient_id, c.supersedes)
    )


_MOVE = _moving()


async def _open_next(session: AsyncSession, kept: list[Done], moved: Moved, now: Instant) -> None:
    """Give the turn to the next slots, and retire what finished documents replace."""
    following = [(item.document_id, item.following) for item in kept if item.following is not None]
    if following:
        await session.execute(
            update(Slot).where(Slot.id.in_([slot.id for _, slot in following])).values(open_since=now)
        )
    for document_id, slot in following:
        await announce(session, document_id, slot.owner_kind, slot.owner_id)
    replaced = [moved[item.document_id][3] for item in kept if item.following is None]
    replaced = [key for key in replaced if key is not None]
    if replaced:
        await session.execute(
            update(Document)
            .where(Document.id.in_(replaced), Document.state == DocumentState.ISSUED)
            .values(state=DocumentState.SUPERSEDED)
        )


async def versions_of(session: AsyncSession, document_ids: list[UUID]) -> dict[UUID, int]:
    """Count the papers each document replaces, one after the other, and itself; only those that replace one are listed."""
    return {row["id"]: row["version"] for row in await _VERSIONS.rows(session, ids=document_ids)}


def _counting() -> Statement:
    c, wanted = _DOCUMENTS.c, any_(bindparam("ids", type_=ARRAY(Uuid)))
    start = select(c.id.label("id"), c.supersedes.label("before"), literal(1).label("version"))
    line = start.where(c.id == wanted, c.supersedes.is_not(None)).cte("line", recursive=True)
    older = select(line.c.id, c.supersedes, line.c.version + 1).join(_DOCUMENTS, c.id == line.c.before)
    line = line.union_all(older)
    return Statement(select(line.c.id, func.max(line.c.version).label("version")).group_by(line.c.id))


_VERSIONS = _counting()


def _row(item: Done, evidence: Evidence, version: int, now: Instant) -> dict[str, object]:
    actor, stamp = evidence.actor, item.signed.stamp
    organisation = actor.id == SYSTEM.id
    person = evidence.signatory
    kind = "ORGANISATION" if organisation else "STAFF"
    title = "" if organisation else actor.title
    return {
        "id": new_id(),
        "document_id": item.document_id,
        "slot_id": item.slot.id,
        "field": item.slot.field,
        "slot_label": item.slot.label,
        "version": version,
        "signer_kind": person.kind if person else kind,
        "signer_id": None if organisation else actor.id,
        "signer_name": person.name if person else evidence.signer_name,
        "signer_title": person.capacity if person else title,
        "capacity": item.mandate.capacity,
        "on_behalf_of": item.mandate.on_behalf_of,
        "asked_id": item.mandate.asked_id,
        "basis": item.mandate.basis,
        "certificate_id": evidence.certificate_id,
        "certificate": evidence.certificate,
        "certificate_serial": evidence.serial,
        "certificate_issuer": evidence.issuer,
        "chain": evidence.chain,
        "method": evidence.method,
        "scheme": evidence.scheme,
        "level": Level.B_T if stamp else Level.B_B,
        "previous_sha256": item.head,
        "sha256": item.signed.sha256,
        "standing": evidence.standing,
        "checks": evidence.checks,
        "ocsps": evidence.ocsps,
        "crls": evidence.crls,
        "token": stamp.token if stamp else None,
        "stamped_at": stamp.at if stamp else None,
        "stamped_by": stamp.authority if stamp else "",
        "signed_at": now,
        "session_id": actor.session_id,
        "ip": actor.ip,
        "device": actor.device,
    }


def _entry(item: Done, evidence: Evidence, patient_id: UUID | None) -> Entry:
    mandate = item.mandate
    behalf = {"capacity": mandate.capacity, "for": mandate.on_behalf_of} if mandate.on_behalf_of else {}
    return Entry(
        action=Action.SIGN,
        subject=f"signing.document:{item.document_id}",
        patient_id=patient_id,
        detail={
            "slot": item.slot.field,
            "before": item.head,
            "after": item.signed.sha256,
            "scheme": evidence.scheme,
            **behalf,
        },
    )


async def _tell(
    session: AsyncSession, kept: list[Done], moved: Moved, evidence: Evidence, now: Instant
) -> None:
    """Publish what was signed, let the judge look at it, refresh the inboxes."""
    files = [(item.document_id, item.signed.sha256) for item in kept]
    await enqueue(session, JUDGE, JudgeFiles(files))
    person = None if evidence.actor.id == SYSTEM.id else evidence.actor.id
    await publish_all(session, [_event(item, moved[item.document_id], person, now) for item in kept])
    for owner in {item.slot.owner_id for item in kept if item.slot.owner_id}:
        touch(session, f"{INBOX_TOPIC}:{owner}")


def _event(
    item: Done, moved: tuple[str, str, UUID | None, UUID | None], person: UUID | None, now: Instant
) -> DocumentSigned:
    kind, subject, _, _ = moved
    return DocumentSigned(
        document_id=item.document_id,
        kind=kind,
        subject=subject,
        slot=item.slot.field,
        signer_id=person,
        complete=item.following is None,
        sha256=item.signed.sha256,
        at=now,
    )
