"""Pages around the inbox: handing over, what I sent, mandates, the seal at night, signature debt."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from msgspec import ValidationError, convert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import VN, Instant, parse_day_typed, utc_now
from kernel.ids import new_id
from kernel.problems import Problem
from kernel.staff.api import Actor, Role, list_staff, needs, signed_in
from signing.documents.ages import BUCKETS, age_of
from signing.documents.debt import by_department, signature_debt
from signing.documents.sent import may_recall, sent_by
from signing.documents.service import recall_document
from signing.settings import SigningSettings
from signing.tasks.behalf import GiveMandate, end_mandate, give_mandate, mandates_of
from signing.tasks.handover import HandOver, hand_over
from signing.tasks.rules import CAPACITY_WORDS, POSTS, Capacity, post_words
from signing.tasks.seal import release_seal, seals_to_release, waiting_seals

FormBody = URLEncodedBody[dict[str, str]]
Session = NamedDependency[AsyncSession]
Who = NamedDependency[Actor]
Rules = NamedDependency[SigningSettings]


class TaskPages(Controller):
    path = "/sign"
    guards = (signed_in,)
    include_in_schema = False

    @post("/{document_id:uuid}/handover")
    async def hand_over(
        self, document_id: FromPath[UUID], data: FormBody, session: Session, actor: Who
    ) -> Template | Redirect:
        """Hand the open slot to a colleague."""
        try:
            values = {
                "document_id": document_id,
                "to_id": data.get("to_id"),
                "reason": data.get("why", "").strip(),
            }
            command = convert(values, HandOver, strict=False)
            async with session.begin_nested():
                await hand_over(session, command, actor=actor, now=utc_now())
        except ValidationError:
            return _stopped("Chưa chuyển được", "Hãy chọn người nhận và ghi lý do chuyển ký.")
        except Problem as refused:
            return _stopped("Chưa chuyển được", refused.detail)
        return Redirect("/sign?handed=1", status_code=303)

    @get("/sent")
    async def sent(self, session: Session, actor: Who, recalled: FromQuery[int] = 0) -> Template:
        """What I sent for signing and what came back."""
        now = utc_now()
        context = {
            "documents": await sent_by(session, actor, now=now),
            "may_recall": may_recall,
            "age": lambda since: age_of(since, now),
            "recalled": recalled,
        }
        return Template("signing/sent.html", context=context)

    @post("/{document_id:uuid}/recall")
    async def recall(self, document_id: FromPath[UUID], session: Session, actor: Who) -> Template | Redirect:
        """Take a document back before anybody else signed."""
        try:
            async with session.begin_nested():
                await recall_document(session, document_id, actor=actor, now=utc_now())
        except Problem as refused:
            return _stopped("Chưa thu hồi được", refused.detail, "/sign/sent")
        return Redirect("/sign/sent?recalled=1", status_code=303)

    @get("/seals")
    async def seals(
        self, session: Session, actor: Who, signing_settings: Rules, released: FromQuery[int] = 0
    ) -> Template:
        """What waits for the organisation's seal; the leader on duty releases it at night."""
        now = utc_now()
        mine = {one.id for one in await seals_to_release(session, actor, settings=signing_settings, now=now)}
        shown = actor.has(Role.DIRECTOR, Role.HEAD, Role.ARCHIVIST, Role.ADMIN) or mine
        context = {
            "documents": await waiting_seals(session) if shown else [],
            "mine": mine,
            "hours": signing_settings.seal_release_hours,
            "age": lambda since: age_of(since, now),
            "released": released,
        }
        return Template("signing/seals.html", context=context)

    @post("/{document_id:uuid}/release")
    async def release(self, document_id: FromPath[UUID], session: Session, actor: Who) -> Template | Redirect:
        """Release the seal for one document."""
        try:
            async with session.begin_nested():
                await release_seal(session, document_id, actor=actor, now=utc_now())
        except Problem as refused:
            return _stopped("Chưa cho đóng dấu được", refused.detail, "/sign/seals")
        return Redirect("/sign/seals?released=1", status_code=303)

    @get("/mandates")
    async def mandates(self, session: Session, actor: Who) -> Template:
        return await _mandates(session, actor)

    @post("/mandates", guards=[needs(*POSTS)])
    async def give(self, data: FormBody, session: Session, actor: Who) -> Template | Redirect:
        """Let somebody sign for the post I hold."""
        try:
            command = _mandate_of(data)
        except (ValidationError, ValueError):
            return await _mandates(session, actor, {"basis": "Hãy điền đủ người, căn cứ và hai ngày."}, data)
        try:
            async with session.begin_nested():
                await give_mandate(session, command, actor=actor, now=utc_now())
        except Problem as refused:
            return await _mandates(session, actor, {refused.field or "": refused.detail}, data)
        return Redirect("/sign/mandates", status_code=303)

    @post("/mandates/{mandate_id:uuid}/end")
    async def end(self, mandate_id: FromPath[UUID], session: Session, actor: Who) -> Template | Redirect:
        try:
            async with session.begin_nested():
                await end_mandate(session, mandate_id, actor=actor, now=utc_now())
        except Problem as refused:
            return await _mandates(session, actor, {"": refused.detail})
        return Redirect("/sign/mandates", status_code=303)

    @get("/debt", guards=[needs(Role.HEAD, Role.DIRECTOR, Role.ADMIN)])
    async def debt(self, session: Session, department: FromQuery[str] = "") -> Template:
        """Who owes signatures, by person, department and age."""
        now = utc_now()
        debts = await signature_debt(session, now=now)
        context = {
            "places": by_department(debts),
            "debts": [debt for debt in debts if not department or debt.department == department],
            "department": department,
            "ages": [name for name, _ in BUCKETS],
            "age": lambda since: age_of(since, now),
        }
        return Template("signing/debt.html", context=context)


