"""Rehearse a signature: certificate, status, PIN, timestamp, font and space, tried with a paper that is thrown away."""

import hashlib
import re
import shutil
from datetime import timedelta
from uuid import UUID

import anyio.to_thread
import msgspec
from cryptography import x509
from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant
from kernel.ids import new_id
from kernel.paper.blocks import PaperDocument, Paragraph, Signatures, Slot, Title
from kernel.paper.fonts import regular
from kernel.paper.render import render
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import Actor, Role, StaffView, list_staff
from signing.certificates.models import Certificate
from signing.certificates.service import open_with_pin, owner_of
from signing.context import Context, context_of
from signing.gate import check_certificate
from signing.key_kinds import AT_ONCE, KIND_WORDS, KeyKind
from signing.keys import Signer
from signing.policy.service import signer_for
from signing.rehearsal.models import Rehearsal
from signing.status import Standing
from signing.tasks.engine import Look, sign_file
from signing.tasks.service import open_seal
from signing.timestamps import Timestamp
from signing.verification.pdf import verify_pdf

FIELD = "tong_duyet"
SIGNER_ROLES = (Role.DOCTOR, Role.NURSE, Role.HEAD, Role.DIRECTOR, Role.LAB, Role.PHARMACIST)
"""Who signs in a hospital; whoever else holds a certificate is asked too."""
TITLES = {
    "certificate": "Chứng thư số",
    "status": "Trạng thái (OCSP/CRL)",
    "pin": "Mã PIN và khóa",
    "stamp": "Dấu thời gian (TSA)",
    "font": "Phông chữ",
    "space": "Chỗ lưu",
}


class Check(Struct, frozen=True):
    """One thing that was tried. `passed` None: it cannot be tried here."""

    name: str
    passed: bool | None
    words: str


class RehearsalView(Struct, frozen=True):
    """What came out when somebody rehearsed."""

    ready: bool
    checks: list[Check]
    made_at: Instant
    certificate_id: UUID | None


class Readiness(Struct, frozen=True):
    """One signer in the table of all: ready, or why not."""

    staff_id: UUID | None
    name: str
    title: str
    department: str
    ready: bool
    reason: str
    last: RehearsalView | None


async def rehearse(
    services: Services, actor: Actor, pin: str, *, now: Instant, organisation: bool = False
) -> RehearsalView:
    """Try everything a signature of this person needs, or of the organisation; the result is kept, the PIN is not."""
    context = context_of(services)
    staff_id = None if organisation else actor.id
    checks = [_font(actor.name if not organisation else services.settings.kernel.facility.name, actor.title)]
    checks.append(await _space(services, context))
    row: Certificate | None = None
    try:
        async with services.sessions() as session:
            row = await signer_for(session, staff_id, "")
        checks += await _certificate(services, context, row, now=now)
        checks += await _sign(services, context, row, actor, pin, now=now)
    except Problem as refused:
        checks.append(Check("certificate", False, refused.detail))
    order = list(TITLES)
    found = {check.name: check for check in checks}
    listed = [found.get(name, Check(name, False, "Chưa thử được.")) for name in order]
    ready = all(check.passed is not False for check in listed)
    made = Rehearsal(
        id=new_id(),
        staff_id=staff_id,
        certificate_id=row.id if row else None,
        ready=ready,
        checks=msgspec.to_builtins(listed),
        made_at=now,
        made_by=actor.id,
    )
    async with services.sessions.begin() as session:
        session.add(made)
    return RehearsalView(ready, listed, now, made.certificate_id)


def _font(name: str, title: str) -> Check:
    """See that the face of signatures has every letter of the name."""
    missing = sorted({letter for letter in name + title if letter not in regular().letters})
    if missing:
        return Check("font", False, f"Phông chữ của chữ ký thiếu chữ: {' '.join(missing)}.")
    return Check("font", True, "Đủ chữ để in họ tên và chức danh.")


