"""What invoices do when something happened elsewhere, and on their own."""

from datetime import timedelta

from sqlalchemy import select

from billing.events import EpisodeSettled, PaymentMatched
from billing.invoices.issuing import NotYet, issue_invoice
from billing.invoices.models import Invoice
from billing.invoices.office import open_office
from billing.invoices.planning import (
    CLOSE_DAY,
    ISSUE,
    CloseDay,
    EarlierNotIssued,
    IssueInvoice,
    Planner,
    invoice_day,
    plan_closing,
    plan_day,
    plan_settled,
)
from billing.invoices.rules import State
from kernel.outbox.api import Job, TryLater, enqueue, job, on, periodic

SWEEP_EVERY = timedelta(minutes=15)
LEFT_ALONE = timedelta(minutes=30)
LONGEST_PAUSE_SECONDS = 900


def planner_of(job: Job) -> Planner:
    settings = job.services.settings
    return Planner(settings.kernel.facility, settings.billing)


@on(EpisodeSettled, name="billing.plan_invoice")
async def plan_on_settled(job: Job, event: EpisodeSettled) -> None:
    """Plan the invoice of the episode, now or for the end of the day."""
    try:
        await plan_settled(job.session, planner_of(job), event.episode_id, now=job.now)
    except EarlierNotIssued as error:
        raise TryLater(str(error), after=timedelta(minutes=5)) from error


@on(PaymentMatched, name="billing.plan_invoice_day")
async def plan_day_on_payment(job: Job, event: PaymentMatched) -> None:
    """Services paid before the episode ends are invoiced at the end of the day they were paid."""
    await plan_closing(job.session, invoice_day(event.at))


@job(CLOSE_DAY)
async def close_day(job: Job, payload: CloseDay) -> None:
    """Make the aggregate invoice of the day."""
    try:
        await plan_day(job.session, planner_of(job), payload.day, now=job.now)
    except EarlierNotIssued as error:
        raise TryLater(str(error), after=timedelta(minutes=5)) from error


@job(ISSUE, network=True)
async def issue(job: Job, payload: IssueInvoice) -> None:
    """Take an invoice as far as it goes; come back when the provider was unclear or the code is not there yet."""
    try:
        await issue_invoice(open_office(job.services), payload.invoice_id, now=job.now)
    except NotYet as error:
        pause = min(LONGEST_PAUSE_SECONDS, 5 * 2 ** min(job.attempt, 8))
        raise TryLater(str(error), after=timedelta(seconds=pause)) from error


@periodic("billing.sweep_invoices", every=SWEEP_EVERY)
async def sweep(job: Job) -> None:
    """Take up invoices that nobody works on: their job died, or the provider was connected since."""
    old = job.now - LEFT_ALONE
    statement = (
        select(Invoice.id)
        .where(Invoice.state != State.DELIVERED, Invoice.problem == "", Invoice.created_at < old)
        .where((Invoice.tried_at.is_(None)) | (Invoice.tried_at < old))
        .order_by(Invoice.created_at)
        .limit(200)
    )
    for invoice_id in await job.session.scalars(statement):
        await enqueue(job.session, ISSUE, IssueInvoice(invoice_id), aggregate=invoice_id)
