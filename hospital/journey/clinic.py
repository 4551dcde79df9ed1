"""Reception, doctor, laboratory: from the scan to signed papers."""

from typing import Any
from uuid import UUID

import msgspec

from hospital.demo.known import DEMO_PIN
from hospital.journey.clients import Client
from hospital.journey.people import Person
from hospital.journey.steps import wait_for
from kernel.clock import local_day, utc_now
from kernel.ids import new_id


def register(reception: Client, person: Person) -> dict[str, Any]:
    """Scan the card; open a chart from what it says."""
    scan = reception.post("/api/patients/scan", {"text": person.scan})
    card = scan["citizen_card"]
    assert card["name"] == person.name, card
    assert not scan["patients"], "đã có hồ sơ"
    patient: dict[str, Any] = reception.post(
        "/api/patients",
        {
            "id": str(new_id()),
            "name": card["name"],
            "birth_date": card["birth_date"],
            "sex": card["sex"],
            "citizen_id": card["citizen_id"],
            "address": card["address"],
            "phone": person.phone,
            "insurance_no": person.card or None,
        },
    )
    again = reception.post("/api/patients/scan", {"text": person.scan})
    assert [hit["id"] for hit in again["patients"]] == [patient["id"]], "quét lại không thấy hồ sơ"
    return patient


def open_visit(
    reception: Client, person: Person, patient_id: str, *, room: str, service: str
) -> dict[str, Any]:
    """Open a visit with the payer and, for an insured person, what the card check said."""
    day = local_day(utc_now())
    insurance = {
        "card_number": person.card,
        "facility_code": "99999",
        "valid_from": f"{day.year}-01-01",
        "valid_to": f"{day.year}-12-31",
        "benefit_level": person.card[2:3],
        "route": "1.1",
        "reply_code": "000",
    }
    visit: dict[str, Any] = reception.post(
        "/api/visits",
        {
            "id": str(new_id()),
            "patient_id": patient_id,
            "payer": person.payer,
            "room": room,
            "service_code": service,
            "reason": "Mất ngủ, hồi hộp ba tuần nay",
            "insurance": insurance if person.card else None,
            "identified_by": "QR_CCCD",
        },
    )
    assert visit["ticket"]["number"] > 0
    return visit


def order(doctor: Client, visit_id: str, services: list[str]) -> list[dict[str, Any]]:
    """Order services; answers the orders with their states."""
    lines = [{"id": str(new_id()), "service_code": code} for code in services]
    placed: list[dict[str, Any]] = doctor.post("/api/orders", {"visit_id": visit_id, "lines": lines})
    return placed


