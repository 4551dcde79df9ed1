"""Money given back: asked, approved by another, paid out, confirmed or put back. No refusal loses a đồng."""

import re
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.service import account_of
from billing.bills.service import bill
from billing.ledger.rules import Book, EntryKind, sides
from billing.ledger.service import NewEntry, balances, drawer, post
from billing.payments.service import pay_in_cash
from billing.prints.receipt import receipt_a5
from billing.receipts.service import get_receipt, receipts_of_episode
from billing.receipts.views import Method, ReceiptKind
from billing.refunds.rules import NEXT, RefundState, may_move, same_holder
from billing.refunds.service import (
    AskRefund,
    CloseRefund,
    DecideRefund,
    NoCashBack,
    NoSuchRefund,
    NoteMissing,
    NotThatMuch,
    NotTheHolder,
    PayOut,
    RefundIdReused,
    RefundMoved,
    RefundView,
    SecondPersonNeeded,
    WhereMissing,
    WrongReceipt,
    ask_refund,
    close_refund,
    decide_refund,
    pay_out,
    refunds_of_episode,
)
from billing.requests.views import CreateRequest
from billing.shifts.service import NoOpenShift, OpenShift, add_counter, open_shift
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.staff.api import Role
from tests.billing.builders import ACCOUNTANT, CASHIER, FACILITY, SETTINGS, a_request, an_episode
from tests.billing.test_prints import a_receipt, text_of
from tests.billing.transfers import NOW, pay, pay_by_casso
from tests.conftest import SignedIn

HOLDER = "NGUYEN THI THU HA"


async def a_till(session: AsyncSession) -> None:
    await add_counter(session, "Q1", "Quầy 1")
    await open_shift(session, OpenShift(new_id(), "Q1"), actor=CASHIER, now=NOW)


async def an_overpaid_account(session: AsyncSession, *, cash: bool = False) -> UUID:
    """An exam of 150 000 đồng and a tạm ứng of 400 000: 250 000 is left."""
    await a_till(session)
    episode = await an_episode(session)
    if cash:
        command = CreateRequest(id=new_id(), episode_id=episode, counter="Q1", deposit=400_000)
        await pay_in_cash(
            session, command, actor=CASHIER, facility=FACILITY, settings=SETTINGS, now=utc_now()
        )
    else:
        request = await a_request(session, episode, deposit=400_000)
        await pay(session, 400_000, request.reference)
    return episode


async def asking(session: AsyncSession, episode: UUID, **more: Any) -> AskRefund:
    receipts = await receipts_of_episode(session, episode)
    given: dict[str, Any] = {
        "id": new_id(),
        "episode_id": episode,
        "receipt_id": receipts[0].id,
        "source": "DEPOSIT",
        "method": Method.TRANSFER,
        "amount": 250_000,
        "reason": "Ra viện còn tạm ứng",
        "to_bank": "Vietcombank",
        "to_account": "0011 2233",
        "to_holder": HOLDER,
    }
    return AskRefund(**(given | more))


async def ask(session: AsyncSession, command: AskRefund) -> RefundView:
    return await ask_refund(session, command, actor=CASHIER, now=NOW, settings=SETTINGS)


async def approved(session: AsyncSession, episode: UUID, **more: Any) -> RefundView:
    view = await ask(session, await asking(session, episode, **more))
    return await decide_refund(session, view.id, DecideRefund(approve=True), actor=ACCOUNTANT, now=NOW)


async def test_a_transfer_back_is_asked_approved_sent_and_confirmed(session: AsyncSession) -> None:
    episode = await an_overpaid_account(session)
    view = await approved(session, episode)
    assert (view.state, view.to_account) == (RefundState.APPROVED, "00112233")
    account = await account_of(session, episode)
    assert (await balances(session, account.id)).deposits == 400_000
    sent = await pay_out(session, view.id, PayOut(bank_reference="FT1"), actor=CASHIER, now=NOW)
    assert (sent.state, sent.paid_receipt) == (RefundState.SENT, None)
    assert (await balances(session, account.id)).deposits == 150_000
    done = await close_refund(session, view.id, CloseRefund(confirmed=True), actor=CASHIER, now=NOW)
    assert done.state is RefundState.CONFIRMED
    assert done.paid_receipt is not None
    receipt = await get_receipt(session, done.paid_receipt)
    assert (receipt.kind, receipt.number[:2], receipt.amount) == (ReceiptKind.REFUND, "HU", 250_000)
    assert (await bill(session, episode, now=NOW, settings=SETTINGS)).to_refund == 0


