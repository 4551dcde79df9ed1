"""Which function handles which event or job; filled when the packages' `handlers` modules are imported."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from inspect import signature
from typing import Any, TypeVar, get_type_hints

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant
from kernel.db import Sessions
from kernel.outbox.rules import Backoff
from kernel.services import Services

Function = TypeVar("Function", bound=Callable[..., Awaitable[None]])


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at a job, as its handler sees it."""

    kind: str
    attempt: int
    now: Instant
    services: Services
    id: int = 0
    open_session: AsyncSession | None = None

    @property
    def session(self) -> AsyncSession:
        """The transaction in which the effect and the end of the job commit together."""
        assert self.open_session is not None, f"{self.kind} is a network job: it opens its own transactions"
        return self.open_session

    @property
    def sessions(self) -> Sessions:
        """For network jobs: short transactions of their own, never open during a call."""
        return self.services.sessions


@dataclass(frozen=True, slots=True)
class Handler:
    kind: str
    function: Callable[..., Awaitable[None]]
    payload_type: Any
    network: bool
    backoff: Backoff
    every: timedelta | None = None
    gives_way: bool = False


@dataclass(slots=True)
class _Registry:
    handlers: dict[str, Handler] = field(default_factory=dict)
    by_event: dict[type[Struct], list[str]] = field(default_factory=dict)
    periodic: dict[str, Handler] = field(default_factory=dict)


_registry = _Registry()


def on(
    event: type[Struct],
    *,
    name: str,
    network: bool = False,
    backoff: Backoff | None = None,
    gives_way: bool = False,
) -> Callable[[Function], Function]:
    """Run `async def handler(job, event)` for each published event of this type.

    `name`: package and verb, "billing.charge_order"; it is stored, so it never changes.
    `network`: the handler calls somebody else's server and gets no open transaction.
    `gives_way`: not started while somebody waits for something large in this process (`Services.giving_way`).
    """

    def register(function: Function) -> Function:
        _add(Handler(name, function, event, network, backoff or Backoff(), gives_way=gives_way))
        _registry.by_event.setdefault(event, []).append(name)
        return function

    return register


def job(
    kind: str, *, network: bool = False, backoff: Backoff | None = None, gives_way: bool = False
) -> Callable[[Function], Function]:
    """Run `async def handler(job, payload)`, or `handler(job)`, for each enqueued job of this kind.

    `network`, `gives_way`: as for `on`.
    """

    def register(function: Function) -> Function:
        names = list(signature(function).parameters)
        payload_type = get_type_hints(function).get(names[1], Any) if len(names) > 1 else None
        _add(Handler(kind, function, payload_type, network, backoff or Backoff(), gives_way=gives_way))
        return function

    return register


def periodic(kind: str, *, every: timedelta, network: bool = False) -> Callable[[Function], Function]:
    """Run `async def handler(job)` again and again, by one worker at a time; a failure waits for the next turn."""

    def register(function: Function) -> Function:
        if kind in _registry.periodic:
            raise ValueError(f"two periodic jobs are named {kind}")
        _registry.periodic[kind] = Handler(kind, function, None, network, Backoff(), every)
        return function

    return register


def _add(handler: Handler) -> None:
    if handler.kind in _registry.handlers:
        raise ValueError(f"two handlers are named {handler.kind}")
    _registry.handlers[handler.kind] = handler


def handler_of(kind: str) -> Handler:
    return _registry.handlers[kind]


def handlers_of(event: type[Struct]) -> list[Handler]:
    return [_registry.handlers[name] for name in _registry.by_event.get(event, [])]


def known_kinds(*, at_once: bool = False) -> list[str]:
    """Return every kind that has a handler; `at_once`: only those that give way to nobody."""
    return [kind for kind, handler in _registry.handlers.items() if not (at_once and handler.gives_way)]


def periodic_handlers() -> dict[str, Handler]:
    return _registry.periodic


@contextmanager
def isolated_registry() -> Iterator[None]:
    """Start from an empty registry and put the old one back (tests)."""
    kept = (_registry.handlers, _registry.by_event, _registry.periodic)
    _registry.handlers, _registry.by_event, _registry.periodic = {}, {}, {}
    try:
        yield
    finally:
        _registry.handlers, _registry.by_event, _registry.periodic = kept
