"""The desk signs as policy says: under a PIN, on the phone, with a token; refusals lose nothing, the visit ends once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from emr.api import OrderLine, Payer, PlaceOrders, VisitState, get_visit, place_orders, start_visit
from emr.settings import EmrSettings
from emr.workbench.desk import keep_drafts, open_desk
from hospital.demo.outside import csc
from hospital.demo.pki import DemoPki, ensure_pki
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.services import Services
from kernel.staff.api import SYSTEM, Actor
from kernel.staff.models import StaffAccount
from signing.api import KeyKind, steps_of
from signing.documents.models import Document
from signing.policy.service import SetRule, set_rule
from signing.remote.models import RemoteSitting
from tests.conftest import RealDatabase
from tests.emr.builders import DOCTOR, a_hospital, a_visit
from tests.emr.sheet_acts import some_drugs
from tests.emr.test_workbench_desk import drug
from tests.emr.test_workbench_ending import WRITTEN
from tests.signing.holders import PIN
from tests.signing.hospital import give_certificate
from tests.signing.remote.hospital import (
    Mood,
    RemoteHospital,
    nothing_remembered,
    remote_hospital,
    remote_settings,
)

pytestmark = pytest.mark.anyio
HTMX = {"hx-request": "true"}
SETTINGS = EmrSettings()


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    folder: Path = tmp_path_factory.mktemp("desk") / "pki"
    return ensure_pki(folder, [], base_url="http://pki.test", pin=PIN, now=datetime.now(UTC))


@pytest.fixture
def settings(settings: Settings, pki: DemoPki) -> Settings:
    nothing_remembered()
    return remote_settings(settings, pki)


class Desk:
    """A doctor's desk with one visit whose note and prescription are written."""

    def __init__(self, house: RemoteHospital, visit_id: UUID) -> None:
        self.house, self.visit_id = house, visit_id
        self.path = f"/workbench/visits/{visit_id}"
        self.client = house.db.client

    async def ask(self) -> str:
        """The dialog of Ctrl+Enter."""
        return (await self.client.get(f"{self.path}/complete", headers=HTMX)).text

    async def go(self, **form: str) -> httpx.Response:
        return await self.client.post(f"{self.path}/complete", data=form, headers=HTMX)

    async def ended(self) -> bool:
        async with self.house.services.sessions() as session:
            return (await get_visit(session, self.visit_id)).state is VisitState.ENDED

    async def states(self) -> list[str]:
        async with self.house.services.sessions() as session:
            return sorted(await session.scalars(select(Document.state)))

    async def sittings(self) -> int:
        async with self.house.services.sessions() as session:
            return len((await session.scalars(select(RemoteSitting.id))).all())

    async def rule(self, *kinds: KeyKind, paper: str = "") -> None:
        rule = SetRule(staff_id=self.house.doctor.id, document_kind=paper, key_kinds=list(kinds))
        async with self.house.services.sessions.begin() as session:
            await set_rule(session, rule, actor=SYSTEM, now=utc_now())


async def written_visit(services: Services, doctor: Actor) -> UUID:
    """A visit under way with a note and a prescription, ready to be ended."""
    now = utc_now()
    async with services.sessions.begin() as session:
        await a_hospital(session)
        await some_drugs(session)
        account = await session.get_one(StaffAccount, doctor.id)
        account.practice_license = "000001/VD-GPHN"
        visit = await a_visit(session, now, payer=Payer.BHYT)
        await start_visit(session, visit.id, actor=doctor, now=now)
        page = await open_desk(session, visit.id, actor=doctor, now=now, settings=SETTINGS)
        seen = [(f"revision:{code}", str(revision)) for code, revision in page.revisions.items()]
        pairs = [*seen, *WRITTEN, *drug(ma="T001")]
        await keep_drafts(session, visit.id, pairs, actor=doctor, now=now, settings=SETTINGS)
    return visit.id


@asynccontextmanager
async def desk(
    db: RealDatabase, pki: DemoPki, way: KeyKind, *, explicit: bool = False
) -> AsyncIterator[Desk]:
    async with remote_hospital(db, pki, way=way, explicit=explicit) as house:
        yield Desk(house, await written_visit(house.services, house.doctor))


