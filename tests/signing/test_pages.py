"""The pages and REST of signing, seen by the right person, the wrong one and the public."""

from pathlib import Path
from uuid import uuid4

import httpx
from click.testing import CliRunner
from sqlalchemy import select

from hospital.commands.verify import verify
from hospital.demo.pki import DemoPki
from kernel.audit.api import Action
from kernel.audit.models import AuditRow
from kernel.clock import utc_now
from kernel.services import Services
from kernel.staff.api import Actor, Role
from signing.api import NewSlot, SoftwareSigner, new_code, sign_documents
from tests.conftest import SignedIn
from tests.signing.acts import overlay, sign
from tests.signing.files import a_file
from tests.signing.holders import PIN
from tests.signing.hospital import a_document


async def test_the_inbox_shows_the_exact_bytes_and_signs_them(
    client: httpx.AsyncClient, services: Services, doctor_in: Actor
) -> None:
    document = await a_document(services, doctor_in)
    page = await client.get("/sign")
    assert page.status_code == 200
    assert "NGUYỄN VĂN AN" in page.text
    assert f"/sign/{document.id}/file.pdf" in page.text
    shown = await client.get(f"/sign/{document.id}/file.pdf")
    assert shown.headers["content-type"] == "application/pdf"
    assert shown.content == await services.objects.get(document.base_sha256)
    asked = await client.get(f"/sign/confirm?d={document.id}")
    assert "Mã PIN" in asked.text
    answer = await client.post("/sign", data={"document": str(document.id), "pin": PIN, "keep": "1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign?signed=1")
    assert (await client.get("/sign/count")).text == ""
    second = await a_document(services, doctor_in)
    assert (await client.get("/sign/count")).text == "1"
    assert "Khóa ký đang mở" in (await client.get("/sign/confirm")).text
    answer = await client.post("/sign", data={"document": str(second.id)})
    assert answer.status_code == 303


async def test_a_wrong_pin_is_told_at_the_field(
    client: httpx.AsyncClient, services: Services, doctor_in: Actor
) -> None:
    document = await a_document(services, doctor_in)
    answer = await client.post("/sign", data={"document": str(document.id), "pin": "999999"})
    assert answer.status_code == 422
    assert "Mã PIN không đúng, chưa ký văn bản nào." in answer.text


async def test_results_are_told_one_by_one(
    client: httpx.AsyncClient, services: Services, doctor_in: Actor
) -> None:
    document = await a_document(services, doctor_in)
    answer = await client.post("/sign", data={"document": [str(document.id), str(uuid4())], "pin": PIN})
    assert answer.status_code == 200
    assert "Đã ký 1/2 văn bản" in answer.text


async def test_refusing_needs_a_reason(
    client: httpx.AsyncClient, services: Services, doctor_in: Actor
) -> None:
    document = await a_document(services, doctor_in)
    url = f"/sign/{document.id}/refusal"
    empty = await client.post(url, data={"why": "khac", "reason": ""})
    assert empty.status_code == 422
    assert "Hãy chọn hoặc ghi lý do" in empty.text
    answer = await client.post(url, data={"why": "Không đúng người ký", "reason": ""})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign?refused=1")


async def test_somebody_else_neither_sees_nor_signs(
    client: httpx.AsyncClient, services: Services, doctor_in: Actor, signed_in: SignedIn
) -> None:
    document = await a_document(services, doctor_in)
    cashier = await signed_in(Role.CASHIER)
    assert (await client.get(f"/sign/{document.id}/file.pdf")).status_code == 403
    async with services.sessions() as session:
        looks = select(AuditRow.actor_id).where(
            AuditRow.action == Action.FAILURE, AuditRow.subject == f"signing.document:{document.id}"
        )
        assert list(await session.scalars(looks)) == [cashier.id]
    assert (await client.get(f"/sign/{document.id}")).status_code == 303
    assert (await client.get(f"/api/signing/documents/{document.id}")).status_code == 403
    assert "Không có văn bản nào chờ bạn ký" in (await client.get("/sign")).text


async def test_the_debt_names_who_owes_since_when(
    client: httpx.AsyncClient, services: Services, doctor_in: Actor, signed_in: SignedIn
) -> None:
    await a_document(services, doctor_in)
    slot = NewSlot(field="x", label="Trưởng khoa", owner_role="head", department="K02")
    await a_document(services, doctor_in, slot)
    assert (await client.get("/sign/debt")).status_code == 403
    await signed_in(Role.DIRECTOR)
    page = (await client.get("/sign/debt")).text
    assert "BS Nguyễn Thị Hương" in page
    assert "vừa gửi" in page
    owed = (await client.get("/api/signing/debt")).json()
    assert [(debt["who"], debt["department"], debt["documents"]) for debt in owed] == [
        ("BS Nguyễn Thị Hương", "K01", 1),
        ("Trưởng khoa", "K02", 1),
    ]


async def test_rest_signs_refuses_and_recalls(
    client: httpx.AsyncClient, services: Services, doctor_in: Actor
) -> None:
    one, two, three = [(await a_document(services, doctor_in)).id for _ in range(3)]
    listed = (await client.get("/api/signing/inbox")).json()
    assert [item["id"] for item in listed] == [str(one), str(two), str(three)]
    wrong = await client.post("/api/signing/signatures", json={"documents": [str(one)], "pin": "1"})
    assert (wrong.status_code, wrong.json()["type"]) == (422, "/problems/wrong-pin")
    closed = await client.post("/api/signing/signatures", json={"documents": [str(one)]})
    assert closed.json()["type"] == "/problems/key-locked"
    opened = await client.post("/api/signing/unlock", json={"pin": PIN})
    assert (opened.status_code, opened.json()["idle_minutes"]) == (201, 15)
    done = await client.post("/api/signing/signatures", json={"documents": [str(one)]})
    assert [result["state"] for result in done.json()] == ["signed"]
    assert (await client.delete("/api/signing/unlock")).status_code == 204
    refused = await client.post(f"/api/signing/documents/{two}/refusal", json={"reason": "Sai tên thuốc"})
    assert refused.json()["state"] == "REFUSED"
    recalled = await client.post(f"/api/signing/documents/{three}/recall")
    assert recalled.json()["state"] == "RECALLED"
    file = await client.get(f"/api/signing/documents/{one}/file")
    verdict = await client.post("/api/signing/verifications", content=file.content)
    assert verdict.json()["valid"] is True


async def test_a_printed_code_opens_for_everybody_and_says_what_replaced_it(
    client: httpx.AsyncClient, services: Services, doctor_in: Actor
) -> None:
    first = await a_document(services, doctor_in)
    await client.post("/logout")
    client.cookies.clear()
    waiting = await client.get(f"/v/{first.code}")
    assert "Chưa đủ chữ ký" in waiting.text
    await sign_documents(services, doctor_in, [first.id], PIN, utc_now())
    page = await client.get(f"/v/{first.code.lower()}")
    assert "Hợp lệ: chữ ký số đúng" in page.text
    assert "Lành Demo Issuing CA" in page.text
    assert "NGUYỄN VĂN AN" not in page.text
    assert (await client.get(f"/v/{first.code}/original.pdf")).content.startswith(b"%PDF-")
    second = await a_document(services, doctor_in, supersedes=first.id)
    await sign_documents(services, doctor_in, [second.id], PIN, utc_now())
    replaced = await client.get(f"/v/{first.code}")
    assert "Đã có bản thay thế." in replaced.text
    assert second.code in replaced.text
    assert (await client.get("/v/0000-0000-0000-0000")).status_code == 404
    assert (await client.get(f"/v?code={first.code}")).headers["location"] == f"/v/{first.code}"


async def test_the_public_pages_are_limited(client: httpx.AsyncClient, services: Services) -> None:
    answers = [await client.get("/v/0000-0000-0000-0000") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [404] * 10 + [429]


async def test_an_uploaded_file_is_judged(
    client: httpx.AsyncClient, services: Services, doctor: SoftwareSigner
) -> None:
    assert (await client.get("/verify")).status_code == 200
    pdf, _ = sign(a_file(("a", "b")), doctor, ["a"])
    good = await client.post("/verify", files={"file": ("a.pdf", pdf, "application/pdf")})
    assert "Hợp lệ: chữ ký số đúng" in good.text
    bad = await client.post("/verify", files={"file": ("a.pdf", overlay(pdf), "application/pdf")})
    assert "Không hợp lệ" in bad.text
    assert "NỘI DUNG BỊ THAY ĐỔI SAU KHI KÝ" in bad.text
    none = await client.post("/verify", files={"file": ("a.txt", b"hello", "text/plain")})
    assert none.status_code == 422
    assert "Chỉ kiểm tra được tệp PDF hoặc XML" in none.text


async def test_an_uploaded_file_that_was_replaced_is_told(
    client: httpx.AsyncClient, services: Services, doctor_in: Actor
) -> None:
    first = await a_document(services, doctor_in)
    await sign_documents(services, doctor_in, [first.id], PIN, utc_now())
    second = await a_document(services, doctor_in, supersedes=first.id)
    await sign_documents(services, doctor_in, [second.id], PIN, utc_now())
    await client.get("/verify")
    original = (await client.get(f"/v/{first.code}/original.pdf")).content
    answer = await client.post("/verify", files={"file": ("a.pdf", original, "application/pdf")})
    assert "Hợp lệ: chữ ký số đúng" in answer.text
    assert "Đã có bản thay thế." in answer.text


def test_codes_are_not_to_be_guessed() -> None:
    """Eighty random bits each: at ten tries a minute, nobody meets one."""
    codes = {new_code().replace("-", "") for _ in range(2_000)}
    assert len(codes) == 2_000
    assert {len(code) for code in codes} == {16}
    assert len({letter for code in codes for letter in code}) == 32


def test_the_command_says_the_same(doctor: SoftwareSigner, pki: DemoPki, tmp_path: Path) -> None:
    trust, good, bad = tmp_path / "trust.pem", tmp_path / "a.pdf", tmp_path / "b.pdf"
    trust.write_bytes(pki.trust_pem)
    pdf, _ = sign(a_file(("a", "b")), doctor, ["a"])
    good.write_bytes(pdf)
    bad.write_bytes(overlay(pdf))
    run = CliRunner().invoke
    done = run(verify, [str(good), "--trust", str(trust), "--offline"])
    assert done.exit_code == 0, done.output
    assert "Người ký: Nguyễn Thị Hương · Bác sĩ · CCCD:001180000001" in done.output
    assert "CHẠY THỬ, không có giá trị pháp lý" in done.output
    as_json = run(verify, [str(good), "--trust", str(trust), "--offline", "--json"])
    assert '"valid":true' in as_json.output
    assert run(verify, [str(bad), "--trust", str(trust), "--offline"]).exit_code == 1
    (tmp_path / "c.pdf").write_bytes(b"nothing")
    assert run(verify, [str(tmp_path / "c.pdf"), "--trust", str(trust), "--offline"]).exit_code == 2
    for many, code in ([good, good], 0), ([bad, good], 1), ([good, tmp_path / "c.pdf", bad], 2):
        done = run(verify, [*map(str, many), "--trust", str(trust), "--offline", "--json"])
        assert (done.exit_code, len(done.output.splitlines())) == (code, len(many)), "the worst file decides"
