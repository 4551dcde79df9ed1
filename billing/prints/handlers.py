"""Keep the papers of money as soon as it came."""

from billing.events import EpisodeSettled, PaymentMatched
from billing.prints.service import BILL, RECEIPT, keep_paper, papers_without_file
from kernel.outbox.api import Job, on

MAKER = "Lành (tự động)"


@on(PaymentMatched, name="billing.keep_receipts", network=True)
async def keep_receipts(job: Job, event: PaymentMatched) -> None:
    """Render and seal the receipts of a payment."""
    async with job.sessions() as session:
        waiting = await papers_without_file(session, event.request_id)
    for receipt_id in waiting:
        await keep_paper(job.services, RECEIPT, receipt_id, maker=MAKER, now=job.now)


@on(EpisodeSettled, name="billing.keep_bill", network=True)
async def keep_bill(job: Job, event: EpisodeSettled) -> None:
    """Render and seal the bill 01/KBCB, also at 0 đồng."""
    await keep_paper(job.services, BILL, event.episode_id, maker=MAKER, now=job.now)
