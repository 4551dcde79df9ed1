"""The pages of patients who sign: staff's and the tablet's, each as the right person and as the wrong one."""

import io
import json
import re
from collections.abc import AsyncIterator
from datetime import date
from uuid import uuid4

import httpx
import msgspec
import pytest
from PIL import Image

from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.outbox.api import drain
from kernel.services import Services
from kernel.staff.api import Actor, Role
from signing.api import DocumentView
from tests.conftest import SignedIn, browser
from tests.signing.holders import PIN
from tests.signing.hospital import give_certificate
from tests.signing.people.ward import DRAWING, Outside, a_paper


@pytest.fixture
async def nurse(signed_in: SignedIn, services: Services, settings: Settings, pki: DemoPki) -> Actor:
    actor = await signed_in(Role.NURSE, name="Nguyễn Thị Hương")
    await give_certificate(services.sessions, settings, pki, actor)
    await give_certificate(services.sessions, settings, pki, None)
    return actor


@pytest.fixture
async def tablet(app: object) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as client:  # type: ignore[arg-type]  # Litestar's application
        await client.get("/tablet")
        yield client


def form_of(paper: DocumentView, **more: str) -> dict[str, str]:
    return {
        "id": str(uuid4()),
        "patient": str(paper.patient_id),
        "patient_name": paper.patient_name,
        "document": str(paper.id),
        "signer_kind": "PATIENT",
        "kind": "TABLET",
    } | more


async def opened(client: httpx.AsyncClient, paper: DocumentView, **more: str) -> tuple[str, str]:
    """Open a sitting and return its page's address and the code on it."""
    page = await client.post("/consents", data=form_of(paper, **more))
    assert page.status_code == 200, page.text
    code = re.search(r'pair-code">([\w-]+)<', page.text)
    sitting = re.search(r'hx-get="(/consents/[0-9a-f-]{36})"', page.text)
    assert code
    assert sitting
    return sitting[1], code[1]


async def started(tablet: httpx.AsyncClient, code: str) -> httpx.Response:
    assert "Bắt đầu" in (await tablet.get(f"/tablet/{code}")).text
    await tablet.post(f"/tablet/{code}/start")
    return await tablet.get(f"/tablet/{code}")


async def read(tablet: httpx.AsyncClient, code: str) -> httpx.Response:
    """See every document to its end."""
    page = await started(tablet, code)
    while "Đã xem hết" in page.text:
        for picture in re.findall(r'src="(/tablet/[^"]+/pages/[^"]+)"', page.text):
            answer = await tablet.get(picture)
            assert answer.headers["content-type"] == "image/png"
        hidden = dict(re.findall(r'name="(position|sha256)" value="([^"]+)"', page.text))
        await tablet.post(f"/tablet/{code}/shown", data=hidden)
        page = await tablet.get(f"/tablet/{code}")
    return page


async def test_a_paper_is_signed_from_the_wards_list_to_the_verify_page(
    client: httpx.AsyncClient, tablet: httpx.AsyncClient, services: Services, nurse: Actor
) -> None:
    paper = await a_paper(services, nurse, patient_id=uuid4())
    listing = await client.get("/consents")
    assert "NGUYỄN VĂN AN" in listing.text
    sitting, code = await opened(client, paper)
    page = await read(tablet, code)
    assert "Ký tay trên màn hình" in page.text
    ready = await tablet.get(f"/tablet/{code}?way=DRAWN")
    assert "data-draw" in ready.text
    drawn = msgspec.json.encode(DRAWING).decode()
    sent = await tablet.post(f"/tablet/{code}/drawing", data={"drawing": drawn})
    assert sent.status_code == 303, sent.text
    assert "Đang niêm phong" in (await tablet.get(f"/tablet/{code}")).text
    await drain(services)
    assert "Đã ký xong" in (await tablet.get(f"/tablet/{code}")).text
    assert "Đã ký và niêm phong" in (await client.get(sitting)).text
    public = await tablet.get(f"/v/{paper.code}")
    assert "Ký tay trên màn hình" in public.text
    assert "NGUYỄN VĂN AN" not in public.text
    assert "NGUYỄN V** A*" in public.text


