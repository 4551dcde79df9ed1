"""The person confirms at the tablet: drawn, by fingerprint, by a code, or through the national identity service.

Transaction 1 checks that everything listed was shown and still waits as it was; readers and services are asked outside; the
evidence bundles are stored; transaction 2 compares again and sets. The hospital's seal follows by job.
"""

import hashlib
from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec
from msgspec.structs import replace
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant
from kernel.ids import new_id
from kernel.problems import Conflict, Refused
from kernel.services import Services
from kernel.text import mask_phone
from signing.context import context_of
from signing.people import bundle as b
from signing.people.evidence import compose, keep_bundles, require_waiting
from signing.people.ink import read_public_key, seal
from signing.people.models import IdentityCheck, Sitting
from signing.people.offers import methods_of
from signing.people.opening import NotForThePatient
from signing.people.outside import IdentityAnswer, IdentityWrongAnswer, authenticate, match_finger
from signing.people.phones import PhoneNotProven, check_code, new_request, use
from signing.people.rules import Drawing, InkRules, Method, SignerKind, State, check_drawing
from signing.people.sittings import acting, chosen, note
from signing.people.tablet import NotShown
from signing.people.views import ListedDocument, SittingView, view_of

FINGER_CONSENT = "Tôi đồng ý cho đối chiếu vân tay của tôi để ký; ảnh vân tay không được lưu."


Also = Callable[[AsyncSession, Sitting], Awaitable[None]]
"""Something that has to become true in the transaction that signs."""


class MethodNotOffered(Conflict):
    slug = "method-not-offered"


class ConsentMissing(Refused):
    slug = "consent-missing"


class OneDocumentAtATime(Conflict):
    """The identity service authenticates per document (R-48)."""

    slug = "one-document-at-a-time"


async def draw(services: Services, code: str, token: str, drawing: Drawing, *, now: Instant) -> SittingView:
    """Sign all listed documents with drawn lines.

    Raises BadDrawing, TooLittleInk, and what `_begin` raises.
    """
    settings = context_of(services).settings
    rules = InkRules(
        points=settings.people_ink_points,
        length=settings.people_ink_length,
        milliseconds=settings.people_ink_milliseconds,
    )
    check_drawing(drawing, rules)
    view, device = await _begin(services, code, token, Method.DRAWN, now=now)
    assert settings.people_ink_key_file is not None
    key = read_public_key(settings.people_ink_key_file)
    strokes = msgspec.json.encode(drawing.strokes)
    points = [point for stroke in drawing.strokes for point in stroke]
    lines = tuple(tuple((round(p.x), round(p.y)) for p in stroke) for stroke in drawing.strokes)
    bundles = {}
    for item in view.documents:
        ink = b.Ink(
            strokes=len(drawing.strokes),
            points=len(points),
            milliseconds=points[-1].t - points[0].t,
            sha256=b.digest(strokes),
            width=round(drawing.width),
            height=round(drawing.height),
            lines=lines,
            sealed=seal(strokes, key, bound_to=bytes.fromhex(item.sha256)),
        )
        bundles[item.document_id] = replace(compose(view, item, Method.DRAWN, device, now=now), ink=ink)
    return await _sign(services, code, token, Method.DRAWN, bundles, now=now)


async def press(services: Services, code: str, token: str, *, consent: bool, now: Instant) -> SittingView:
    """Sign all listed documents with a finger on the reader.

    Raises ConsentMissing, ReaderUnreachable, ReaderSaidTooMuch, FingerprintNoMatch, and what `_begin` raises.
    """
    if not consent:
        raise ConsentMissing("Cần người ký đồng ý trước khi đối chiếu vân tay.", field="consent")
    view, device = await _begin(services, code, token, Method.FINGERPRINT, now=now)
    person = (
        f"{view.patient_id}" if view.signer_kind is SignerKind.PATIENT else f"number:{view.signer_number}"
    )
    answer = await match_finger(
        services.http,
        context_of(services).settings,
        request_id=new_id(),
        person=person,
        station=view.opened_department,
    )
    finger = b.Fingerprint(
        transaction=answer.id,
        result=answer.result,
        score=answer.score,
        quality=answer.quality,
        reader=answer.reader,
        consent=FINGER_CONSENT,
        consent_at=now,
    )
    bundles = {
        item.document_id: replace(
            compose(view, item, Method.FINGERPRINT, device, now=now), fingerprint=finger
        )
        for item in view.documents
    }
    return await _sign(services, code, token, Method.FINGERPRINT, bundles, now=now)


async def ask_code(services: Services, code: str, token: str, *, now: Instant) -> SittingView:
    """Send a code to the proven phone of who signs. Raises GatewayOff, TooManyCodes, PhoneNotProven, what `_begin` raises."""
    await _begin(services, code, token, Method.OTP, now=now)
    settings = context_of(services).settings
    async with acting(services, code, now=now, token=token) as (session, row):
        view = await view_of(session, row)
        if not view.phone:
            raise PhoneNotProven("Chưa xác minh số điện thoại của người ký.")
        await new_request(session, row, "SIGN", view.phone, settings, now=now)
        await note(session, row, "ask-code")
        return view


