"""Adapters to the fingerprint readers and to the national identity service: small JSON questions over HTTP.

Both may answer only what is listed here. An answer with anything more, an image or a template for instance, is thrown away
unread and refused; nothing of it is stored or logged.
"""

from typing import Annotated, Literal, TypeVar
from uuid import UUID

import httpx
import msgspec
from msgspec import Meta, Struct

from kernel.clock import Instant
from kernel.problems import Problem, Refused
from signing.people.settings import PeopleSettings

_ANSWER_BYTES_MAXIMUM = 2_048
Share = Annotated[int, Meta(ge=0, le=100)]
Name = Annotated[str, Meta(pattern=r"^[\w.:/-]{1,80}$")]


class ReaderAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """What a reader may say: whether the finger is the enrolled one, how sure it is, and which reader it was."""

    id: UUID
    result: Literal["match", "no-match", "not-enrolled", "busy"]
    score: Share
    quality: Share
    reader: Name


class IdentityAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """What the identity service may say about one document."""

    id: UUID
    transaction: Name
    result: Literal["verified", "refused"]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    reply_code: Annotated[str, Meta(max_length=40)]
    at: Instant


class ReaderUnreachable(Problem):
    status, slug = 503, "reader-unreachable"


class ReaderSaidTooMuch(Refused):
    """The reader sent something that is not a match result."""

    status, slug = 502, "reader-said-too-much"


class FingerprintNoMatch(Refused):
    slug = "fingerprint-no-match"


class IdentityUnreachable(Problem):
    status, slug = 503, "identity-unreachable"


class IdentityWrongAnswer(Refused):
    """About another document or request, or not an answer at all."""

    status, slug = 502, "identity-wrong-answer"


class IdentityRefused(Refused):
    slug = "identity-refused"


class _TooLong(ValueError):
    """More bytes than an answer has."""


async def match_finger(
    http: httpx.AsyncClient, settings: PeopleSettings, *, request_id: UUID, person: str, station: str
) -> ReaderAnswer:
    """Ask the reader at a station whether the finger on it is the person's.

    Raises ReaderUnreachable, ReaderSaidTooMuch, FingerprintNoMatch.
    """
    question = {"id": str(request_id), "person": person, "station": station}
    try:
        raw = await _ask(
            http,
            settings.people_reader_url,
            settings.people_reader_key,
            question,
            settings.people_reader_timeout_seconds,
        )
    except httpx.HTTPError:
        raise ReaderUnreachable("Đầu đọc vân tay không trả lời. Thử lại hoặc chọn cách ký khác.") from None
    except _TooLong:
        raise ReaderSaidTooMuch(
            "Đầu đọc gửi nhiều hơn kết quả đối chiếu nên bị từ chối; không giữ lại gì. Báo quản trị hệ thống."
        ) from None
    answer = _read(raw, ReaderAnswer)
    if answer is None or answer.id != request_id:
        raise ReaderSaidTooMuch(
            "Đầu đọc gửi nhiều hơn kết quả đối chiếu nên bị từ chối; không giữ lại gì. Báo quản trị hệ thống."
        )
    if answer.result == "busy":
        raise ReaderUnreachable("Đầu đọc vân tay đang bận. Thử lại sau ít giây.")
    if answer.result == "not-enrolled":
        raise FingerprintNoMatch("Vân tay của người này chưa được đăng ký. Chọn cách ký khác.")
    weak = answer.score < settings.people_reader_score or answer.quality < settings.people_reader_quality
    if answer.result != "match" or weak:
        raise FingerprintNoMatch("Vân tay không khớp hoặc quá mờ. Lau ngón tay rồi thử lại.")
    return answer


async def authenticate(
    http: httpx.AsyncClient,
    settings: PeopleSettings,
    *,
    request_id: UUID,
    number: str,
    sha256: str,
    title: str,
) -> IdentityAnswer:
    """Let the national identity service authenticate a person for one document (NĐ 69/2024 Đ19 k4).

    Raises IdentityUnreachable, IdentityWrongAnswer, IdentityRefused.
    """
    question = {"id": str(request_id), "number": number, "sha256": sha256, "title": title}
    try:
        raw = await _ask(
            http,
            settings.people_identity_url,
            settings.people_identity_key,
            question,
            settings.people_identity_timeout_seconds,
        )
    except httpx.HTTPError:
        raise IdentityUnreachable(
            "Dịch vụ định danh không trả lời. Thử lại hoặc chọn cách ký khác."
        ) from None
    except _TooLong:
        raise IdentityWrongAnswer("Dịch vụ định danh trả lời không đúng quy ước.") from None
    answer = _read(raw, IdentityAnswer)
    if answer is None or answer.id != request_id or answer.sha256 != sha256:
        raise IdentityWrongAnswer("Dịch vụ định danh trả lời về một văn bản khác. Chưa ký gì, hãy thử lại.")
    if answer.result != "verified":
        raise IdentityRefused("Người ký chưa xác nhận trên ứng dụng định danh.")
    return answer


async def _ask(
    http: httpx.AsyncClient, url: str, key: str, question: dict[str, str], timeout_seconds: float
) -> bytes:
    """Send a question and read a short JSON answer; what is longer is not read to its end."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    async with http.stream("POST", url, json=question, headers=headers, timeout=timeout_seconds) as answer:
        answer.raise_for_status()
        if not answer.headers.get("content-type", "").startswith("application/json"):
            raise _TooLong("not JSON")
        raw = b""
        async for part in answer.aiter_bytes():
            raw += part
            if len(raw) > _ANSWER_BYTES_MAXIMUM:
                raise _TooLong("length")
        return raw


Answer = TypeVar("Answer", ReaderAnswer, IdentityAnswer)


def _read(raw: bytes, kind: type[Answer]) -> Answer | None:
    """Read an answer that holds exactly what it may; the bytes never reach a log or an error."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, RecursionError):
        return None