async def test_the_picture_is_of_the_exact_page(
    client: httpx.AsyncClient, tablet: httpx.AsyncClient, services: Services, nurse: Actor
) -> None:
    paper = await a_paper(services, nurse, patient_id=uuid4())
    _, code = await opened(client, paper)
    await started(tablet, code)
    picture = Image.open(io.BytesIO((await tablet.get(f"/tablet/{code}/pages/1/1")).content))
    assert picture.width == 1400
    assert len(picture.getcolors() or []) > 1
    assert (await tablet.get(f"/tablet/{code}/pages/1/2")).status_code == 409
    assert (await tablet.get(f"/tablet/{code}/pages/9/1")).status_code == 409


async def test_another_device_sees_nothing(
    client: httpx.AsyncClient, tablet: httpx.AsyncClient, services: Services, nurse: Actor, app: object
) -> None:
    paper = await a_paper(services, nurse, patient_id=uuid4())
    _, code = await opened(client, paper)
    await started(tablet, code)
    async with browser(app) as other:  # type: ignore[arg-type]  # Litestar's application
        await other.get("/tablet")
        page = await other.get(f"/tablet/{code}")
        assert page.status_code == 403
        assert "ở một máy khác" in page.text
        assert paper.title not in page.text
        assert (await other.post(f"/tablet/{code}/start")).status_code == 403
        assert (await other.get(f"/tablet/{code}/pages/1/1")).status_code == 403
        assert (await other.get(f"/tablet/{code}/live")).status_code == 403
        refused = await other.post(f"/tablet/{code}/refusal", data={"reason": "x"})
        assert refused.status_code == 403
    assert (await tablet.get("/tablet/0000-0000-0000-0000")).status_code == 404
    assert (await tablet.post("/tablet", data={"code": "xyz"})).headers["location"] == "/tablet?wrong=1"
    assert (await tablet.post("/tablet", data={"code": code.lower()})).headers[
        "location"
    ] == f"/tablet/{code}"


async def test_each_way_has_its_screen_and_tells_refusals_there(
    client: httpx.AsyncClient, tablet: httpx.AsyncClient, services: Services, nurse: Actor, outside: Outside
) -> None:
    paper = await a_paper(services, nurse, patient_id=uuid4())
    sitting, code = await opened(client, paper)
    await read(tablet, code)
    slip = await tablet.post(
        f"/tablet/{code}/drawing", data={"drawing": '{"width":600,"height":200,"strokes":[]}'}
    )
    assert (slip.status_code, "Nét ký quá ngắn" in slip.text) == (422, True)
    assert "Chưa có nét ký" in (await tablet.post(f"/tablet/{code}/drawing", data={"drawing": ""})).text
    assert "đồng ý" in (await tablet.post(f"/tablet/{code}/finger", data={})).text
    assert "Đặt ngón tay" in (await tablet.get(f"/tablet/{code}?way=FINGERPRINT")).text
    assert "ứng dụng định danh" in (await tablet.get(f"/tablet/{code}?way=NATIONAL_ID")).text
    bad = await client.post(f"{sitting}/phone", data={"phone": "1"})
    assert (bad.status_code, "10 chữ số" in bad.text) == (422, True)
    assert (await client.post(f"{sitting}/phone", data={"phone": "0901234567"})).status_code == 303
    await drain(services)
    assert (await client.post(f"{sitting}/phone", data={"code": outside.code_sent()})).status_code == 303
    assert "******567" in (await tablet.get(f"/tablet/{code}?way=OTP")).text
    await tablet.post(f"/tablet/{code}/code")
    await drain(services)
    wrong = await tablet.post(f"/tablet/{code}/otp", data={"code": "1"})
    assert "Mã không đúng" in wrong.text
    done = await tablet.post(f"/tablet/{code}/otp", data={"code": outside.code_sent()})
    assert done.status_code == 303


async def test_the_person_may_say_no_and_why(
    client: httpx.AsyncClient, tablet: httpx.AsyncClient, services: Services, nurse: Actor
) -> None:
    paper = await a_paper(services, nurse, patient_id=uuid4())
    sitting, code = await opened(client, paper)
    await started(tablet, code)
    assert "Vì sao" in (await tablet.get(f"/tablet/{code}?refuse=1")).text
    await tablet.post(f"/tablet/{code}/refusal", data={"reason": "Tôi muốn hỏi ý kiến gia đình"})
    assert "Đã ghi nhận không ký" in (await tablet.get(f"/tablet/{code}")).text
    assert "Tôi muốn hỏi ý kiến gia đình" in (await client.get(sitting)).text


