"""Logs: one JSON object a line on stderr, without patient data.

A field passes by an allow-list of names, or because its value is a number, a truth value or one of our ids; the
text of exceptions is never written (a database error quotes the row), only their type and where they were raised.
"""

import logging
import re
import sys
import traceback
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct

Event = MutableMapping[str, Any]

WORDS = frozenset(
    {"event", "level", "logger", "timestamp", "kind", "outcome", "error", "trace", "method", "route", "hash"}
    | {"day", "action", "state", "reason", "version", "withheld", "command", "address", "worker"}
)
"""Fields whose text may be logged: all of them are written by the program, none by a person."""
TOLD_BY_OTHERS = frozenset({"event", "error", "reason"})
"""Fields that may hold the text of a library or of another server."""
NUMBERS_WITHHELD = frozenset({"citizen_id", "insurance_no", "phone", "account_number", "amount"})

_LONG_NUMBER = re.compile(r"\d[\d ]{7,}\d")
_QUERY = re.compile(r"\?[^\s\"']*")
_TEXT_LETTERS = 500


def withhold(_: Any, __: str, event: Event) -> Event:
    """Drop every field that might carry patient data and name it in `withheld`."""
    dropped = []
    for name in list(event):
        value = event[name]
        plain = isinstance(value, (bool, int, float, UUID)) or value is None
        if name in NUMBERS_WITHHELD or not (plain or name in WORDS):
            dropped.append(name)
            del event[name]
        elif name in TOLD_BY_OTHERS:
            event[name] = scrub(str(value))
    if dropped:
        event["withheld"] = sorted(dropped)
    return event


def scrub(text: str) -> str:
    """Hide numbers as long as a phone's or a card's, and query strings, in text of other people's libraries."""
    return _LONG_NUMBER.sub("•", _QUERY.sub("?…", text))[:_TEXT_LETTERS]


def name_exception(_: Any, __: str, event: Event) -> Event:
    """Replace an exception by its type and the places it passed."""
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()
    error = raised[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        event["error"] = type(error).__name__
        event["trace"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]]
    return event


def _first_line(_: Any, __: str, event: Event) -> Event:
    """Keep a library's message to its first line: the rest may quote a statement with its values."""
    event["event"] = str(event.get("event", "")).split("\n", 1)[0]
    return event


def _json(_: Any, __: str, event: Event) -> str:
    return msgspec.json.encode(event).decode()


class _Line:
    """Writes finished lines; knows the name its logger was asked for."""

    def __init__(self, name: str, stream: TextIO) -> None:
        self.name = name
        self._write = stream.write

    def msg(self, line: str) -> None:
        self._write(line + "\n")

    debug = info = warning = error = critical = exception = msg


def _add_name(logger: Any, _: str, event: Event) -> Event:
    event["logger"] = logger.name
    return event


class _Requests:
    """Where the lines of requests go, and from which level on; nowhere before `configure_logs`."""

    write: Callable[[str], object] | None = None
    level = logging.INFO


class RequestLine(Struct, frozen=True):
    """All that is told of a request, every part of it the program's own words."""

    method: str
    route: str
    status: int
    ms: float
    level: str
    timestamp: datetime
    event: str = "request"
    logger: str = "lanh.request"


def log_request(level: int, *, method: str, route: str, status: int, ms: float) -> None:
    """Write the line of one request: it passes nobody that could add to it, so it is written at once."""
    if _Requests.write is not None and level >= _Requests.level:
        name = logging.getLevelName(level).lower()
        line = RequestLine(method, route, status, ms, name, datetime.now(UTC))
        _Requests.write(msgspec.json.encode(line).decode() + "\n")


def configure_logs(*, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Write our logs and those of every library as lines to stderr, unless a stream is given."""
    target = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level]
    _Requests.write, _Requests.level = target.write, number
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_exception,
    ]
    # Ours take the short way: a third of the time of going through the standard library.
    structlog.configure(
        processors=[_add_name, *shared, withhold, _json],
        logger_factory=lambda name="lanh": _Line(name, target),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=stream is None,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name, _first_line],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, withhold, _json],
        keep_exc_info=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for noisy in ("httpx", "httpcore", "asyncio", "fontTools"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
