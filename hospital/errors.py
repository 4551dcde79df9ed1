"""How refusals and bugs are told: problem+json to machines, a page to people."""

import logging
from typing import Any
from urllib.parse import quote

import asyncpg
import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.response import Redirect, Template
from litestar.types import Scope
from sqlalchemy.exc import DBAPIError

from kernel.audit.api import RefusedLook, record_apart
from kernel.problems import NotSignedIn, Problem, problem_document

MACHINE_PATHS = ("/api/", "/fhir/", "/webhooks/")
WORDS = {
    400: "Yêu cầu không đọc được.",
    403: "Bạn không được làm việc này.",
    404: "Không tìm thấy.",
    405: "Cách gọi này không dùng được ở đây.",
    409: "Việc này không còn hợp lệ ở trạng thái hiện tại.",
    413: "Nội dung gửi lên quá lớn.",
    422: "Nội dung chưa hợp lệ.",
    429: "Thử quá nhiều lần. Chờ ít phút.",
    500: "Hệ thống gặp lỗi. Việc chưa được ghi. Thử lại, hoặc báo quản trị kèm giờ xảy ra.",
}

_UNSTORABLE = (  # Not their subclasses: a division by zero is a bug.
    asyncpg.CharacterNotInRepertoireError,
    asyncpg.UntranslatableCharacterError,
    asyncpg.NumericValueOutOfRangeError,
    asyncpg.DataError,
)
log = logging.getLogger("lanh.errors")
AnyRequest = Request[Any, Any, Any]


def is_machine(request: AnyRequest) -> bool:
    """Say whether a program asks: an address for programs, or a page's own code that reads JSON and no page."""
    accepts = request.headers.get("accept", "")
    return request.url.path.startswith(MACHINE_PATHS) or accepts.strip() == "application/json"


def answer(request: AnyRequest, document: dict[str, Any]) -> Response[Any]:
    status = document["status"]
    if is_machine(request):
        return Response(
            msgspec.json.encode(document), status_code=status, media_type="application/problem+json"
        )
    return Template(
        "errors/problem.html", context={"problem": document, "here": request.url.path}, status_code=status
    )


def on_problem(request: AnyRequest, problem: Problem) -> Response[Any]:
    """A refusal we foresaw. Somebody who isn't signed in is sent to the sign-in page."""
    document = problem_document(problem)
    if isinstance(problem, NotSignedIn) and not is_machine(request) and problem.slug == NotSignedIn.slug:
        if request.headers.get("HX-Request"):
            # No redirect: what is typed on the page would be gone. The page itself offers to sign in beside it.
            return Response(b"", status_code=401)
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        where = path if request.method == "GET" else "/"
        return Redirect(f"/login?next={quote(where)}", status_code=303)
    return answer(request, document)


async def keep_refused_look(error: Exception, scope: Scope) -> None:
    """Write down who wanted to open whose record; their own transaction has rolled back by now."""
    if isinstance(error, RefusedLook):
        await record_apart(scope["litestar_app"].state.sessions, error.entry, error.actor)


def on_http(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """A refusal of the framework: no such path, a body that does not fit, a missing CSRF token."""
    status = error.status_code
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": WORDS.get(status, WORDS[400 if status < 500 else 500]),
        "status": status,
        "detail": WORDS.get(status, WORDS[400 if status < 500 else 500]),
    }
    if status == 400 and isinstance(error.extra, list):
        document["errors"] = [
            {"field": item.get("key", ""), "message": item.get("message", "")} for item in error.extra
        ]
    if status >= 500:
        log.error("http error", exc_info=error)
    return answer(request, document)


def _unstorable(error: Exception) -> bool:
    """Say whether something sent can't be held by any column: a NUL in a text, a number past 64 bits."""
    cause = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig else None
    return type(cause) in _UNSTORABLE


def on_bug(request: AnyRequest, error: Exception) -> Response[Any]:
    """A bug: logged with its trace, told without any detail. What no column holds is no bug but a bad request."""
    if _unstorable(error):
        log.warning("unstorable", extra={"path": request.url.path})
        return answer(
            request, {"type": "about:blank", "title": WORDS[400], "status": 400, "detail": WORDS[400]}
        )
    log.error("unhandled", exc_info=error, extra={"path": request.url.path})
    document = {"type": "about:blank", "title": WORDS[500], "status": 500, "detail": WORDS[500]}
    return answer(request, document)
