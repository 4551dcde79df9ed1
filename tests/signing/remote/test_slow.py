"""A remote service that answers slowly: told in words after a while, waited for when it is only late, signed once."""

import asyncio
import time

import pytest
from msgspec.structs import replace

from kernel.clock import utc_now
from signing.remote.csc import CscUnreachable
from signing.remote.finish import ask_remote
from signing.remote.rules import SittingState
from signing.remote.service import start_remote
from tests.signing.remote.hospital import (
    Mood,
    RemoteHospital,
    ask,
    is_free,
    now_of,
    signatures,
    some_documents,
)

pytestmark = pytest.mark.anyio
FOREVER = 60.0


def waits(house: RemoteHospital, seconds: float, *, provider: float) -> None:
    """Let the hospital wait that long for an answer, and the service take that long in its slow moods."""
    signing = replace(house.services.settings.signing, csc_timeout_seconds=seconds)
    settings = replace(house.services.settings, signing=signing)
    house.services = house.db.app.state.services = replace(house.services, settings=settings)
    house.provider.slow_seconds = provider


async def test_a_service_that_does_not_answer_in_time_is_told_in_words_and_holds_nothing(
    house: RemoteHospital,
) -> None:
    ids = await some_documents(house)
    waits(house, 0.3, provider=FOREVER)
    house.provider.mood = Mood.SLOW
    begin = time.monotonic()
    with pytest.raises(CscUnreachable, match="Không liên lạc được dịch vụ ký từ xa"):
        await start_remote(house.services, house.doctor, ids, utc_now())
    assert time.monotonic() - begin < FOREVER / 2
    assert await is_free(house.services, ids)
    page = await house.db.client.post("/sign", data={"document": str(ids[0])})
    assert (page.status_code, "Không liên lạc được dịch vụ ký từ xa" in page.text) == (422, True)
    house.provider.mood = Mood.OK
    await start_remote(house.services, house.doctor, ids, utc_now())
    await house.answer()
    assert await signatures(house.services, ids) == 1


async def test_a_late_answer_within_the_wait_signs_once_whoever_asks_meanwhile(house: RemoteHospital) -> None:
    sitting, ids = await ask(house, 3)
    await house.answer(tell=False)
    waits(house, FOREVER, provider=0.2)
    house.provider.mood = Mood.SLOW
    handle = next(iter(house.provider.pending))
    told = [house.call_back(handle) for _ in range(3)]
    asked = [ask_remote(house.services, sitting.id, utc_now()) for _ in range(3)]
    answers, _ = await asyncio.gather(asyncio.gather(*told), asyncio.gather(*asked))
    assert [answer.status_code for answer in answers] == [200] * 3
    assert (await now_of(house, sitting)).state is SittingState.SIGNED
    assert await signatures(house.services, ids) == 3
    assert house.provider.calls.count("signatures/signHash") == 1


async def test_a_service_too_slow_when_asked_is_asked_again(house: RemoteHospital) -> None:
    sitting, ids = await ask(house, 2)
    await house.answer(tell=False)
    waits(house, 0.3, provider=FOREVER)
    house.provider.mood = Mood.SLOW
    handle = next(iter(house.provider.pending))
    answer = await house.call_back(handle)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/remote-signing-unreachable")
    assert (await now_of(house, sitting)).state is SittingState.WAITING
    assert await signatures(house.services, ids) == 0
    waits(house, FOREVER, provider=0)
    assert (await house.call_back(handle)).json() == {"state": "SIGNED"}
    assert await signatures(house.services, ids) == 2


async def test_values_that_never_come_end_the_sitting_and_free_the_documents(house: RemoteHospital) -> None:
    sitting, ids = await ask(house, 2)
    await house.answer(tell=False)
    waits(house, 0.3, provider=FOREVER)
    house.provider.mood = Mood.SLOW_SIGNATURE
    handle = next(iter(house.provider.pending))
    assert (await house.call_back(handle)).status_code == 409
    assert (await now_of(house, sitting)).state is SittingState.WAITING
    house.provider.mood = Mood.OK  # The leave was given once and is gone with the answer that never came.
    assert (await house.call_back(handle)).json() == {"state": "FAILED"}
    assert "từ chối" in (await now_of(house, sitting)).reason
    assert await is_free(house.services, ids)
    again = await start_remote(house.services, house.doctor, ids, utc_now())
    await house.answer()
    assert (await now_of(house, again)).signed == 2
    assert await signatures(house.services, ids) == 2