async def test_a_faulty_form_comes_back_with_what_is_wrong(
    client: httpx.AsyncClient, services: Services, nurse: Actor
) -> None:
    paper = await a_paper(services, nurse, patient_id=uuid4(), born=date(2020, 1, 1))
    alone = await client.post("/consents", data=form_of(paper))
    assert (alone.status_code, "chưa đủ 18 tuổi" in alone.text) == (422, True)
    none = await client.post("/consents", data=form_of(paper) | {"document": ""})
    assert (none.status_code, "ít nhất một văn bản" in none.text) == (422, True)
    rep = form_of(
        paper, signer_kind="REPRESENTATIVE", name="Trần Thị B", number="001185000009", standing="MINOR"
    )
    missing = await client.post("/consents", data=rep)
    assert "là gì của người bệnh" in missing.text
    assert "Trần Thị B" in missing.text
    assert (await client.post("/consents", data=rep | {"relation": "Mẹ"})).status_code == 200


async def test_a_witness_and_a_scan_go_through_their_pages(
    client: httpx.AsyncClient,
    services: Services,
    nurse: Actor,
    settings: Settings,
    signed_in: SignedIn,
    pki: DemoPki,
) -> None:
    paper = await a_paper(services, nurse, patient_id=uuid4())
    absent = form_of(paper, kind="ABSENCE", absence="CANNOT_SIGN", reason="Gãy hai tay")
    sitting = (await client.post("/consents", data=absent)).headers["location"]
    assert "Chúng tôi làm chứng" in (await client.get(sitting)).text
    own = await client.post(f"{sitting}/witnesses", data={"pin": PIN})
    assert (own.status_code, "không làm chứng" in own.text) == (422, True)
    await client.post(f"{sitting}/cancellation", data={"reason": "Làm lại"})
    scan = (await client.post("/consents", data=form_of(paper, kind="PAPER"))).headers["location"]
    out = io.BytesIO()
    Image.new("L", (60, 90), 255).save(out, "PNG")
    fields = {"document": str(paper.id), "paper_kept": "Kho hồ sơ"}
    refused = await client.post(
        f"{scan}/scans", data=fields, files={"scan": ("a.png", b"no picture", "image/png")}
    )
    assert (refused.status_code, "đọc được" in refused.text) == (422, True)
    done = await client.post(
        f"{scan}/scans", data=fields, files={"scan": ("a.png", out.getvalue(), "image/png")}
    )
    assert done.status_code == 303
    original = await client.get(f"/consents/documents/{paper.id}")
    assert original.content.startswith(b"%PDF-")
    first = await signed_in(Role.NURSE, name="Lê Văn Bảy")
    await give_certificate(services.sessions, settings, pki, first, number="001180000002")
    other = await a_paper(services, nurse, patient_id=uuid4())
    body = {
        "id": str(uuid4()),
        "documents": [str(other.id)],
        "who": {"kind": "PATIENT", "name": "x"},
        "kind": "ABSENCE",
        "absence": "NO_RELATIVE",
        "reason": "Không rõ thân nhân",
    }
    made = await client.post("/api/signing/sittings", json=body)
    assert made.status_code == 201, made.text
    address = f"/api/signing/sittings/{body['id']}"
    told = await client.post(f"{address}/witnesses", json={"pin": PIN})
    assert [one["name"] for one in told.json()["witnesses"]] == ["Lê Văn Bảy"]
    again = await client.post(f"{address}/witnesses", json={"pin": PIN})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-witness")
    assert (await client.post(f"{address}/cancellation", json={})).json()["state"] == "CANCELLED"
    assert (await client.get(address)).json()["state"] == "CANCELLED"
    waiting = (await client.get("/api/signing/sittings/waiting")).json()
    assert json.dumps(waiting).count(str(other.id)) == 1


async def test_the_list_is_for_the_bedside(client: httpx.AsyncClient, signed_in: SignedIn) -> None:
    assert (await client.get("/consents")).status_code in (303, 401)
    await signed_in(Role.CASHIER)
    assert (await client.get("/consents")).status_code == 403
    assert (await client.get("/api/signing/sittings/waiting")).status_code == 403
    assert (await client.get(f"/consents/{uuid4()}")).status_code == 403
