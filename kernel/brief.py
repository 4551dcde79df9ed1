"""Short questions with short answers over HTTP/1.1, asked again and again of one server.

A timestamp is sixty bytes asked and three kilobytes answered; httpcore and h11 spend 1.2 ms of the processor on that, a
hundred times in one confirmation. Here the answer is read whole into memory, and a kept connection that proves to be
closed is replaced once: only for questions that may be asked twice.
"""

import asyncio
import time
from contextlib import suppress
from ssl import SSLContext

import httpx

ANSWER_MAXIMUM = 1_000_000
_KEPT_SECONDS = 15.0
_HEAD_END = b"\r\n\r\n"
_HEADERS_MAXIMUM = 100


class _Unanswered(Exception):
    """The connection ended before the first byte of an answer."""


class BriefLane:
    """One connection to one server."""

    def __init__(self, tls: SSLContext) -> None:
        self._tls = tls
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._used_at = 0.0

    async def ask(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return its whole answer. Raises httpx.TransportError."""
        content = await request.aread()
        try:
            if self._is_alive():
                with suppress(_Unanswered, ConnectionError):
                    return await self._exchange(request, content)
            await self._connect(request)
            return await self._exchange(request, content)
        except _Unanswered as error:
            raise httpx.RemoteProtocolError("no answer", request=request) from error
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            raise httpx.RemoteProtocolError(type(error).__name__, request=request) from error
        except TimeoutError as error:
            raise httpx.ConnectTimeout("connect", request=request) from error
        except OSError as error:
            raise httpx.NetworkError(type(error).__name__, request=request) from error

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    @property
    def is_open(self) -> bool:
        return self._writer is not None

    def _is_alive(self) -> bool:
        reader, writer = self._reader, self._writer
        if reader is None or writer is None or reader.at_eof() or writer.is_closing():
            return False
        return time.monotonic() - self._used_at < _KEPT_SECONDS

    async def _connect(self, request: httpx.Request) -> None:
        self.close()
        url = request.url
        secure = url.scheme == "https"
        seconds = request.extensions.get("timeout", {}).get("connect")
        async with asyncio.timeout(seconds):
            self._reader, self._writer = await asyncio.open_connection(
                url.host,
                url.port or (443 if secure else 80),
                ssl=self._tls if secure else None,
                server_hostname=url.host if secure else None,
            )

    async def _exchange(self, request: httpx.Request, content: bytes) -> httpx.Response:
        reader, writer = self._reader, self._writer
        assert reader is not None
        assert writer is not None
        lines = [request.method.encode() + b" " + request.url.raw_path + b" HTTP/1.1"]
        lines += [name + b": " + value for name, value in request.headers.raw]
        writer.write(b"\r\n".join(lines) + _HEAD_END + content)
        status, headers = await self._head(reader)
        body, whole = await _body(reader, status, headers)
        if not whole or headers.get("connection", "").lower() == "close":
            self.close()
        self._used_at = time.monotonic()
        return httpx.Response(status, headers=headers, content=body, request=request)

    @staticmethod
    async def _head(reader: asyncio.StreamReader) -> tuple[int, httpx.Headers]:
        status = 100
        while 100 <= status < 200:
            try:
                head = await reader.readuntil(_HEAD_END)
            except asyncio.IncompleteReadError as error:
                if not error.partial:
                    raise _Unanswered from error
                raise
            first, *lines = head[: -len(_HEAD_END)].split(b"\r\n")
            version, code, *_ = first.split(b" ", 2)
            if version not in (b"HTTP/1.1", b"HTTP/1.0") or len(lines) > _HEADERS_MAXIMUM:
                raise ValueError("head")
            status = int(code)
        pairs = [line.partition(b":")[::2] for line in lines]
        headers = httpx.Headers([(name, value.strip()) for name, value in pairs])
        if version == b"HTTP/1.0":
            headers.setdefault("connection", "close")
        return status, headers


async def _body(reader: asyncio.StreamReader, status: int, headers: httpx.Headers) -> tuple[bytes, bool]:
    """Read the body; False: it ended with the connection. Raises ValueError, IncompleteReadError."""
    if status in (204, 304):
        return b"", True
    if "transfer-encoding" in headers:
        if headers.pop("transfer-encoding").lower() != "chunked":
            raise ValueError("transfer-encoding")
        return await _chunks(reader), True
    if "content-length" in headers:
        return await reader.readexactly(_size(headers["content-length"], 10)), True
    body = await reader.read(ANSWER_MAXIMUM + 1)
    while more := await reader.read(ANSWER_MAXIMUM + 1 - len(body)):
        body += more
    if len(body) > ANSWER_MAXIMUM:
        raise ValueError("too large")
    return body, False


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := _size((await reader.readuntil(b"\r\n")).split(b";")[0].decode("ascii"), 16):
        body += await reader.readexactly(size)
        if await reader.readexactly(2) != b"\r\n" or len(body) > ANSWER_MAXIMUM:
            raise ValueError("chunk")
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # Trailers say nothing that we read.
    return body


def _size(text: str, base: int) -> int:
    size = int(text, base)
    if not 0 <= size <= ANSWER_MAXIMUM:
        raise ValueError("size")
    return size