async def test_the_phone_signs_and_the_visit_ends_by_itself(real_db: RealDatabase, pki: DemoPki) -> None:
    async with desk(real_db, pki, KeyKind.CSC) as it:
        dialog = await it.ask()
        assert "ký từ xa (ứng dụng trên điện thoại)" in dialog
        assert "Gửi yêu cầu ký 2 tài liệu" in dialog
        assert 'name="pin"' not in dialog
        place = (await it.go()).headers["hx-redirect"]
        assert place.startswith(f"{it.path}/sittings/")
        page = (await it.client.get(place)).text
        assert "trên điện thoại để phê duyệt" in page
        assert "TRẦN THỊ MẪU" in page
        assert f'action="{place}/cancellation"' in page
        assert (await it.states(), await it.ended()) == (["PENDING", "PENDING"], False)
        await it.house.answer()
        page = (await it.client.get(place)).text
        assert "Đã ký 2/2 văn bản." in page
        assert f'hx-post="{it.path}/complete" hx-trigger="load, submit"' in page
        done = await it.go(**{"from": "sitting"})
        assert done.headers["hx-redirect"] == "/workbench/rooms/PK1?finished=001"
        assert (await it.states(), await it.ended()) == (["ISSUED", "ISSUED"], True)


async def test_without_htmx_the_form_leads_on_as_well(real_db: RealDatabase, pki: DemoPki) -> None:
    async with desk(real_db, pki, KeyKind.CSC) as it:
        asked = await it.client.post(f"{it.path}/complete")
        assert asked.status_code == 303
        assert asked.headers["location"].startswith(f"{it.path}/sittings/")


async def test_a_sitting_that_waits_is_taken_up_again(real_db: RealDatabase, pki: DemoPki) -> None:
    async with desk(real_db, pki, KeyKind.CSC) as it:
        first = (await it.go()).headers["hx-redirect"]
        assert (await it.go()).headers["hx-redirect"] == first
        assert await it.sittings() == 1


@pytest.mark.parametrize("how", ["refused", "cancelled"])
async def test_a_request_that_was_not_approved_leads_back_and_is_made_anew(
    real_db: RealDatabase, pki: DemoPki, how: str
) -> None:
    async with desk(real_db, pki, KeyKind.CSC) as it:
        place = (await it.go()).headers["hx-redirect"]
        if how == "refused":
            await it.house.answer(approve=False)
        else:
            gone = await it.client.post(f"{place}/cancellation")
            assert (gone.status_code, gone.headers["location"]) == (303, place)
        page = (await it.client.get(place)).text
        assert f'href="{it.path}?go_on=true"' in page
        assert 'hx-trigger="load, submit"' not in page
        assert not await it.ended()
        back = (await it.client.get(f"{it.path}?go_on=true")).text
        assert f'id="dialogs" hx-get="{it.path}/complete" hx-trigger="load"' in back
        again = (await it.go()).headers["hx-redirect"]
        assert again != place
        await it.house.answer()
        await it.go(**{"from": "sitting"})
        assert await it.ended()


async def test_what_the_service_asks_is_asked_at_the_desk(real_db: RealDatabase, pki: DemoPki) -> None:
    async with desk(real_db, pki, KeyKind.CSC, explicit=True) as it:
        dialog = await it.ask()
        assert 'name="remote_pin"' in dialog
        assert 'name="otp"' in dialog
        await it.client.post("/sign/remote/otp", data={"kind": "PKB"})
        wrong = await it.go(remote_pin=csc.PIN, otp="1")
        assert (wrong.status_code, "Mã OTP không đúng" in wrong.text) == (422, True)
        assert 'href="#otp"' in wrong.text
        assert csc.PIN not in wrong.text
        bad = await it.go(remote_pin="00000000", otp=it.house.provider.codes.get("KEY-1", "1"))
        assert (bad.status_code, 'href="#remote_pin"' in bad.text) == (422, True)
        await it.client.post("/sign/remote/otp", data={"kind": "PKB"})
        place = (await it.go(remote_pin=csc.PIN, otp=it.house.provider.codes["KEY-1"])).headers["hx-redirect"]
        assert "Đã ký 2/2 văn bản." in (await it.client.get(place)).text


async def test_a_service_that_is_away_is_told_and_tried_again(real_db: RealDatabase, pki: DemoPki) -> None:
    async with desk(real_db, pki, KeyKind.CSC) as it:
        it.house.provider.mood = Mood.ERROR
        assert 'class="callout warn"' in await it.ask()
        refused = await it.go()
        assert (refused.status_code, "Chưa ký được" in refused.text) == (422, True)
        assert (await it.states(), await it.ended()) == (["PENDING", "PENDING"], False)
        it.house.provider.mood = Mood.OK
        assert "/sittings/" in (await it.go()).headers["hx-redirect"]


async def test_the_token_opens_its_own_flow(real_db: RealDatabase, pki: DemoPki) -> None:
    async with desk(real_db, pki, KeyKind.TOKEN) as it:
        assert "USB token ở máy người ký" in await it.ask()
        place = (await it.go()).headers["hx-redirect"]
        page = await it.client.get(place)
        assert "Mở cửa sổ ký" in page.text
        assert "http://127.0.0.1:47111" in page.headers["content-security-policy"]
        job = await it.client.get(f"/sign/remote/{place.rpartition('/')[2]}/job")
        assert [document["title"] for document in job.json()["documents"]] == [
            "Phiếu khám bệnh",
            "Đơn thuốc",
        ]


