"""Importing this registers the periodic jobs of the house itself."""

from datetime import timedelta

from kernel.audit.seal import seal, write_checkpoint
from kernel.audit.signer import FileSigner
from kernel.clock import local_day
from kernel.outbox.api import Job, name_jobs, periodic
from kernel.outbox.service import purge_finished


@periodic("kernel.purge_jobs", every=timedelta(hours=1))
async def purge_jobs(job: Job) -> None:
    """Clear finished jobs away after a month."""
    await purge_finished(job.session, now=job.now)


@periodic("kernel.seal_audit", every=timedelta(seconds=1))
async def seal_audit(job: Job) -> None:
    """Chain the audit rows of the last second."""
    await seal(job.session)


@periodic("kernel.sign_audit", every=timedelta(minutes=10))
async def sign_audit(job: Job) -> None:
    """Sign the head of yesterday's chain, once."""
    signer = FileSigner(job.services.settings.kernel.data_dir)
    await write_checkpoint(job.session, signer, day=local_day(job.now) - timedelta(days=1))


name_jobs(
    {
        "kernel.purge_jobs": "Dọn việc đã xong từ một tháng trước",
        "kernel.seal_audit": "Niêm nhật ký truy cập",
        "kernel.sign_audit": "Ký chuỗi nhật ký của hôm qua",
    }
)