def orders_of(client: Client, visit_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/api/visits/{visit_id}/orders")
    return found


def wait_until_released(client: Client, visit_id: str) -> list[dict[str, Any]]:
    """Wait until no order of the visit waits for money."""

    def look() -> list[dict[str, Any]] | None:
        orders = orders_of(client, visit_id)
        return orders if all(line["state"] != "HELD" for line in orders) else None

    return wait_for(look, what="chỉ định được thực hiện")


def carry_out(laboratory: Client, orders: list[dict[str, Any]], *, approver: Client) -> None:
    """Do each released test, report a result, approve it."""
    for line in orders:
        if line["state"] != "RELEASED" or line["service_code"].startswith("KB"):
            continue
        laboratory.post(f"/api/orders/{line['id']}/begin")
        laboratory.post(
            f"/api/orders/{line['id']}/result", {"id": str(new_id()), "text": "Trong giới hạn bình thường"}
        )
        approver.post(f"/api/orders/{line['id']}/approval")


NOTE = {
    "qua_trinh_benh_ly": "Ba tuần nay khó vào giấc, ngủ 3–4 giờ mỗi đêm, lo lắng vô cớ. Không ý tưởng tự sát.",
    "tien_su_ban_than": "Khoẻ mạnh, không dị ứng thuốc.",
    "toan_than": "Tỉnh, tiếp xúc tốt, da niêm mạc hồng.",
    "mach": 82,
    "nhiet_do": "36.8",
    "huyet_ap_tam_thu": 118,
    "huyet_ap_tam_truong": 76,
    "nhip_tho": 18,
    "can_nang": "54",
    "cac_bo_phan": "Tim đều, phổi trong. Thần kinh không dấu khu trú. Khí sắc lo âu, tư duy mạch lạc.",
    "chan_doan_chinh": {"code": "F41.1", "name": "Rối loạn lo âu lan tỏa"},
    "huong_giai_quyet": "2",
    "loi_dan": "Tránh cà phê sau 14 giờ, ngủ đúng giờ.",
}


def write_sheet(doctor: Client, visit_id: str, form: str, data: dict[str, Any]) -> dict[str, Any]:
    """Open a form, save it as autosave does, complete it."""
    sheet = doctor.post("/api/sheets", {"id": str(new_id()), "visit_id": visit_id, "form_code": form})
    saved = doctor.put(
        f"/api/sheets/{sheet['id']}/draft", {"revision": sheet["revision"], "data": sheet["data"] | data}
    )
    return complete(doctor, saved)


def complete(doctor: Client, sheet: dict[str, Any]) -> dict[str, Any]:
    done: dict[str, Any] = doctor.post(
        f"/api/sheets/{sheet['id']}/completion", {"revision": sheet["revision"]}
    )
    assert done["document_id"], done
    return done


def prescribe(doctor: Client, visit_id: str) -> dict[str, Any]:
    """Two drugs for fourteen days, completed and waiting for the signature."""
    line = {"times_per_day": 1, "moment": "sáng, sau ăn", "days": 14, "dose": "1 viên"}
    found = [doctor.get("/api/catalogs/drugs", q=name)[0]["code"] for name in ("sertralin", "diazepam")[:1]]
    sheet = doctor.post(
        "/api/prescriptions",
        {
            "id": str(new_id()),
            "visit_id": visit_id,
            "lines": [line | {"drug_code": code, "quantity": "14"} for code in found],
            "advice": "Uống đều, tái khám sau 14 ngày.",
        },
    )
    return complete(doctor, sheet)


def sign(signer: Client, document_ids: list[str]) -> None:
    """Sign with one confirmation; every document must come out signed."""
    results = signer.post("/api/signing/signatures", {"documents": document_ids, "pin": DEMO_PIN})
    assert [result["state"] for result in results] == ["signed"] * len(document_ids), results


def wait_until_complete(client: Client, document_id: str) -> dict[str, Any]:
    """Wait for the last slot; the facility's seal is set by a job."""

    def look() -> dict[str, Any] | None:
        document: dict[str, Any] = client.get(f"/api/signing/documents/{document_id}")
        return document if document["completed_at"] else None

    return wait_for(look, what="đủ chữ ký")


def signed_file(client: Client, document_id: str) -> bytes:
    return client.bytes(f"/api/signing/documents/{UUID(document_id)}/file")


DISCHARGE = {
    "chan_doan": {"code": "F41.1", "name": "Rối loạn lo âu lan tỏa"},
    "phuong_phap_dieu_tri": "Thuốc giải lo âu, liệu pháp tâm lý nâng đỡ.",
    "loi_dan": "Uống thuốc đều, tái khám sau 14 ngày.",
}


def admit(doctor: Client, visit_id: str) -> dict[str, Any]:
    """Nhập viện from the exam."""
    stay: dict[str, Any] = doctor.post(
        "/api/stays",
        {
            "id": str(new_id()),
            "visit_id": visit_id,
            "department": "K02",
            "reason": "Theo dõi rối loạn lo âu",
            "diagnosis_code": "F41.1",
        },
    )
    return stay


def discharge(doctor: Client, stay_id: str) -> None:
    doctor.post(f"/api/stays/{stay_id}/discharge", {"outcome": "HOME"})


def as_json(value: Any) -> bytes:
    """Readable JSON for the evidence folder."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2)
