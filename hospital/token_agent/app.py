"""The program as an application bound to 127.0.0.1; started by `hospital token-agent`."""

import os
import secrets
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response, delete, get, post
from litestar.enums import MediaType
from litestar.params import FromPath, JSONBody
from litestar.types import ASGIApp
from msgspec import Struct

from hospital.token_agent.asks import AgentJob, AskNotFound, Asks, AskState
from hospital.token_agent.gate import Doors, guarded
from hospital.token_agent.window import ask_window, end_window, policy
from kernel.clock import utc_now
from kernel.problems import Problem, problem_document

Wire = Request[Any, Any, Any]


class Begun(Struct, frozen=True):
    """Where the person is asked."""

    id: str
    page: str


class Answer(Struct, frozen=True):
    """How a request stands; the values are handed out once."""

    state: AskState
    values: dict[str, str]


def create_agent(asks: Asks, doors: Doors) -> ASGIApp:
    """Assemble the program, its gate in front."""
    app = Litestar(
        [*_for_pages(asks, doors), *_own_window(asks, doors)],
        exception_handlers={Problem: _refused},
        openapi_config=None,
        logging_config=None,
        request_max_body_size=2_000_000,
    )
    return guarded(app, doors)


def _for_pages(asks: Asks, doors: Doors) -> list[Any]:
    """What the hospital's page calls."""

    @post("/sittings", operation_id="agentBegin")
    async def begin(data: JSONBody[AgentJob]) -> Begun:
        """Take a request of the hospital's page."""
        ask = asks.begin(data, utc_now())
        return Begun(ask.id, f"{doors.address}/ask/{ask.secret}")

    @get("/sittings/{ask_id:str}", operation_id="agentAnswer")
    async def answer(ask_id: FromPath[str]) -> Answer:
        """Tell how it stands; what was answered is forgotten as it is handed over."""
        ask = asks.find(ask_id, utc_now())
        if ask.state is not AskState.ASKING:
            asks.drop(ask_id)
        return Answer(ask.state, ask.values)

    @delete("/sittings/{ask_id:str}", operation_id="agentDrop")
    async def drop(ask_id: FromPath[str]) -> None:
        """Forget a request that the page no longer wants."""
        asks.drop(ask_id)

    return [begin, answer, drop]


def _own_window(asks: Asks, doors: Doors) -> list[Any]:
    """What the person sees."""

    @get("/ask/", media_type=MediaType.HTML, operation_id="agentAlive")
    async def alive() -> Response[str]:
        """Let a person see that the program runs, and for whom."""
        nonce = secrets.token_urlsafe(12)
        words = f"Chương trình ký đang chạy cho {doors.origin}. Bắt đầu ký từ trang của bệnh viện."
        return _html(end_window(words, nonce), nonce)

    @get("/ask/{secret:str}", media_type=MediaType.HTML, operation_id="agentWindow")
    async def window(secret: FromPath[str]) -> Response[str]:
        """Show what is signed."""
        nonce = secrets.token_urlsafe(12)
        return _html(ask_window(asks.open(secret, utc_now()), doors.origin, nonce), nonce)

    @post("/ask/{secret:str}", media_type=MediaType.HTML, operation_id="agentPress")
    async def press(secret: FromPath[str], request: Wire) -> Response[str]:
        """Sign under this PIN, or decline."""
        nonce, form = secrets.token_urlsafe(12), await request.form()
        ask = asks.open(secret, utc_now())
        if form.get("act") != "sign":
            ask.state = AskState.DECLINED
            return _html(end_window("Đã từ chối. Chưa ký văn bản nào; có thể đóng cửa sổ này.", nonce), nonce)
        try:
            await asks.sign(ask, str(form.get("pin", "")))
        except Problem as refused:
            page = ask_window(ask, doors.origin, nonce, refusal=refused.detail)
            return _html(page, nonce, status=422)
        done = f"Đã ký {len(ask.job.documents)} văn bản. Có thể đóng cửa sổ này."
        return _html(end_window(done, nonce), nonce)

    return [alive, window, press]


def _refused(request: Wire, problem: Problem) -> Response[Any]:
    if isinstance(problem, AskNotFound) and request.url.path.startswith("/ask/"):
        nonce = secrets.token_urlsafe(12)
        words = "Yêu cầu ký này đã xong hoặc quá hạn. Hãy bắt đầu lại từ trang của bệnh viện."
        return _html(end_window(words, nonce), nonce, status=404)
    return Response(problem_document(problem), status_code=problem.status)


def _html(page: str, nonce: str, *, status: int = 200) -> Response[str]:
    headers = {
        "content-security-policy": policy(nonce),
        "cache-control": "no-store",
        "referrer-policy": "same-origin",
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
    }
    return Response(page, media_type=MediaType.HTML, status_code=status, headers=headers)


def from_environment() -> ASGIApp:
    """The program of this process's environment, for the server."""
    modules = tuple(Path(part) for part in os.environ["LANH_AGENT_MODULES"].split(os.pathsep) if part)
    doors = Doors(os.environ["LANH_AGENT_ORIGIN"], int(os.environ["LANH_AGENT_PORT"]))
    return create_agent(Asks(modules), doors)
