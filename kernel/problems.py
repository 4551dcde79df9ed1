"""Anticipated refusals: one class each, told in Vietnamese, `application/problem+json` (RFC 9457) for machines."""

from typing import Any, ClassVar


class Problem(Exception):
    """Base of every anticipated refusal. Anything else is a bug and stays a 500.

    `slug` names the kind in the "type" member: /problems/<slug>. `field` names the input it is about, if one.
    `extra` members are added to the problem document (RFC 9457 §3.2), never patient data.
    """

    status: ClassVar[int] = 409
    slug: ClassVar[str]

    def __init__(self, detail: str, *, field: str | None = None, extra: dict[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.extra = extra or {}


class Forbidden(Problem):
    status, slug = 403, "forbidden"


class NotFound(Problem):
    status, slug = 404, "not-found"


class Conflict(Problem):
    status, slug = 409, "conflict"


class Refused(Problem):
    """The content can't be accepted."""

    status, slug = 422, "refused"


class NotSignedIn(Problem):
    status, slug = 401, "not-signed-in"


def problem_document(problem: Problem) -> dict[str, Any]:
    """The RFC 9457 members of a refusal."""
    document: dict[str, Any] = {
        "type": f"/problems/{problem.slug}",
        "title": problem.slug.replace("-", " "),
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.field:
        document["field"] = problem.field
    return document | problem.extra
