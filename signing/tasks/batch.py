"""The documents of one confirmation under way: signed side by side, finished some at a time, each told apart."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant
from kernel.objects import ObjectDamaged, ObjectMissing
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import Actor
from signing.append import FieldTaken
from signing.certificates.models import Certificate
from signing.context import context_of
from signing.documents.models import Document
from signing.documents.views import SlotView
from signing.layout import Layout
from signing.schemes import Scheme
from signing.status import Answer, Standing
from signing.tasks.engine import Look, Signed
from signing.tasks.finish import Done, Evidence, checks_of, finish
from signing.tasks.rules import Mandate

Path = tuple[x509.Certificate, ...]
_TOGETHER = 20  # Documents finished in one transaction 2.


class SignState(StrEnum):
    SIGNED = "signed"
    SKIPPED = "skipped"
    FAILED = "failed"


class SignResult(Struct, frozen=True):
    """What became of one document. `warning`: signed, but something is to be known."""

    document_id: UUID
    state: SignState
    title: str = ""
    reason: str = ""
    warning: str = ""


class Leased(Struct, frozen=True):
    """A document whose turn was checked, held for this signature."""

    document_id: UUID
    title: str
    head: str
    layout: Layout | None
    slot: SlotView
    following: SlotView | None
    mandate: Mandate


SignOne = Callable[[Leased, bytes], Awaitable[Signed]]
"""Signs one leased file, given its bytes. Raises Problem or FieldTaken."""
OnFinished = Callable[[AsyncSession, list[SignResult]], Awaitable[None]]
"""Writes down results in the transaction that made them true."""


def evidence_of(
    actor: Actor,
    row: Certificate,
    scheme: Scheme,
    method: str,
    path: Path,
    answers: list[Answer],
    *,
    now: Instant,
) -> Evidence:
    """Put together what is stored with each signature of one confirmation."""
    return Evidence(
        actor=actor,
        certificate_id=row.id,
        certificate=row.certificate,
        serial=row.serial,
        issuer=row.issuer,
        chain=[link.public_bytes(Encoding.DER) for link in path[1:]],
        checks=checks_of(path, answers, now=now),
        signer_name=row.name,
        scheme=scheme,
        method=method,
        standing=worst(answers),
        ocsps=[answer.ocsp for answer in answers if answer.ocsp],
        crls=[answer.crl for answer in answers if answer.crl],
    )


def worst(answers: list[Answer]) -> Standing:
    order = [Standing.UNREACHABLE, Standing.UNKNOWN]
    standings = {answer.standing for answer in answers}
    return next((standing for standing in order if standing in standings), Standing.GOOD)


def look_for(look: Look, item: Leased) -> Look:
    """Say in the signature block for whom somebody signs, if not for themselves."""
    return replace(look, reason=item.mandate.words) if item.mandate.words else look


class Batch:
    """The documents of one confirmation under way, with one certificate and one answer about it."""

    def __init__(
        self,
        services: Services,
        evidence: Evidence,
        lease: UUID,
        sign_one: SignOne,
        *,
        now: Instant,
        on_finished: OnFinished | None = None,
    ) -> None:
        self._services, self._evidence, self._lease, self._now = services, evidence, lease, now
        self._sign_one, self._on_finished = sign_one, on_finished
        self._titles: dict[UUID, str] = {}
        self._gate = asyncio.Semaphore(context_of(services).settings.parallel_stamps)

    async def run(self, leased: list[Leased]) -> dict[UUID, SignResult]:
        """Sign all with overlapping requests, finish them some at a time as they come."""
        self._titles = {item.document_id: item.title for item in leased}
        results: dict[UUID, SignResult] = {}
        waiting: list[Done] = []
        for coming in asyncio.as_completed([self._sign(item) for item in leased]):
            outcome = await coming
            if isinstance(outcome, SignResult):
                results[outcome.document_id] = outcome
            else:
                waiting.append(outcome)
            if len(waiting) >= _TOGETHER:
                results |= await self._finish(waiting)
                waiting = []
        results |= await self._finish(waiting)
        left = [result for result in results.values() if result.state is not SignState.SIGNED]
        await self._release([result.document_id for result in left])
        return results

    async def _sign(self, item: Leased) -> Done | SignResult:
        try:
            async with (
                self._gate
            ):  # Bounds what is asked of the timestamp authority; storing goes on beside it.
                pdf = await self._services.objects.get(item.head)
                signed = await self._sign_one(item, pdf)
            stored = await self._services.objects.put(signed.pdf)
            assert stored == signed.sha256
        except Problem as refused:
            return SignResult(item.document_id, SignState.FAILED, item.title, refused.detail)
        except FieldTaken:
            reason = "Tệp không có ô ký này."
            return SignResult(item.document_id, SignState.FAILED, item.title, reason)
        except (ObjectMissing, ObjectDamaged):
            reason = "Không đọc được tệp đã lưu hoặc tệp đã hỏng. Báo ngay cho quản trị hệ thống."
            return SignResult(item.document_id, SignState.FAILED, item.title, reason)
        return Done(item.document_id, item.slot, item.following, item.head, signed, item.mandate)

    async def _finish(self, done: list[Done]) -> dict[UUID, SignResult]:
        """Transaction 2: compare and set; what changed meanwhile is reported, not overwritten."""
        if not done:
            return {}
        done = sorted(
            done, key=lambda item: item.document_id
        )  # One order for all, so that none waits in a ring.
        async with self._services.sessions.begin() as session:
            moved = await finish(session, done, lease=self._lease, evidence=self._evidence, now=self._now)
            results = [self._result(item, item.document_id in moved) for item in done]
            if self._on_finished is not None:
                await self._on_finished(session, results)
        return {result.document_id: result for result in results}

    def _result(self, item: Done, moved: bool) -> SignResult:
        title = self._titles[item.document_id]
        if not moved:
            reason = "Văn bản vừa thay đổi ở nơi khác nên chữ ký này bị bỏ. Hãy mở lại."
            return SignResult(item.document_id, SignState.FAILED, title, reason)
        return SignResult(item.document_id, SignState.SIGNED, title, warning=self._warning(item.signed))

    def _warning(self, signed: Signed) -> str:
        texts = []
        if self._evidence.standing is not Standing.GOOD:
            texts.append("chưa hỏi được trạng thái thu hồi của chứng thư")
        if signed.stamp is None:
            texts.append("chưa có dấu thời gian (mức B-B)")
        return f"Đã ký, nhưng {' và '.join(texts)}." if texts else ""

    async def _release(self, document_ids: list[UUID]) -> None:
        if not document_ids:
            return
        async with self._services.sessions.begin() as session:
            await session.execute(
                update(Document)
                .where(Document.id.in_(document_ids), Document.lease == self._lease)
                .values(lease=None, lease_until=None)
            )