async def test_a_transfer_that_failed_puts_the_money_back(session: AsyncSession) -> None:
    episode = await an_overpaid_account(session)
    view = await approved(session, episode)
    await pay_out(session, view.id, PayOut(bank_reference="FT1"), actor=CASHIER, now=NOW)
    failed = await close_refund(
        session, view.id, CloseRefund(confirmed=False, failure="Sai số tài khoản"), actor=CASHIER, now=NOW
    )
    assert (failed.state, failed.paid_receipt) == (RefundState.FAILED, None)
    account = await account_of(session, episode)
    assert (await balances(session, account.id)).deposits == 400_000
    assert (await approved(session, episode)).state is RefundState.APPROVED


async def test_cash_goes_back_as_cash_from_the_drawer(session: AsyncSession) -> None:
    episode = await an_overpaid_account(session, cash=True)
    view = await approved(session, episode, method=Method.CASH, to_account="", to_holder="")
    done = await pay_out(session, view.id, PayOut(counter="Q1"), actor=CASHIER, now=NOW)
    assert done.state is RefundState.CONFIRMED
    shift = await session.scalar(text("SELECT id FROM billing_shift WHERE closed_at IS NULL"))
    assert await drawer(session, shift) == 150_000
    (given,) = [r for r in await receipts_of_episode(session, episode) if r.kind is ReceiptKind.REFUND]
    assert given.number.startswith("HUQ1-")


async def test_money_paid_too_much_goes_back_too(session: AsyncSession) -> None:
    episode = await an_episode(session)
    request = await a_request(session, episode)
    await pay(session, 200_000, request.reference)
    view = await approved(session, episode, source="EXCESS", amount=50_000)
    await pay_out(session, view.id, PayOut(bank_reference="FT2"), actor=CASHIER, now=NOW)
    assert (await bill(session, episode, now=NOW, settings=SETTINGS)).excess == 0


async def test_asking_twice_asks_once(session: AsyncSession) -> None:
    episode = await an_overpaid_account(session)
    command = await asking(session, episode)
    assert await ask(session, command) == await ask(session, command)
    assert len(await refunds_of_episode(session, episode)) == 1
    with pytest.raises(RefundIdReused):
        await ask(session, await asking(session, episode, id=command.id, amount=1_000))


async def test_money_that_others_asked_for_is_reserved(session: AsyncSession) -> None:
    episode = await an_overpaid_account(session)
    await ask(session, await asking(session, episode, amount=200_000))
    with pytest.raises(NotThatMuch, match=r"50\.000"):
        await ask(session, await asking(session, episode, amount=60_000))


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"amount": 250_001}, NotThatMuch),
        ({"source": "EXCESS", "amount": 1}, NotThatMuch),
        ({"method": Method.CASH}, NoCashBack),
        ({"to_account": " "}, WhereMissing),
        ({"to_holder": ""}, WhereMissing),
        ({"to_holder": "TRAN VAN KHAC"}, NotTheHolder),
        ({"receipt_id": new_id()}, WrongReceipt),
    ],
)
async def test_what_is_not_given_back(
    session: AsyncSession, more: dict[str, Any], refusal: type[Exception]
) -> None:
    episode = await an_overpaid_account(session)
    with pytest.raises(refusal):
        await ask(session, await asking(session, episode, **more))


async def test_a_receipt_of_somebody_else_opens_no_refund(session: AsyncSession) -> None:
    episode = await an_overpaid_account(session)
    other = await an_episode(session)
    theirs = await receipts_of_episode(session, episode)
    with pytest.raises(WrongReceipt):
        await ask(session, await asking(session, episode, episode_id=other, receipt_id=theirs[0].id))


async def test_who_asked_does_not_approve(session: AsyncSession) -> None:
    view = await ask(session, await asking(session, await an_overpaid_account(session)))
    with pytest.raises(SecondPersonNeeded):
        await decide_refund(session, view.id, DecideRefund(approve=True), actor=CASHIER, now=NOW)
    self_approved = text("UPDATE billing_refund SET state = 'APPROVED', decided_by = requested_by")
    with pytest.raises(IntegrityError):
        async with session.begin_nested():
            await session.execute(self_approved)