async def test_papers_of_two_keys_are_signed_one_after_the_other(real_db: RealDatabase, pki: DemoPki) -> None:
    async with desk(real_db, pki, KeyKind.CSC) as it:
        services = it.house.services
        await give_certificate(services.sessions, services.settings, pki, it.house.doctor)
        await it.rule(KeyKind.PKCS12)
        await it.rule(KeyKind.CSC, paper="DT-C")
        dialog = await it.ask()
        assert dialog.index("tệp khóa phần mềm") < dialog.index("ký từ xa")
        assert 'name="pin"' in dialog
        wrong = await it.go(pin="000000")
        assert (wrong.status_code, await it.sittings()) == (422, 0)
        place = (await it.go(pin=PIN)).headers["hx-redirect"]
        assert await it.states() == ["ISSUED", "PENDING"]
        assert "0/1" not in (await it.client.get(place)).text
        await it.house.answer()
        await it.go(**{"from": "sitting"})
        assert (await it.states(), await it.ended()) == (["ISSUED", "ISSUED"], True)


async def test_a_paper_nobody_may_sign_keeps_the_visit_open(real_db: RealDatabase, pki: DemoPki) -> None:
    async with desk(real_db, pki, KeyKind.CSC) as it:
        await it.rule(KeyKind.PKCS11, paper="DT-C")
        refused = await it.go(pin=PIN)
        assert refused.status_code == 422
        assert "phải ký bằng HSM hoặc token ở máy chủ" in refused.text
        assert not await it.ended()


async def test_orders_to_be_voided_are_voided_after_the_phone(real_db: RealDatabase, pki: DemoPki) -> None:
    async with desk(real_db, pki, KeyKind.CSC) as it:
        command = PlaceOrders(it.visit_id, [OrderLine(id=new_id(), service_code="XN01")])
        async with it.house.services.sessions.begin() as session:
            await place_orders(session, command, actor=it.house.doctor, now=utc_now())
        untold = await it.go()
        assert (untold.status_code, "Glucose" in untold.text, await it.sittings()) == (422, True, 0)
        place = (await it.go(void_undone="1")).headers["hx-redirect"]
        assert place.endswith("?void_undone=true")
        await it.house.answer()
        page = (await it.client.get(place)).text
        assert '<input type="hidden" name="void_undone" value="1">' in page
        forgotten = await it.go(**{"from": "sitting"})
        assert forgotten.headers["hx-redirect"] == f"{it.path}?go_on=true"
        assert not await it.ended()
        assert "Kết thúc khám" in await it.ask()
        await it.go(void_undone="1")
        assert await it.ended()


async def test_a_waiting_page_is_its_doctors_and_its_visits_alone(
    real_db: RealDatabase, pki: DemoPki
) -> None:
    async with desk(real_db, pki, KeyKind.CSC) as it:
        place = (await it.go()).headers["hx-redirect"]
        async with it.house.services.sessions.begin() as session:
            other = await a_visit(session, utc_now())
        strange = place.replace(str(it.visit_id), str(other.id))
        assert (await it.client.get(strange)).status_code == 404
        async with real_db.browser() as elsewhere:
            await real_db.sign_in(*DOCTOR.roles, client=elsewhere)
            assert (await elsewhere.get(place)).status_code == 404
            assert (await elsewhere.post(f"{place}/cancellation")).status_code == 404
        async with real_db.browser() as nobody:
            await real_db.sign_in(client=nobody)
            assert (await nobody.get(place)).status_code == 403


async def test_a_program_that_sends_a_pin_is_led_to_the_way_of_the_policy(
    real_db: RealDatabase, pki: DemoPki
) -> None:
    async with desk(real_db, pki, KeyKind.CSC) as it:
        await it.go()
        async with it.house.services.sessions() as session:
            document_id = (await session.scalars(select(Document.id))).first()
        answer = await it.client.post(
            "/api/signing/signatures", json={"documents": [str(document_id)], "pin": PIN}
        )
        assert answer.status_code == 409
        assert answer.json()["url"] == f"/sign/confirm?d={document_id}"
        steps = await steps_of(it.house.services, it.house.doctor, ["PKB", "DT-C"], utc_now())
        assert [(sorted(step.kinds), step.at_once) for step in steps] == [(["DT-C", "PKB"], False)]


async def test_papers_without_a_certificate_are_tried_at_once_and_refused_there(
    real_db: RealDatabase, pki: DemoPki
) -> None:
    async with desk(real_db, pki, KeyKind.CSC) as it:
        (step,) = await steps_of(it.house.services, DOCTOR, ["PKB"], utc_now())
        assert (step.way, step.at_once) == (None, True)
