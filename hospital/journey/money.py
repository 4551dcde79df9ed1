"""Counter and bank: from what is owed to what was paid."""

from typing import Any

import httpx

from hospital.journey.clients import Client
from hospital.journey.steps import wait_for
from kernel.ids import new_id


def bill(cashier: Client, episode_id: str) -> dict[str, Any]:
    found: dict[str, Any] = cashier.get(f"/api/billing/episodes/{episode_id}/bill")
    return found


def wait_for_charges(cashier: Client, episode_id: str, *, lines: int) -> dict[str, Any]:
    """Wait until that many charges stand on the bill; they follow the orders as events."""

    def look() -> dict[str, Any] | None:
        answer = cashier.raw("GET", f"/api/billing/episodes/{episode_id}/bill")
        found: dict[str, Any] = answer.json() if answer.is_success else {}
        return found if len(found.get("lines", [])) >= lines else None

    return wait_for(look, what=f"{lines} khoản chi phí")


def ask(cashier: Client, episode_id: str, *, counter: str) -> dict[str, Any]:
    """Ask for all that is left; the QR stands on the second screen now."""
    request: dict[str, Any] = cashier.post(
        "/api/billing/requests", {"id": str(new_id()), "episode_id": episode_id, "counter": counter}
    )
    return request


def transfer(outside_url: str, payload: str) -> dict[str, Any]:
    """Pay as a bank app does: decode the QR, move the money, tell the hospital."""
    answer = httpx.post(f"{outside_url}/outside/bank/transfers", json={"payload": payload}, timeout=30)
    assert answer.status_code == 201, answer.text
    paid: dict[str, Any] = answer.json()
    assert [sent["status"] for sent in paid["sent"]] == [200], paid
    return paid


def wait_until_paid(cashier: Client, request_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        request: dict[str, Any] = cashier.get(f"/api/billing/requests/{request_id}")
        return request if request["state"] == "PAID" else None

    return wait_for(look, what="khoản thu thành «Đã thu»")


def wait_until_settled(cashier: Client, episode_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found = bill(cashier, episode_id)
        return found if found["state"] == "SETTLED" else None

    return wait_for(look, what="quyết toán")


def wait_for_invoice(accountant: Client, episode_id: str) -> dict[str, Any]:
    """Wait until the invoice has the tax authority's code, is archived, and its view is drawn: all of it delivered."""

    def look() -> dict[str, Any] | None:
        found = accountant.get(f"/api/invoices/of-episode/{episode_id}")
        good = [invoice for invoice in found if invoice["state"].lower() == "delivered"]
        return good[0] if good else None

    return wait_for(look, what="hoá đơn có mã", seconds=40)
