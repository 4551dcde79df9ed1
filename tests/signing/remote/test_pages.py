"""The pages of remote signing: the way is named, the phone is waited for, results are told, others see nothing."""

import pytest

from hospital.demo.outside import csc
from hospital.demo.pki import DemoPki
from kernel.clock import utc_now
from signing.remote.service import start_remote
from tests.conftest import RealDatabase
from tests.signing.remote.hospital import (
    RemoteHospital,
    is_free,
    later,
    remote_hospital,
    some_documents,
)

pytestmark = pytest.mark.anyio


async def test_the_page_names_the_way_waits_and_shows_the_results(house: RemoteHospital) -> None:
    ids = await some_documents(house, 2)
    client = house.db.client
    asked = await client.get("/sign/confirm")
    assert "ký từ xa (ứng dụng trên điện thoại)" in asked.text
    assert "Mã PIN" not in asked.text
    sent = await client.post("/sign", data={"document": [str(key) for key in ids]})
    place = sent.headers["location"]
    page = await client.get(place)
    assert "trên điện thoại để phê duyệt" in page.text
    assert "data-countdown" in page.text
    assert f'data-live="{place}/live"' in page.text
    assert "127.0.0.1" not in page.headers["content-security-policy"]
    await house.answer()
    assert "Đã ký 2/2" in (await client.get(place)).text


async def test_the_page_asks_what_the_service_asks(real_db: RealDatabase, pki: DemoPki) -> None:
    async with remote_hospital(real_db, pki, explicit=True) as house:
        ids = await some_documents(house)
        client = house.db.client
        asked = await client.get("/sign/confirm")
        assert 'name="otp"' in asked.text
        assert 'name="pin"' in asked.text
        assert "Đã gửi mã OTP" in (await client.post("/sign/remote/otp")).text
        wrong = await client.post("/sign", data={"document": str(ids[0]), "pin": csc.PIN, "otp": "1"})
        assert (wrong.status_code, "Mã OTP không đúng" in wrong.text) == (422, True)
        assert csc.PIN not in wrong.text
        await client.post("/sign/remote/otp")
        form = {"document": str(ids[0]), "pin": csc.PIN, "otp": house.provider.codes["KEY-1"]}
        done = await client.post("/sign", data=form)
        assert "Đã ký 1/1" in (await client.get(done.headers["location"])).text


async def test_cancelled_on_the_page_and_hidden_from_others(house: RemoteHospital) -> None:
    ids = await some_documents(house)
    client = house.db.client
    place = (await client.post("/sign", data={"document": str(ids[0])})).headers["location"]
    async with house.db.browser() as other:
        await house.db.sign_in(client=other)
        assert (await other.get(place)).status_code == 404
        assert (await other.post(f"{place}/cancellation")).status_code == 404
        assert (await other.get(f"{place}/job")).status_code == 404
    assert (await client.get(f"{place}/job")).status_code == 409
    assert (await client.post(f"{place}/cancellation")).status_code == 303
    assert "Bạn đã huỷ yêu cầu ký." in (await client.get(place)).text
    assert await is_free(house.services, ids)


async def test_a_page_whose_time_is_over_says_so(house: RemoteHospital) -> None:
    ids = await some_documents(house)
    sitting = await start_remote(house.services, house.doctor, ids, later(-181))
    page = await house.db.client.get(f"/sign/remote/{sitting.id}")
    assert "Hết thời gian chờ phê duyệt" in page.text
    assert "Huỷ yêu cầu" not in page.text


async def test_a_waiting_request_is_found_again_from_the_inbox(house: RemoteHospital) -> None:
    ids = await some_documents(house)
    assert 'hx-get="/sign/remote/mine"' in (await house.db.client.get("/sign")).text
    assert "Mở phiên ký" not in (await house.db.client.get("/sign/remote/mine")).text
    sitting = await start_remote(house.services, house.doctor, ids, utc_now())
    assert f"/sign/remote/{sitting.id}" in (await house.db.client.get("/sign/remote/mine")).text