async def test_a_refusal_says_why_and_frees_the_money(session: AsyncSession) -> None:
    episode = await an_overpaid_account(session)
    view = await ask(session, await asking(session, episode))
    with pytest.raises(NoteMissing):
        await decide_refund(session, view.id, DecideRefund(approve=False), actor=ACCOUNTANT, now=NOW)
    no = DecideRefund(approve=False, note="Còn xét nghiệm chưa tính")
    assert (await decide_refund(session, view.id, no, actor=ACCOUNTANT, now=NOW)).state == "REJECTED"
    assert (await approved(session, episode)).state == "APPROVED"


async def test_what_leaves_the_house_needs_a_shift_or_a_reference(session: AsyncSession) -> None:
    view = await approved(session, await an_overpaid_account(session))
    with pytest.raises(NoteMissing):
        await pay_out(session, view.id, PayOut(), actor=CASHIER, now=NOW)


async def test_cash_without_an_open_shift_stays(session: AsyncSession) -> None:
    episode = await an_overpaid_account(session, cash=True)
    view = await approved(session, episode, method=Method.CASH)
    with pytest.raises(NoOpenShift):
        await pay_out(session, view.id, PayOut(counter="Q1"), actor=ACCOUNTANT, now=NOW)


async def test_an_unknown_refund_is_none(session: AsyncSession) -> None:
    with pytest.raises(NoSuchRefund):
        await pay_out(session, new_id(), PayOut(), actor=CASHIER, now=NOW)


@pytest.mark.parametrize("old", list(RefundState))
@pytest.mark.parametrize("new", list(RefundState))
def test_a_refund_moves_only_forward(old: RefundState, new: RefundState) -> None:
    assert may_move(old, new) is (new in NEXT[old])
    assert not (may_move(old, new) and may_move(new, old))


async def test_each_step_is_taken_once(session: AsyncSession) -> None:
    view = await approved(session, await an_overpaid_account(session))
    with pytest.raises(RefundMoved):
        await decide_refund(session, view.id, DecideRefund(approve=True), actor=ACCOUNTANT, now=NOW)
    with pytest.raises(RefundMoved):
        await close_refund(session, view.id, CloseRefund(confirmed=True), actor=CASHIER, now=NOW)
    await pay_out(session, view.id, PayOut(bank_reference="FT1"), actor=CASHIER, now=NOW)
    with pytest.raises(RefundMoved):
        await pay_out(session, view.id, PayOut(bank_reference="FT1"), actor=CASHIER, now=NOW)
    with pytest.raises(NoteMissing):
        await close_refund(session, view.id, CloseRefund(confirmed=False), actor=CASHIER, now=NOW)


async def test_the_database_gives_back_no_more_than_it_holds(session: AsyncSession) -> None:
    episode = await an_overpaid_account(session)
    account = await account_of(session, episode)
    entry = NewEntry(
        kind=EntryKind.REFUND,
        sides=sides((Book.DEPOSIT, 400_001), (Book.BANK, -400_001)),
        actor_id=CASHIER.id,
        at=NOW,
        account_id=account.id,
    )
    async with session.begin_nested() as savepoint:
        await post(session, entry)
        with pytest.raises(IntegrityError):
            await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        await savepoint.rollback()


@pytest.mark.parametrize(
    ("holder", "same"),
    [("NGUYEN THI THU HA", True), ("Nguyễn Thị Thu Hà", True), ("NGUYEN THU HA", False), ("", False)],
)
def test_a_bank_writes_names_without_marks(holder: str, same: bool) -> None:
    assert same_holder(holder, "Nguyễn Thị Thu Hà") is same


def test_the_paper_says_that_money_went_out(tmp_path: Any) -> None:
    paper = a_receipt(kind=ReceiptKind.REFUND, title="Hoàn tạm ứng còn lại: ra viện", number="HU-26-000001")
    shown = text_of(receipt_a5(paper), tmp_path)
    for words in ("PHIẾU CHI HOÀN TIỀN", "Nội dung chi:", "Người nhận tiền", "Người chi tiền"):
        assert words in shown


