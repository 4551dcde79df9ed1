"""The walk itself: three people, three payers, from the scan to the phone at home."""

from pathlib import Path
from typing import Any

from msgspec import Struct

from hospital.demo.known import DEMO_PASSWORD
from hospital.demo.running import Hospital
from hospital.journey import bedside, clinic, home, money, remote
from hospital.journey.clients import Client, staff
from hospital.journey.people import CO_PAY, NOTHING_TO_PAY, SELF_PAY, WIFE, Person
from hospital.journey.steps import Steps


class Team(Struct):
    """Everybody who is signed in during the walk."""

    reception: Client
    doctor: Client
    remote_doctor: Client
    laboratory: Client
    head: Client
    cashier: Client
    accountant: Client

    def close(self) -> None:
        for name in self.__struct_fields__:
            getattr(self, name).close()


class Evidence(Struct):
    """What the walk leaves: files by name, and the figures of the summary."""

    files: dict[str, bytes] = {}
    reference: str = ""
    amount: int = 0
    patients: list[str] = []


def sign_everybody_in(base_url: str) -> Team:
    names = {
        "reception": "tiepdon",
        "doctor": "bacsi",
        "remote_doctor": "bacsi2",
        "laboratory": "xetnghiem",
        "head": "truongkhoa",
        "cashier": "thungan",
        "accountant": "ketoan",
    }
    return Team(**{role: staff(base_url, name, DEMO_PASSWORD) for role, name in names.items()})


def walk(hospital: Hospital, steps: Steps, evidence: Evidence) -> None:
    """Walk all three, keeping evidence on the way. Raises Broken at the first step that does not hold."""
    with steps.step("nhân viên đăng nhập"):
        team = sign_everybody_in(hospital.base_url)
    try:
        insured_without_share(team, steps, evidence)
        insured_with_share(hospital, team, steps, evidence)
        self_pay(hospital, team, steps, evidence)
        approved_on_a_phone(hospital, team, steps, evidence)
    finally:
        team.close()


def arrive(team: Team, steps: Steps, evidence: Evidence, person: Person) -> tuple[str, dict[str, Any]]:
    """Scan, chart, visit, ticket."""
    with steps.step(f"{person.name}: quét thẻ, lập hồ sơ"):
        patient = clinic.register(team.reception, person)
        evidence.patients.append(patient["id"])
    with steps.step(f"{person.name}: mở lượt khám, lấy số"):
        visit = clinic.open_visit(team.reception, person, patient["id"], room="PK1", service="KB01")
    return patient["id"], visit


def examine(team: Team, steps: Steps, visit: dict[str, Any], services: list[str]) -> None:
    """Begin the exam and order."""
    with steps.step("bác sĩ bắt đầu khám, chỉ định"):
        team.doctor.post(f"/api/visits/{visit['id']}/start")
        clinic.order(team.doctor, visit["id"], services)


def insured_without_share(team: Team, steps: Steps, evidence: Evidence) -> None:
    """BHYT, below 15 % of the base salary: the fund pays all, the bill is 0 đồng and settles by itself."""
    _, visit = arrive(team, steps, evidence, NOTHING_TO_PAY)
    examine(team, steps, visit, ["XN01", "XN12"])
    with steps.step("BHYT: làm xét nghiệm ngay, duyệt kết quả"):
        orders = clinic.wait_until_released(team.doctor, visit["id"])
        clinic.carry_out(team.laboratory, orders, approver=team.head)
    with steps.step("bác sĩ viết phiếu khám, ký số, kết thúc"):
        sheet = clinic.write_sheet(team.doctor, visit["id"], "PKB", clinic.NOTE)
        clinic.sign(team.doctor, [sheet["document_id"]])
        team.doctor.post(f"/api/visits/{visit['id']}/end", {"outcome": "HOME"})
    with steps.step("bảng kê 0 đồng tự quyết toán, không phiếu thu"):
        bill = money.wait_until_settled(team.cashier, visit["episode_id"])
        assert (bill["payable"], len(bill["lines"])) == (0, 3), bill
        assert team.cashier.get(f"/api/billing/episodes/{visit['episode_id']}/receipts") == []


