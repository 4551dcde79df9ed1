"""Tell other processes that something was committed: one LISTEN connection per process, NOTIFY after commit.

NOTIFY inside a business transaction serialises commits, so a session only notes what to tell; a hook hands the
notes over once the outermost transaction has committed, and one task per process sends them, many in one
statement. A message may be lost with a connection: listeners are then told to look for themselves (`None`), and
workers look each second anyway. Messages carry ids, never content.
"""

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import asyncpg
import msgspec
import structlog
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

log = structlog.get_logger(__name__)

CHANNEL = "lanh"
MESSAGE_BYTES = 2_000
_STATEMENT_BYTES = 7_500  # PostgreSQL takes 8000 per NOTIFY.
_PENDING_MESSAGES = 10_000
_CHECK_SECONDS = 15.0
_ANSWER_SECONDS = 5.0
_RECONNECT_SECONDS = (0.1, 5.0)

Listener = Callable[[str | None], None]


class Message(NamedTuple):
    topic: str
    data: str  # JSON object, ids only.


_EVERYBODY_RELOAD = Message("*", "{}")
_decoder = msgspec.json.Decoder(list[tuple[str, str]])


class Wake:
    """What this process tells and hears. Works inside the process even without a database connection."""

    def __init__(self) -> None:
        self.connected = False
        self._listeners: defaultdict[str, set[Listener]] = defaultdict(set)
        self._closing: set[Callable[[], None]] = set()
        self._pending: dict[Message, None] = {}
        self._kick = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, engine: AsyncEngine) -> None:
        """Keep a connection open in the background until `stop`."""
        _, arguments = engine.dialect.create_connect_args(engine.url)
        self._task = asyncio.create_task(self._keep_connected(dict(arguments)), name="wake")

    def end_streams(self) -> None:
        """Tell every open stream that the process stops; an open stream would hold the server up."""
        for close in list(self._closing):
            close()

    async def stop(self) -> None:
        """End every stream and close the connection."""
        self.end_streams()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def tell(self, messages: Iterable[Message]) -> None:
        """Hand committed news to the listeners of this process at once and to other processes soon."""
        for message in messages:
            self._deliver(message)
            if len(self._pending) < _PENDING_MESSAGES:
                self._pending[message] = None
            else:
                self._pending = {_EVERYBODY_RELOAD: None}
        self._kick.set()

    def listen(self, topic: str, listener: Listener) -> Callable[[], None]:
        """Call `listener` with the data of each message, with None when some may be lost. Returns the way to end it."""
        self._listeners[topic].add(listener)

        def end() -> None:
            self._listeners[topic].discard(listener)
            if not self._listeners[topic]:
                del self._listeners[topic]

        return end

    def on_stop(self, close: Callable[[], None]) -> Callable[[], None]:
        """Call `close` when the process stops. Returns the way to forget it."""
        self._closing.add(close)
        return lambda: self._closing.discard(close)

    def _deliver(self, message: Message) -> None:
        if message == _EVERYBODY_RELOAD:
            self._deliver_reload()
            return
        for listener in list(self._listeners.get(message.topic, ())):
            listener(message.data)

    def _deliver_reload(self) -> None:
        for listeners in list(self._listeners.values()):
            for listener in list(listeners):
                listener(None)

    async def _keep_connected(self, arguments: dict[str, Any]) -> None:
        shortest, longest = _RECONNECT_SECONDS
        pause, first = shortest, True
        while True:
            try:
                async with _connection(arguments) as connection:
                    lost = asyncio.Event()
                    connection.add_termination_listener(partial(self._notice_loss, lost))
                    await connection.add_listener(CHANNEL, self._hear)
                    self.connected, pause = True, shortest
                    if not first:
                        self._deliver_reload()
                    first = False
                    await self._send_until(lost, connection)
            except Exception as error:  # noqa: BLE001  (whatever cut the line, it must come back)
                log.warning("wake.disconnected", error=type(error).__name__)
            finally:
                self.connected = False
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  (jitter, no secret)
            pause = min(pause * 2, longest)

    def _notice_loss(self, lost: asyncio.Event, _connection: object) -> None:
        lost.set()
        self._kick.set()

    async def _send_until(self, lost: asyncio.Event, connection: asyncpg.Connection) -> None:
        while not lost.is_set():
            try:
                await asyncio.wait_for(self._kick.wait(), _CHECK_SECONDS)
            except TimeoutError:
                await connection.execute("SELECT 1", timeout=_ANSWER_SECONDS)
                continue
            self._kick.clear()
            while self._pending and not lost.is_set():
                await self._send(_first_statement(self._pending), connection)
            await asyncio.sleep(0.001)  # What commits meanwhile shares the next statement.

    async def _send(self, batch: list[Message], connection: asyncpg.Connection) -> None:
        for message in batch:  # Out of the way first: the same news told meanwhile is news again.
            del self._pending[message]
        try:
            await connection.execute(
                "SELECT pg_notify($1, $2)",
                CHANNEL,
                msgspec.json.encode(batch).decode(),
                timeout=_ANSWER_SECONDS,
            )
        except BaseException:
            self._pending = dict.fromkeys(batch) | self._pending
            raise

    def _hear(self, connection: asyncpg.Connection, process: int, _channel: str, payload: object) -> None:
        if process == connection.get_server_pid():
            return  # Our own words: delivered when they were told.
        for topic, data in _decoder.decode(str(payload)):
            self._deliver(Message(topic, data))


@contextlib.asynccontextmanager
async def _connection(arguments: dict[str, Any]) -> Any:
    connection = await asyncpg.connect(**arguments, timeout=_ANSWER_SECONDS)
    try:
        yield connection
    finally:
        connection.terminate()


def _first_statement(pending: dict[Message, None]) -> list[Message]:
    batch: list[Message] = []
    size = 2
    for message in pending:
        size += len(message.topic.encode()) + len(message.data.encode()) * 2 + 8
        if batch and size > _STATEMENT_BYTES:
            break
        batch.append(message)
    return batch


def tell_after_commit(session: AsyncSession, topic: str, data: str = "{}") -> None:
    """Note what to tell once the outermost transaction of this database session has committed."""
    if len(topic) + len(data) > MESSAGE_BYTES:
        raise ValueError(f"a message on {topic} carries content, not ids")
    session.info.setdefault("tell", {})[Message(topic, data)] = None


def bind_wake(sessions: Any, wake: Wake) -> None:
    """Let sessions of this maker tell through `wake`."""
    sessions.configure(info={"wake": wake})


@event.listens_for(Session, "after_commit")
def _tell_committed(session: Session) -> None:
    if session.in_nested_transaction():
        return
    messages: dict[Message, None] | None = session.info.pop("tell", None)
    wake: Wake | None = session.info.get("wake")
    if messages and wake:
        wake.tell(messages)


@event.listens_for(Session, "after_rollback")
def _forget_rolled_back(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop("tell", None)