async def test_the_pages_lead_from_the_bill_to_the_paper(
    client: httpx.AsyncClient, signed_in: SignedIn, session: AsyncSession
) -> None:
    episode = await an_overpaid_account(session)
    await signed_in(Role.CASHIER, name="Lê Thu Ngân")
    assert f"/till/{episode}/refund" in (await client.get(f"/till/{episode}")).text
    form = await client.get(f"/till/{episode}/refund")
    assert "250.000 ₫" in form.text
    (receipt,) = await receipts_of_episode(session, episode)
    typed = {
        "id": str(new_id()),
        "source": "DEPOSIT",
        "amount": "250.000",
        "receipt_id": str(receipt.id),
        "method": "TRANSFER",
        "to_bank": "VCB",
        "to_account": "00112233",
        "to_holder": HOLDER,
        "reason": "Ra viện còn tạm ứng",
    }
    address = f"/till/{episode}/refund"
    for wrong, words in [
        ({"amount": "250,5"}, "số đồng nguyên"),
        ({"amount": "0"}, "lớn hơn 0"),
        ({"reason": ""}, "Ghi lý do hoàn"),
        ({"receipt_id": ""}, "Chọn phiếu thu"),
        ({"to_holder": "AI KHAC"}, "khác tên người bệnh"),
    ]:
        refused = await client.post(address, data=typed | wrong)
        assert (refused.status_code, words in refused.text) == (422, True), wrong
    assert (await client.post(address, data=typed)).status_code == 303
    listed = await client.get("/till/refunds")
    assert "Chờ người thứ hai duyệt" in listed.text
    step = f"/till/refunds/{typed['id']}"
    assert (await client.post(f"{step}/decision", data={"approve": "yes"})).status_code == 403
    await signed_in(Role.ACCOUNTANT, name="Trần Kế Toán")
    assert (await client.post(f"{step}/decision", data={"approve": "yes"})).status_code == 303
    assert (await client.post(f"{step}/payment", data={})).status_code == 422
    assert (await client.post(f"{step}/payment", data={"bank_reference": "FT9"})).status_code == 303
    assert (await client.post(f"{step}/closing", data={"confirmed": "yes"})).status_code == 303
    assert "Phiếu chi" in (await client.get("/till/refunds")).text
    (row,) = (await client.get("/api/billing/refunds")).json()
    paper = await client.get(f"/receipts/{row['paid_receipt']}")
    assert paper.content.startswith(b"%PDF")


VALUE = re.compile(r'id="(to_bank|to_account|to_holder)"[^>]*? value="([^"]*)"')


@pytest.mark.parametrize(
    ("payer", "proposed", "said"),
    [
        ({"counterAccountName": HOLDER}, ("VietinBank", "8888888888"), "theo báo có của ngân hàng"),
        ({"counterAccountName": ""}, ("VietinBank", "8888888888"), "không báo tên chủ tài khoản"),
        ({"counterAccountName": "TRAN VAN B"}, ("", ""), "TRAN V** B*"),
        ({"counterAccountNumber": "", "counterAccountBankId": ""}, ("", ""), "Ngân hàng nhận"),
    ],
)
async def test_the_account_the_money_came_from_is_proposed(
    client: httpx.AsyncClient,
    signed_in: SignedIn,
    session: AsyncSession,
    payer: dict[str, str],
    proposed: tuple[str, str],
    said: str,
) -> None:
    episode = await an_episode(session)
    request = await a_request(session, episode, deposit=400_000)
    told = {"counterAccountNumber": "8888888888", "counterAccountBankId": "970415"} | payer
    assert await pay_by_casso(session, 400_000, request.reference, **told) == "MATCHED"
    await signed_in(Role.CASHIER)
    form = (await client.get(f"/till/{episode}/refund")).text
    fields = dict(VALUE.findall(form))
    assert (fields["to_bank"], fields["to_account"]) == proposed
    assert fields["to_holder"].casefold() == "nguyễn thị thu hà"
    assert said in form


async def test_a_doctor_gives_no_money_back(client: httpx.AsyncClient, signed_in: SignedIn) -> None:
    await signed_in(Role.DOCTOR)
    assert (await client.get("/till/refunds")).status_code == 403
    assert (await client.get(f"/till/{new_id()}/refund")).status_code == 403
    assert (await client.post("/api/billing/refunds", json={})).status_code == 403