def insured_with_share(hospital: Hospital, team: Team, steps: Steps, evidence: Evidence) -> None:
    """BHYT 80 %, admitted for a day: co-payment by QR at discharge, giấy ra viện signed by doctor and facility."""
    _, visit = arrive(team, steps, evidence, CO_PAY)
    examine(team, steps, visit, ["CD04", "XN08"])
    with steps.step("BHYT: làm cận lâm sàng, ký phiếu, nhập viện"):
        orders = clinic.wait_until_released(team.doctor, visit["id"])
        clinic.carry_out(team.laboratory, orders, approver=team.head)
        sheet = clinic.write_sheet(team.doctor, visit["id"], "PKB", clinic.NOTE | {"huong_giai_quyet": "4"})
        clinic.sign(team.doctor, [sheet["document_id"]])
        stay = clinic.admit(team.doctor, visit["id"])
    consent(hospital, team, steps, evidence, visit["id"])
    with steps.step("ra viện, giấy ra viện hai chữ ký"):
        clinic.discharge(team.head, stay["id"])
        paper = clinic.write_sheet(team.head, visit["id"], "GRV", clinic.DISCHARGE)
        clinic.sign(team.head, [paper["document_id"]])
        clinic.wait_until_complete(team.head, paper["document_id"])
        evidence.files["discharge.pdf"] = clinic.signed_file(team.head, paper["document_id"])
    with steps.step("cùng chi trả: QR, chuyển khoản, quyết toán"):
        money.wait_for_charges(team.cashier, visit["episode_id"], lines=3)
        bill = money.bill(team.cashier, visit["episode_id"])
        assert 0 < bill["remaining"] < bill["total"], bill
        request = money.ask(team.cashier, visit["episode_id"], counter="Q2")
        money.transfer(hospital.outside_url, request["payload"])
        money.wait_until_paid(team.cashier, request["id"])
        settled = money.wait_until_settled(team.cashier, visit["episode_id"])
        assert settled["paid"] == settled["payable"] == request["amount"], settled


def consent(hospital: Hospital, team: Team, steps: Steps, evidence: Evidence, visit_id: str) -> None:
    """His wife signs the admission consent for him on a tablet; the hospital seals it, the doctor signs after her."""
    with steps.step("cam kết nhập viện: vợ người bệnh đọc và ký trên máy tính bảng"):
        paper = clinic.write_sheet(team.doctor, visit_id, "40-BV2", {"giu_tai_san": True})
        sitting, code = bedside.open_sitting(team.doctor, [paper["document_id"]], WIFE)
        tablet = bedside.Tablet(hospital.base_url, code)
        try:
            tablet.read()
            tablet.draw()
        finally:
            tablet.close()
        bedside.wait_until_sealed(team.doctor, sitting)
    with steps.step("bác sĩ ký cam kết sau người đại diện"):
        clinic.sign(team.doctor, [paper["document_id"]])
        clinic.wait_until_complete(team.doctor, paper["document_id"])
        evidence.files["consent.pdf"] = clinic.signed_file(team.doctor, paper["document_id"])


def approved_on_a_phone(hospital: Hospital, team: Team, steps: Steps, evidence: Evidence) -> None:
    """A doctor whose key is at a remote service asks; the phone answers later, and the service calls back."""
    with steps.step("bác sĩ gửi yêu cầu ký từ xa"):
        documents = [document["id"] for document in remote.waiting(team.remote_doctor)]
        sitting = remote.ask(team.remote_doctor, documents)
    with steps.step("phê duyệt trên điện thoại, dịch vụ báo lại, văn bản được ký"):
        request = remote.on_the_phone(hospital.outside_url)
        assert len(request["documents"]) == len(documents), request
        remote.press(hospital.outside_url, request["handle"])
        remote.wait_until_signed(team.remote_doctor, sitting["id"])
        evidence.files["remote.pdf"] = clinic.signed_file(team.remote_doctor, documents[0])


