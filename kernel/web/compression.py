"""Compress pages and JSON. Streams (live screens) and files already packed pass untouched."""

import gzip
from typing import Any, cast

import brotli
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

SMALL_BYTES = 1000
TEXT = (
    "text/html",
    "application/json",
    "application/problem+json",
    "text/css",
    "text/javascript",
    "image/svg+xml",
)


def compress_text(app: ASGIApp) -> ASGIApp:
    """Wrap an application: its one-piece text answers leave as brotli (over HTTPS) or gzip."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        accepted = (
            Headers.from_scope(scope).get("accept-encoding", "") if scope["type"] == ScopeType.HTTP else ""
        )
        encoding = next((name for name in ("br", "gzip") if name in accepted), "")
        await app(scope, receive, _packing(send, encoding) if encoding else send)

    return wrapped


def _packing(send: Send, encoding: str) -> Send:
    start: HTTPResponseStartEvent | None = None

    async def pack(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        if message["type"] == "http.response.body" and start is not None:
            opening, start = start, None
            body = message["body"]
            if not message.get("more_body") and len(body) >= SMALL_BYTES and _is_plain_text(opening):
                body = (
                    brotli.compress(body, quality=4) if encoding == "br" else gzip.compress(body, 5, mtime=0)
                )
                headers = MutableScopeHeaders(cast("Any", opening))
                headers["content-encoding"] = encoding
                headers["content-length"] = str(len(body))
                headers.extend_header_value("vary", "accept-encoding")
                message = {"type": "http.response.body", "body": body, "more_body": False}
            await send(opening)
        await send(message)

    return pack


def _is_plain_text(opening: HTTPResponseStartEvent) -> bool:
    headers = MutableScopeHeaders(cast("Any", opening))
    return headers.get("content-type", "").startswith(TEXT) and "content-encoding" not in headers