async def _space(services: Services, context: Context) -> Check:
    folder = services.settings.kernel.data_dir
    free = (await anyio.to_thread.run_sync(shutil.disk_usage, folder)).free
    wanted = context.settings.rehearsal_free_bytes
    words = f"Còn {free / 1e9:.1f} GB".replace(".", ",")
    if free < wanted:
        return Check("space", False, f"{words}, cần ít nhất {wanted / 1e9:.0f} GB. Báo quản trị hệ thống.")
    return Check("space", True, f"{words} để lưu văn bản.")


async def _certificate(
    services: Services, context: Context, row: Certificate, *, now: Instant
) -> list[Check]:
    """Check the certificate as before every signature, and hear its authority."""
    certificate = x509.load_der_x509_certificate(row.certificate)
    async with services.sessions() as session:
        owner = await owner_of(session, row, services.settings.kernel.facility)
    try:
        path = check_certificate(certificate, owner, context.trust, now=now)
    except Problem as refused:
        return [Check("certificate", False, refused.detail)]
    left = (row.not_after - now).days
    kind = KIND_WORDS[KeyKind(row.key_kind)]
    words = f"{kind.capitalize()}, còn {left} ngày (đến {row.not_after:%d/%m/%Y})."
    checks = [Check("certificate", True, words)]
    standings = {a.standing for a in await context.status(services.http).ask_path(path, now=now)}
    if Standing.REVOKED in standings:
        return [*checks, Check("status", False, "Chứng thư hoặc nơi cấp đã bị thu hồi.")]
    if standings == {Standing.GOOD}:
        return [*checks, Check("status", True, "Tổ chức chứng thực trả lời: còn hiệu lực.")]
    return [*checks, Check("status", False, "Không hỏi được tổ chức chứng thực (OCSP và CRL).")]


async def _sign(
    services: Services, context: Context, row: Certificate, actor: Actor, pin: str, *, now: Instant
) -> list[Check]:
    kind = KeyKind(row.key_kind)
    if kind not in AT_ONCE:
        words = f"Ký bằng {KIND_WORDS[kind]}: hãy thử bằng một yêu cầu ký thật."
        return [Check("pin", None, words), await _stamp_alone(services, context, now=now)]
    try:
        signer: Signer
        if row.staff_id is None:
            signer = await open_seal(context, row)
        else:
            _, signer = await open_with_pin(services, row, pin, actor=actor, now=now)
    except Problem as refused:
        words = refused.detail.replace(", chưa ký văn bản nào.", ".")
        return [Check("pin", False, words), await _stamp_alone(services, context, now=now)]
    try:
        return await _throw_away(services, context, signer, actor, now=now)
    except Problem as refused:
        return [Check("pin", False, refused.detail), await _stamp_alone(services, context, now=now)]
    finally:
        if row.staff_id is not None:
            await signer.close()


async def _throw_away(
    services: Services, context: Context, signer: Signer, actor: Actor, *, now: Instant
) -> list[Check]:
    """Render, sign and verify a paper that is kept nowhere."""
    paper = PaperDocument(
        title="Tổng duyệt ký số",
        author=services.settings.kernel.facility.name,
        created_at=now,
        blocks=(
            Title(text="TỔNG DUYỆT KÝ SỐ", below="Không có giá trị sử dụng"),
            Paragraph(text="Văn bản thử, bị bỏ ngay sau khi kiểm tra chữ ký."),
            Signatures(slots=(Slot(field=FIELD, role="Người ký"),)),
        ),
    )
    pdf = await services.cpu.run(render, paper)
    signed = await sign_file(
        pdf,
        hashlib.sha256(pdf).hexdigest(),
        None,
        FIELD,
        signer,
        trust=context.trust,
        stamps=context.stamps(services.http),
        token_room=context.settings.token_room_bytes,
        look=Look(context.face(), title=actor.title, reason="Tổng duyệt"),
        now=now,
    )
    report = await anyio.to_thread.run_sync(verify_pdf, signed.pdf, context.trust, now)
    if not report.valid:
        return [Check("pin", False, report.summary)]
    checks = [Check("pin", True, f"Đã ký thử và kiểm tra được ({signer.scheme}).")]
    if signed.stamp is None:
        return [*checks, _no_stamp(context)]
    return [*checks, _stamped(signed.stamp)]


