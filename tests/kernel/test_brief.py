"""Short questions: whole answers of every shape, kept connections, one more try when a kept one was closed."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from kernel.brief import ANSWER_MAXIMUM
from kernel.lanes import BRIEF, Lanes

pytestmark = pytest.mark.anyio

SHAPES = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n",
    "continue": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    "last": b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello",
    "until-closed": b"HTTP/1.1 200 OK\r\n\r\nhello",
    "old": b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
}
KEPT = {"length", "chunks", "continue"}
BROKEN = {
    "nothing": b"",
    "half-a-head": b"HTTP/1.1 200 OK\r\nconte",
    "half-a-body": b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello",
    "half-a-chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
    "no-http": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "two-lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    "negative": b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nhello",
    "too-large": b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (ANSWER_MAXIMUM + 1),
    "too-large-until-closed": b"HTTP/1.1 200 OK\r\n\r\n" + bytes(ANSWER_MAXIMUM + 1),
    "packed": b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
}


class Server:
    """Answers with the bytes of the asked shape; closes after those that leave the connection unusable."""

    def __init__(self) -> None:
        self.connections = 0
        self.asked: list[bytes] = []
        self.hang_up = asyncio.Event()
        self.wait = asyncio.Event()
        self.open: set[asyncio.Task[None] | None] = set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open.add(asyncio.current_task())
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.asked.append(await reader.readexactly(5))
                shape = head.split(b" ")[1].decode().strip("/")
                if shape == "slow":
                    await self.wait.wait()
                writer.write((SHAPES | BROKEN).get(shape, SHAPES["length"]))
                if shape not in {*KEPT, "slow", "hang-up"}:
                    break
                if shape == "hang-up":
                    await self.hang_up.wait()
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


@asynccontextmanager
async def a_server() -> AsyncIterator[tuple[Server, httpx.AsyncClient]]:
    server = Server()
    listening = await asyncio.start_server(server.answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening, httpx.AsyncClient(transport=Lanes(ssl.create_default_context()), base_url=url) as c:
        yield server, c
    server.hang_up.set()
    server.wait.set()
    await asyncio.gather(*filter(None, server.open))


async def ask(client: httpx.AsyncClient, shape: str) -> httpx.Response:
    return await client.post(f"/{shape}", content=b"query", extensions=BRIEF)


@pytest.mark.parametrize("shape", SHAPES)
async def test_an_answer_of_any_shape_is_read_whole(shape: str) -> None:
    async with a_server() as (server, client):
        for _ in range(2):
            answer = await ask(client, shape)
            assert (answer.status_code, answer.content) == (200, b"hello")
        assert server.asked == [b"query"] * 2
        assert server.connections == (1 if shape in KEPT else 2)


@pytest.mark.parametrize("shape", BROKEN)
async def test_half_an_answer_or_none_is_an_error_and_ends_the_connection(shape: str) -> None:
    async with a_server() as (server, client):
        with pytest.raises(httpx.RemoteProtocolError):
            await ask(client, shape)
        assert (await ask(client, "length")).content == b"hello"
        assert server.connections == 2


async def test_a_kept_connection_that_was_closed_meanwhile_is_replaced_once() -> None:
    async with a_server() as (server, client):
        assert (await ask(client, "hang-up")).content == b"hello"
        asking = asyncio.create_task(ask(client, "length"))
        await asyncio.sleep(0.01)  # Sent on the kept connection, which now ends without an answer.
        server.hang_up.set()
        assert (await asking).content == b"hello"
        assert server.connections == 2


async def test_requests_at_once_have_a_connection_each_and_it_is_used_again() -> None:
    async with a_server() as (server, client):
        asked = [asyncio.create_task(ask(client, "slow")) for _ in range(6)]
        while len(server.asked) < 6:
            await asyncio.sleep(0)
        server.wait.set()
        assert [answer.content for answer in await asyncio.gather(*asked)] == [b"hello"] * 6
        await asyncio.gather(*(ask(client, "length") for _ in range(6)))
        assert server.connections == 6


async def test_a_question_given_up_takes_its_connection_along() -> None:
    async with a_server() as (server, client):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await ask(client, "slow")
        assert (await ask(client, "length")).content == b"hello"
        assert server.connections == 2


async def test_a_server_that_is_not_there_is_an_error_of_the_network() -> None:
    async with a_server() as (_, client):
        pass
    async with httpx.AsyncClient(transport=Lanes(ssl.create_default_context())) as other:
        with pytest.raises(httpx.NetworkError):
            await other.post(client.base_url, content=b"query", extensions=BRIEF)