def _stopped(title: str, why: str, back: str = "/sign") -> Template:
    context = {"heading": title, "why": why, "back": back}
    return Template("signing/stopped.html", context=context, status_code=422)


def _mandate_of(data: dict[str, str]) -> GiveMandate:
    """Read the form: whole local days, the last one included. Raises ValueError, ValidationError."""
    values = {
        "id": data.get("id") or new_id(),
        "capacity": data.get("capacity", ""),
        "taker_id": data.get("taker_id", ""),
        "basis": data.get("basis", "").strip(),
        "starts_at": _midnight(data.get("starts", "")),
        "ends_at": _midnight(data.get("ends", "")) + timedelta(days=1),
    }
    return convert(values, GiveMandate, strict=False)


def _midnight(text: str) -> Instant:
    day = parse_day_typed(text)
    return datetime(day.year, day.month, day.day, tzinfo=VN)


async def _mandates(
    session: AsyncSession,
    actor: Actor,
    errors: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
) -> Template:
    staff = {person.id: person for person in await list_staff(session)}
    names = {key: f"{person.title} {person.name}".strip() for key, person in staff.items()}
    post = next((role for role in reversed(POSTS) if actor.has(role)), None)
    capacities = [Capacity.KT, Capacity.TL] if post is Role.DIRECTOR else [Capacity.KT]
    context: dict[str, Any] = {
        "mandates": await mandates_of(session, actor, now=utc_now()),
        "names": names,
        "words": CAPACITY_WORDS,
        "post_words": post_words,
        "mine": actor,
        "director": actor.has(Role.DIRECTOR),
        "post": post_words(post, actor.department) if post else "",
        "capacities": [(one.value, CAPACITY_WORDS[one]) for one in capacities],
        "takers": [(str(key), name) for key, name in names.items() if key != actor.id],
        "errors": errors or {},
        "form": typed or {"id": str(new_id())},
    }
    return Template("signing/mandates.html", context=context, status_code=422 if errors else 200)