async def _stamp_alone(services: Services, context: Context, *, now: Instant) -> Check:
    stamps = context.stamps(services.http)
    stamp = await stamps.stamp(b"tong duyet", now=now) if stamps else None
    if stamp is None:
        return _no_stamp(context)
    return _stamped(stamp)


def _stamped(stamp: Timestamp) -> Check:
    name = re.search(r"CN=([^,]+)", stamp.authority)
    return Check("stamp", True, f"{name[1] if name else stamp.authority} đã đóng dấu thời gian.")


def _no_stamp(context: Context) -> Check:
    if not context.settings.tsa_urls:
        return Check("stamp", False, "Chưa khai báo máy chủ dấu thời gian nào.")
    return Check("stamp", False, "Không máy chủ dấu thời gian nào trả lời kịp; chữ ký chỉ ở mức B-B.")


async def last_rehearsal(session: AsyncSession, staff_id: UUID | None) -> RehearsalView | None:
    """Return what came out the last time."""
    same = Rehearsal.staff_id == staff_id if staff_id else Rehearsal.staff_id.is_(None)
    row = await session.scalar(select(Rehearsal).where(same).order_by(Rehearsal.made_at.desc()).limit(1))
    return _view(row) if row else None


async def readiness(session: AsyncSession, *, facility: str, keep_days: int, now: Instant) -> list[Readiness]:
    """Say of every signer, and of the organisation, whether everything was tried and worked; who is not ready comes first.

    A rehearsal counts for some days, and only for the certificate that is in use now.
    """
    last = {
        row.staff_id: row
        for row in await session.scalars(
            select(Rehearsal)
            .ext(distinct_on(Rehearsal.staff_id))
            .order_by(Rehearsal.staff_id, Rehearsal.made_at.desc())
        )
    }
    held: dict[UUID | None, set[UUID]] = {}
    for owner, certificate_id in await session.execute(
        select(Certificate.staff_id, Certificate.id).where(Certificate.state == "ACTIVE")
    ):
        held.setdefault(owner, set()).add(certificate_id)
    oldest = now - timedelta(days=keep_days)
    people: list[StaffView | None] = [None]
    people += [p for p in await list_staff(session) if p.id in held or p.roles & frozenset(SIGNER_ROLES)]
    found = []
    for person in people:
        key = person.id if person else None
        made = last.get(key)
        reason = _why_not_ready(made, held.get(key, set()), oldest)
        found.append(
            Readiness(
                staff_id=key,
                name=person.name if person else facility,
                title=person.title if person else "Con dấu số của cơ sở",
                department=person.department if person else "",
                ready=not reason,
                reason=reason,
                last=_view(made) if made else None,
            )
        )
    return sorted(found, key=lambda one: (one.ready, one.staff_id is not None, one.department, one.name))


def _why_not_ready(made: Rehearsal | None, held: set[UUID], oldest: Instant) -> str:
    if not held:
        return "Chưa có chứng thư số"
    if made is None:
        return "Chưa thử lần nào"
    if made.certificate_id not in held:
        return "Đã đổi chứng thư sau lần thử"
    if made.made_at < oldest:
        return "Lần thử đã quá lâu"
    if made.ready:
        return ""
    failed = [check["name"] for check in made.checks if check["passed"] is False]
    return "Chưa đạt: " + ", ".join(TITLES.get(name, name).lower() for name in failed)


def _view(row: Rehearsal) -> RehearsalView:
    return RehearsalView(row.ready, msgspec.convert(row.checks, list[Check]), row.made_at, row.certificate_id)
