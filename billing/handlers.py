"""Importing this registers the event and job handlers of billing."""

from datetime import timedelta

import billing.invoices.handlers
import billing.prices.on_orders
import billing.prints.handlers  # noqa: F401  (registers the jobs of papers)
from billing.absences.service import CLOSE_JOB, CloseNoShow, close_no_show, visits_to_close
from billing.accounts.service import lock_account, open_account
from billing.care.service import service_group
from billing.charges.service import ChargeOrder, charge_order, recharge, void_charge
from billing.matching.service import match_transaction
from billing.notices.service import MATCH_JOB, READ_JOB, MatchJob, NoticeJob, read_notice, stored_notice
from billing.requests.service import (
    EXPIRE_JOB,
    TILL_TOPIC,
    ExpireRequest,
    cancel_open_requests,
    expire_request,
)
from billing.settlements.service import end_episode, release_covered, settle_if_paid
from emr.events import CardChecked, OrderPlaced, OrderVoided, StayEnded, VisitEnded, VisitOpened
from kernel.clock import local_day
from kernel.live import touch
from kernel.outbox.api import Job, TryLater, enqueue, job, name_jobs, on, periodic


@on(VisitOpened, name="billing.open_account")
async def open_on_visit(job: Job, event: VisitOpened) -> None:
    await open_account(
        job.session, episode_id=event.episode_id, patient_id=event.patient_id, now=event.opened_at
    )


@on(OrderPlaced, name="billing.charge_order")
async def charge_on_order(job: Job, event: OrderPlaced) -> None:
    """Charge at the price of the day; orders that money on the account covers go at once."""
    order = ChargeOrder(
        order_id=event.order_id,
        episode_id=event.episode_id,
        patient_id=event.patient_id,
        service_code=event.service_code,
        service_name=event.service_name,
        group=await service_group(job.session, event.service_code, on=local_day(event.placed_at)),
        quantity=event.quantity,
        payer=event.payer,
        in_scope=event.in_scope,
        on_demand=event.on_demand,
        placed_at=event.placed_at,
    )
    if await charge_order(job.session, order, now=job.now):
        account = await lock_account(job.session, event.episode_id)
        await release_covered(job.session, account, now=job.now, settings=job.services.settings.billing)
        touch(job.session, TILL_TOPIC, {"episode_id": str(event.episode_id)})


@on(OrderVoided, name="billing.void_charge")
async def void_on_order(job: Job, event: OrderVoided) -> None:
    """Void the charge; a code that still asks for it would ask too much."""
    account = await lock_account(job.session, event.episode_id)
    charge_id = await void_charge(
        job.session, order_id=event.order_id, episode_id=event.episode_id, now=job.now
    )
    if charge_id is not None:
        await cancel_open_requests(
            job.session,
            account.id,
            reason="Một khoản chi phí đã huỷ, số tiền thay đổi.",
            now=job.now,
            charge_id=charge_id,
        )
        settings = job.services.settings.billing
        await release_covered(job.session, account, now=job.now, settings=settings)
        await settle_if_paid(job.session, account, now=job.now, settings=settings)
        touch(job.session, TILL_TOPIC, {"episode_id": str(event.episode_id)})


@on(CardChecked, name="billing.card_checked")
async def recharge_on_card(job: Job, event: CardChecked) -> None:
    """Compute the bill with the card as checked, or without one; a code that asks for the old sum is taken back."""
    account = await lock_account(job.session, event.episode_id)
    if account.state == "SETTLED":
        return
    await recharge(job.session, account.id, event.order_ids, payer=event.payer, now=job.now)
    reason = "Đã tra cứu thẻ BHYT, số tiền thay đổi."
    await cancel_open_requests(job.session, account.id, reason=reason, now=job.now)
    settings = job.services.settings.billing
    await release_covered(job.session, account, now=job.now, settings=settings)
    await settle_if_paid(job.session, account, now=job.now, settings=settings)
    touch(job.session, TILL_TOPIC, {"episode_id": str(event.episode_id)})


@on(VisitEnded, name="billing.end_visit")
async def end_on_visit(job: Job, event: VisitEnded) -> None:
    """Settle at 0 đồng by itself; otherwise the account waits for the till."""
    if event.episode_closed and not event.inpatient:
        await end_episode(
            job.session,
            event.episode_id,
            ended_at=event.ended_at,
            now=job.now,
            settings=job.services.settings.billing,
        )
        touch(job.session, TILL_TOPIC, {"episode_id": str(event.episode_id)})


@on(StayEnded, name="billing.end_stay")
async def end_on_stay(job: Job, event: StayEnded) -> None:
    if event.episode_closed:
        await end_episode(
            job.session,
            event.episode_id,
            ended_at=event.discharged_at,
            now=job.now,
            settings=job.services.settings.billing,
        )
        touch(job.session, TILL_TOPIC, {"episode_id": str(event.episode_id)})


@periodic("billing.sweep_no_shows", every=timedelta(hours=1))
async def sweep_no_shows(job: Job) -> None:
    """Take up the visits of earlier days nobody came to; from midnight on they stand in the till's way."""
    for payload in await visits_to_close(job.session, now=job.now):
        await enqueue(job.session, CLOSE_JOB, payload, key=f"{payload.visit_id}:{job.now:%Y-%m-%dT%H}")


@job(CLOSE_JOB)
async def close_visit_of_nobody(job: Job, payload: CloseNoShow) -> None:
    await close_no_show(job.session, payload, now=job.now)


@job(EXPIRE_JOB)
async def expire(job: Job, payload: ExpireRequest) -> None:
    if not await expire_request(job.session, payload.request_id, now=job.now):
        raise TryLater("Mã chưa hết hạn.", after=timedelta(seconds=1))


@job(READ_JOB)
async def read(job: Job, payload: NoticeJob) -> None:
    """The safety net behind the webhook."""
    notice = await stored_notice(job.session, payload.notice_id)
    await read_notice(job.session, notice, settings=job.services.settings.billing, now=job.now)


@job(MATCH_JOB)
async def match(job: Job, payload: MatchJob) -> None:
    """The safety net behind the match at once."""
    await match_transaction(
        job.session, payload.transaction_id, settings=job.services.settings.billing, now=job.now
    )


name_jobs(
    {
        "billing.open_account": "Mở hồ sơ viện phí cho lượt khám",
        "billing.charge_order": "Tính tiền chỉ định",
        "billing.void_charge": "Hủy khoản tiền của chỉ định đã hủy",
        "billing.card_checked": "Tính lại tiền theo thẻ BHYT đã tra cứu",
        "billing.end_visit": "Quyết toán sau lượt khám",
        "billing.end_stay": "Quyết toán sau đợt nội trú",
        EXPIRE_JOB: "Hết hạn mã thanh toán",
        "billing.sweep_no_shows": "Tìm lượt khám không có ai đến",
        CLOSE_JOB: "Đóng lượt khám không có ai đến",
        READ_JOB: "Đọc báo có của ngân hàng",
        MATCH_JOB: "Khớp tiền về với người bệnh",
        "billing.plan_invoice": "Lập hóa đơn sau quyết toán",
        "billing.plan_invoice_day": "Ghi khoản thu vào hóa đơn trong ngày",
        "billing.close_invoice_day": "Gộp hóa đơn cuối ngày",
        "billing.issue_invoice": "Phát hành hóa đơn điện tử",
        "billing.sweep_invoices": "Rà hóa đơn còn dang dở",
        "billing.keep_receipts": "In và niêm phiếu thu",
        "billing.keep_bill": "In và niêm bảng kê",
    }
)
