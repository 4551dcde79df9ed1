"""Name what a handler may refuse in the description of the API."""

from collections.abc import Sequence
from typing import Any

from litestar import get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import Guard
from msgspec import Struct

from kernel.problems import Problem

_WORDS = {
    400: "Not readable",
    401: "Not signed in",
    403: "May not",
    404: "Absent",
    409: "Wrong state, or an id used for something else",
    422: "Content refused",
    413: "Too large",
    429: "Too often",
    503: "Not now",
}


class Refusal(Struct, frozen=True):
    """RFC 9457 problem document."""

    type: str
    title: str
    status: int
    detail: str


def refusals(*statuses: int) -> dict[int, ResponseSpec]:
    """Document the problems a handler answers with, by status."""
    return {status: _spec(_WORDS[status]) for status in statuses}


def told(*problems: type[Problem]) -> dict[int, ResponseSpec]:
    """Document the problems a handler answers with, by their slugs."""
    slugs: dict[int, list[str]] = {}
    for problem in problems:
        slugs.setdefault(problem.status, []).append(problem.slug)
    return {status: _spec(", ".join(names)) for status, names in slugs.items()}


def reading(path: str, name: str, guards: Sequence[Guard]) -> get:
    """Route a GET of one thing: refused to whom we don't know, to who may not, and when it is absent."""
    return get(path, operation_id=name, guards=guards, responses=refusals(401, 403, 404))


def act(path: str, name: str, guards: Sequence[Guard], *more: int, status_code: int = 200) -> post:
    """Route a POST that moves one thing and answers how it stands: refused in the wrong state too, and by `more`."""
    responses = refusals(401, 403, 404, 409, *more)
    return post(path, operation_id=name, guards=guards, status_code=status_code, responses=responses)


def _spec(words: str) -> Any:
    return ResponseSpec(
        Refusal, description=words, media_type="application/problem+json", generate_examples=False
    )