def self_pay(hospital: Hospital, team: Team, steps: Steps, evidence: Evidence) -> None:
    """Self-pay: the exam fee first, then the tests, each by QR; invoice; the record at home."""
    _, visit = arrive(team, steps, evidence, SELF_PAY)
    episode = visit["episode_id"]
    with steps.step("tiền khám: QR ở quầy, ngân hàng báo, được gọi khám"):
        money.wait_for_charges(team.cashier, episode, lines=1)
        pay_and_keep(hospital, team, episode, evidence)
        clinic.wait_until_released(team.doctor, visit["id"])
    examine(team, steps, visit, ["XN01", "TD01"])
    with steps.step("viện phí cận lâm sàng: QR lần hai"):
        money.wait_for_charges(team.cashier, episode, lines=3)
        request = money.ask(team.cashier, episode, counter="Q1")
        money.transfer(hospital.outside_url, request["payload"])
        money.wait_until_paid(team.cashier, request["id"])
    with steps.step("làm cận lâm sàng, duyệt kết quả"):
        orders = clinic.wait_until_released(team.doctor, visit["id"])
        clinic.carry_out(team.laboratory, orders, approver=team.head)
    with steps.step("phiếu khám và đơn thuốc, ký hai văn bản một lần"):
        sheet = clinic.write_sheet(team.doctor, visit["id"], "PKB", clinic.NOTE)
        prescription = clinic.prescribe(team.doctor, visit["id"])
        clinic.sign(team.doctor, [sheet["document_id"], prescription["document_id"]])
        evidence.files["record.pdf"] = clinic.signed_file(team.doctor, sheet["document_id"])
        evidence.files["prescription.pdf"] = clinic.signed_file(team.doctor, prescription["document_id"])
    with steps.step("kết thúc khám, quyết toán, hoá đơn có mã"):
        buyer = {"kind": "person", "name": SELF_PAY.name}
        team.accountant.post("/api/invoices", {"episode_id": episode, "buyer": buyer})
        team.doctor.post(f"/api/visits/{visit['id']}/end", {"outcome": "HOME"})
        money.wait_until_settled(team.cashier, episode)
        invoice = money.wait_for_invoice(team.accountant, episode)
        evidence.files["invoice.xml"] = team.accountant.bytes(f"/invoices/{invoice['id']}.xml")
        evidence.files["invoice.pdf"] = team.accountant.bytes(f"/invoices/{invoice['id']}.pdf")
    with steps.step("phiếu thu và bảng kê 01/KBCB"):
        receipts = team.cashier.get(f"/api/billing/episodes/{episode}/receipts")
        assert len(receipts) == 2, receipts
        evidence.files["receipt.pdf"] = team.cashier.bytes(f"/receipts/{receipts[0]['id']}.pdf")
        evidence.files["bill.pdf"] = team.cashier.bytes(f"/episodes/{episode}/bill.pdf")
    at_home(hospital, steps, evidence)


def pay_and_keep(hospital: Hospital, team: Team, episode: str, evidence: Evidence) -> None:
    """Pay the first request and keep the QR and the notice as evidence."""
    request = money.ask(team.cashier, episode, counter="Q1")
    evidence.reference, evidence.amount = request["reference"], request["amount"]
    evidence.files["qr.txt"] = request["payload"].encode()
    evidence.files["qr.png"] = team.cashier.bytes(f"/api/billing/requests/{request['id']}/qr.png")
    paid = money.transfer(hospital.outside_url, request["payload"])
    evidence.files["notice.json"] = paid["sent"][0]["body"].encode()
    evidence.files["notice.headers.json"] = clinic.as_json(paid["sent"][0]["headers"])
    money.wait_until_paid(team.cashier, request["id"])


def at_home(hospital: Hospital, steps: Steps, evidence: Evidence) -> None:
    """Sign in by phone, read the record, book the next visit."""
    with steps.step("người bệnh đăng nhập cổng bằng mã và ngày sinh"):
        patient = home.sign_in(hospital.base_url, hospital.outside_url, SELF_PAY)
    try:
        with steps.step("người bệnh đặt lịch, xem hồ sơ, tải bản đã ký"):
            home.book(patient)
            seen = home.everything(patient)
            assert len(seen["receipts"]) == 2, seen["receipts"]
            assert {"PKB", "DT-C"} <= {paper["kind"] for paper in seen["documents"]}, seen["documents"]
            downloaded = [home.download(patient, paper) for paper in seen["documents"]]
            for name in ("record.pdf", "prescription.pdf"):
                kept = evidence.files[name]  # What was stamped for its retention term since comes after it.
                assert any(file.startswith(kept) for file in downloaded), f"bản tải về khác bản đã ký: {name}"
            evidence.files["portal.json"] = clinic.as_json(seen)
    finally:
        patient.close()


def write(evidence: Evidence, folder: Path) -> None:
    """Put the files into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in evidence.files.items():
        (folder / name).write_bytes(data)
