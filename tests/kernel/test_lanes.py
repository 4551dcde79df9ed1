"""Connections side by side: reused once free, thrown away once broken, as many as there are requests at once."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from kernel.lanes import Lanes

pytestmark = pytest.mark.anyio


class Counter:
    """A server that counts its connections; "/drop" closes without an answer, "/slow" waits for `go`."""

    def __init__(self) -> None:
        self.connections = 0
        self.waiting = 0
        self.go = asyncio.Event()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if b" /drop " in head:
                    break
                if b" /slow " in head:
                    self.waiting += 1
                    await self.go.wait()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


@asynccontextmanager
async def a_server() -> AsyncIterator[tuple[Counter, httpx.AsyncClient, str]]:
    counter = Counter()
    server = await asyncio.start_server(counter.answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, httpx.AsyncClient(transport=Lanes(ssl.create_default_context())) as client:
        yield counter, client, f"http://127.0.0.1:{port}"


async def test_one_after_the_other_share_a_connection() -> None:
    async with a_server() as (counter, client, url):
        for _ in range(5):
            assert (await client.get(f"{url}/")).text == "ok"
        assert counter.connections == 1


async def test_requests_at_once_have_a_connection_each_and_it_is_used_again() -> None:
    async with a_server() as (counter, client, url):
        asked = [asyncio.create_task(client.get(f"{url}/slow")) for _ in range(8)]
        while counter.waiting < 8:
            await asyncio.sleep(0)
        counter.go.set()
        assert [answer.text for answer in await asyncio.gather(*asked)] == ["ok"] * 8
        await asyncio.gather(*(client.get(f"{url}/") for _ in range(8)))
        assert counter.connections == 8


async def test_a_broken_connection_is_not_used_again() -> None:
    async with a_server() as (counter, client, url):
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(f"{url}/drop")
        assert (await client.get(f"{url}/")).text == "ok"
        assert counter.connections == 2


async def test_a_given_up_answer_frees_its_lane() -> None:
    async with a_server() as (counter, client, url):
        async with client.stream("GET", f"{url}/") as answer:
            assert answer.status_code == 200
        assert (await client.get(f"{url}/")).text == "ok"
        assert counter.connections <= 2
