"""Fakes beside a patient's signature: a service of fingerprint readers and the national identity service.

Both misbehave on command. The reader can send an image, which a hospital must refuse; the identity service can answer about
another document or hand out a used transaction.
"""

import base64
import hmac
from enum import StrEnum
from itertools import count
from typing import Any

import anyio
from litestar import Request, Response, Router, get, post
from litestar.params import JSONBody
from msgspec import Struct, field

from kernel.clock import utc_now

DEMO_KEY = "demo-people-key"
READER = "FPR-DEMO-01"


class ReaderMood(StrEnum):
    MATCH = "match"
    NO_MATCH = "no-match"
    NOT_ENROLLED = "not-enrolled"
    BUSY = "busy"
    WEAK = "weak"
    """A match of poor quality."""
    ERROR = "error"
    SLOW = "slow"
    IMAGE = "image"
    """Sends the picture of the finger, as careless vendors do."""


class IdentityMood(StrEnum):
    OK = "ok"
    REFUSED = "refused"
    ERROR = "error"
    SLOW = "slow"
    OTHER = "other"
    """Answers about another document."""
    REPLAY = "replay"
    """Hands out a transaction a second time."""


class SetReaderMood(Struct, frozen=True):
    mode: ReaderMood


class SetIdentityMood(Struct, frozen=True):
    mode: IdentityMood


class Match(Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    person: str
    station: str


class Authentication(Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    number: str
    sha256: str
    title: str


class World(Struct):
    """Moods, and what was asked so far."""

    key: str = DEMO_KEY
    slow_seconds: float = 30.0
    reader: ReaderMood = ReaderMood.MATCH
    identity: IdentityMood = IdentityMood.OK
    matches: list[Match] = field(default_factory=list)
    authentications: list[Authentication] = field(default_factory=list)


def routes(_: object = None) -> list[Router]:
    """Return the routes of the demo's reader and identity service."""
    return world_routes(World())


def world_routes(state: World) -> list[Router]:
    return [_reader_routes(state), _identity_routes(state)]


def _known(request: Request[Any, Any, Any], state: World) -> bool:
    return hmac.compare_digest(request.headers.get("authorization", ""), f"Bearer {state.key}")


def _reader_routes(state: World) -> Router:
    @post("/matches", status_code=200, operation_id="outsideMatchFinger")
    async def match(data: JSONBody[Match], request: Request[Any, Any, Any]) -> Response[Any]:
        """Say whether the finger on the reader is the person's."""
        if not _known(request, state):
            return Response(None, status_code=401)
        state.matches.append(data)
        mood = state.reader
        if mood is ReaderMood.ERROR:
            return Response(None, status_code=503)
        if mood is ReaderMood.SLOW:
            await anyio.sleep(state.slow_seconds)
        said = mood.value if mood in ("no-match", "not-enrolled", "busy") else "match"
        score, quality = {"match": (93, 81), "weak": (35, 20)}.get(
            mood.value, (93, 81) if said == "match" else (4, 70)
        )
        answer: dict[str, Any] = {
            "id": data.id,
            "result": said,
            "score": score,
            "quality": quality,
            "reader": READER,
        }
        if mood is ReaderMood.IMAGE:
            answer["image"] = base64.b64encode(b"BIOMETRIC-IMAGE-OF-A-FINGER" * 20).decode()
        return Response(answer)

    @post("/mood", status_code=204, operation_id="outsideReaderMood")
    async def mood(data: JSONBody[SetReaderMood]) -> None:
        """Make the reader behave or misbehave."""
        state.reader = data.mode

    @get("/matches", operation_id="outsideListMatches")
    async def asked() -> list[Match]:
        """List what was asked."""
        return state.matches

    return Router("/outside/fingerprint", route_handlers=[match, mood, asked], opt={"public": True})


def _identity_routes(state: World) -> Router:
    numbers = count(1)

    @post("/authentications", status_code=200, operation_id="outsideAuthenticate")
    async def authenticate(data: JSONBody[Authentication], request: Request[Any, Any, Any]) -> Response[Any]:
        """Authenticate a person for one document."""
        if not _known(request, state):
            return Response(None, status_code=401)
        state.authentications.append(data)
        mood = state.identity
        if mood is IdentityMood.ERROR:
            return Response(None, status_code=503)
        if mood is IdentityMood.SLOW:
            await anyio.sleep(state.slow_seconds)
        number = 1 if mood is IdentityMood.REPLAY else next(numbers)
        refused = mood is IdentityMood.REFUSED
        return Response(
            {
                "id": data.id,
                "transaction": f"VN-DEMO-{number:08d}",
                "result": "refused" if refused else "verified",
                "sha256": "0" * 64 if mood is IdentityMood.OTHER else data.sha256,
                "reply_code": "01" if refused else "00",
                "at": utc_now().isoformat(),
            }
        )

    @post("/mood", status_code=204, operation_id="outsideIdentityMood")
    async def mood(data: JSONBody[SetIdentityMood]) -> None:
        """Make the service behave or misbehave."""
        state.identity = data.mode

    return Router("/outside/identity", route_handlers=[authenticate, mood], opt={"public": True})