async def enter_code(services: Services, code: str, token: str, typed: str, *, now: Instant) -> SittingView:
    """Sign all listed documents with the code that came to the phone.

    Raises WrongCode, CodeDead, and what `_begin` raises.
    """
    view, device = await _begin(services, code, token, Method.OTP, now=now)
    request = await check_code(services, view.id, "SIGN", typed, now=now)
    assert request.sent_at is not None
    assert view.phone_verified_at is not None
    otp = b.Code(
        transaction=request.id,
        phone=mask_phone(request.phone),
        phone_verified_at=view.phone_verified_at,
        sent_at=request.sent_at,
        entered_at=now,
    )
    bundles = {
        item.document_id: replace(compose(view, item, Method.OTP, device, now=now), code=otp)
        for item in view.documents
    }

    async def spend(session: AsyncSession, _: Sitting) -> None:
        await use(session, request.id, now=now)

    return await _sign(services, code, token, Method.OTP, bundles, now=now, also=spend)


async def identify(
    services: Services, code: str, token: str, document_ids: list[UUID], *, now: Instant
) -> SittingView:
    """Sign one listed document through the national identity service; each asks anew (NĐ 69/2024 Đ19 k4, R-48).

    Raises OneDocumentAtATime, IdentityUnreachable, IdentityWrongAnswer, IdentityRefused, and what `_begin` raises.
    """
    if len(document_ids) != 1:
        raise OneDocumentAtATime("Dịch vụ định danh xác thực từng văn bản một. Hãy chọn một văn bản.")
    view, device = await _begin(services, code, token, Method.NATIONAL_ID, now=now)
    item = next((item for item in view.documents if item.document_id == document_ids[0]), None)
    if item is None or item.bundle_sha256 is not None:
        raise NotForThePatient("Văn bản này không còn chờ xác thực trong lần ký.")
    answer = await authenticate(
        services.http,
        context_of(services).settings,
        request_id=new_id(),
        number=view.signer_number,
        sha256=item.sha256,
        title=item.title,
    )
    identity = b.Identity(
        transaction=answer.transaction,
        reply_code=answer.reply_code,
        sha256=answer.sha256,
        answered_at=answer.at,
    )
    made = replace(compose(view, item, Method.NATIONAL_ID, device, now=now), identity=identity)

    async def keep(session: AsyncSession, row: Sitting) -> None:
        await _keep_answer(session, row, item, answer)

    return await _sign(
        services, code, token, Method.NATIONAL_ID, {item.document_id: made}, now=now, also=keep
    )


async def _keep_answer(
    session: AsyncSession, row: Sitting, item: ListedDocument, answer: IdentityAnswer
) -> None:
    """Keep an answer; one transaction of the service serves one document, once. Raises IdentityWrongAnswer."""
    kept = await session.scalar(
        insert(IdentityCheck)
        .values(
            id=answer.id,
            sitting_id=row.id,
            document_id=item.document_id,
            sha256=answer.sha256,
            transaction_code=answer.transaction,
            verified=True,
            reply_code=answer.reply_code,
            answered_at=answer.at,
        )
        .on_conflict_do_nothing(index_elements=["transaction_code"])
        .returning(IdentityCheck.id)
    )
    if kept is None:
        raise IdentityWrongAnswer("Dịch vụ định danh trả lại một giao dịch đã dùng. Chưa ký gì, hãy thử lại.")


async def _begin(
    services: Services, code: str, token: str, method: Method, *, now: Instant
) -> tuple[SittingView, str]:
    """Check that this device may sign this way now; returns the sitting and the device's name in the evidence.

    Raises what `acting` raises, NotShown, MethodNotOffered, NotForThePatient.
    """
    settings = context_of(services).settings
    async with acting(services, code, now=now, token=token) as (session, row):
        view = await view_of(session, row)
        if row.state != State.SHOWN:
            raise NotShown("Hãy xem hết các văn bản trước khi ký.")
        chosen(row, method)
        if method not in methods_of(view, settings):
            raise MethodNotOffered("Cách ký này không dùng được cho các văn bản đã chọn.")
        await require_waiting(session, view)
        return view, hashlib.sha256(row.device_hash or b"").hexdigest()[:32]


async def _sign(
    services: Services,
    code: str,
    token: str,
    method: Method,
    bundles: dict[UUID, b.Bundle],
    *,
    now: Instant,
    also: Also | None = None,
) -> SittingView:
    """Store the bundles, then compare and set: all of them or none."""
    stored = {key: await services.objects.put(b.encode(made)) for key, made in bundles.items()}
    async with acting(services, code, now=now, token=token) as (session, row):
        if row.state != State.SHOWN:
            raise NotShown("Hãy xem hết các văn bản trước khi ký.")
        chosen(row, method)
        await require_waiting(session, await view_of(session, row))
        if also is not None:
            await also(session, row)
        await keep_bundles(session, row, method, stored, now=now)
        for key, sha256 in stored.items():
            await note(session, row, "sign", document=str(key), method=method.value, bundle=sha256)
        return await view_of(session, row)
