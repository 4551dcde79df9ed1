"""A server killed after a patient signed on a tablet and before the hospital sealed it: sealed once, nothing lost."""

from collections.abc import Awaitable, Callable
from datetime import date
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from hospital.journey import bedside
from hospital.journey.people import WIFE
from kernel.clock import utc_now
from kernel.paper.render import page_count
from kernel.staff.models import StaffAccount
from signing.api import NewDocument, NewSlot, get_document, prepare_document, verify_pdf
from signing.documents.models import Signature
from signing.people.models import Sitting, SittingDocument
from signing.people.views import SittingView, get_sitting
from tests.signing.kill.mortal import Mortal
from tests.signing.people.ward import a_consent
from tests.signing.secret_search import inflated

pytestmark = pytest.mark.slow
WHO = {"PATIENT": {"kind": "PATIENT", "name": "Phạm Văn Mẫu Hai"}, "REPRESENTATIVE": WIFE}


async def prepare_papers(mortal: Mortal, count: int) -> list[UUID]:
    """Papers of one patient that the patient signs before the doctor."""
    patient, ids = uuid4(), []
    async with mortal.sessions() as session:
        doctor = await session.scalar(select(StaffAccount.id).where(StaffAccount.username == "bacsi"))
        assert doctor is not None
    for number in range(count):
        pdf = a_consent(f"Cam kết {number}, {patient}.")
        document = NewDocument(
            id=uuid4(),
            kind="40-BV2",
            title=f"Cam kết {number}",
            subject=f"test:{uuid4()}",
            author_id=doctor,
            sha256=await mortal.objects.put(pdf),
            pages=page_count(pdf),
            slots=[
                NewSlot(field="nguoi_benh", label="Người bệnh", patient=True),
                NewSlot(field="bac_si", label="Bác sĩ", owner_staff_id=doctor),
            ],
            patient_id=patient,
            patient_name="Phạm Văn Mẫu Hai",
            patient_born=date(1978, 11, 2),
            patient_number="001078880002",
        )
        async with mortal.sessions.begin() as session:
            await prepare_document(session, document, now=utc_now())
        ids.append(document.id)
    return ids


class Signed:
    """A sitting at whose tablet a person has just signed by hand."""

    def __init__(self, mortal: Mortal, who: str, count: int) -> None:
        self._mortal, self.ids = mortal, mortal.run(prepare_papers(mortal, count))
        doctor = mortal.staff("bacsi")
        sitting, code = bedside.open_sitting(doctor, [str(key) for key in self.ids], WHO[who])
        self.sitting, self.name = UUID(sitting), str(WHO[who]["name"])
        tablet = bedside.Tablet(mortal.hospital.base_url, code)
        try:
            tablet.read()
            mortal.mood("pki", mode="ok", delay_ms=1200)
            tablet.draw()
        finally:
            tablet.close()

    async def is_signed(self, session: AsyncSession) -> bool:
        return await self.state(session) == "SIGNED" and await self.sealed(session) == 0

    async def is_half_sealed(self, session: AsyncSession) -> bool:
        return 0 < await self.sealed(session) < len(self.ids)

    async def is_sealed(self, session: AsyncSession) -> bool:
        return await self.state(session) == "SEALED"

    async def state(self, session: AsyncSession) -> str | None:
        return await session.scalar(select(Sitting.state).where(Sitting.id == self.sitting))

    async def sealed(self, session: AsyncSession) -> int:
        where = (SittingDocument.sitting_id == self.sitting, SittingDocument.sealed_at.is_not(None))
        return await session.scalar(select(func.count()).select_from(SittingDocument).where(*where)) or 0

    async def view(self, session: AsyncSession) -> SittingView:
        return await get_sitting(session, self.sitting)

    def bundles(self) -> dict[UUID, bytes]:
        """What the person confirmed, document by document, as it is kept before the seal."""
        kept = {}
        for item in self._mortal.read(self.view).documents:
            assert item.bundle_sha256 is not None
            kept[item.document_id] = self._mortal.run(self._mortal.objects.get(item.bundle_sha256))
        return kept

    async def check_sealed_once(self, bundles: dict[UUID, bytes]) -> None:
        """Every paper carries one seal over what the person confirmed before the kill, in bytes and in evidence."""
        mortal = self._mortal
        for key in self.ids:
            async with mortal.sessions() as session:
                head = (await get_document(session, key)).head_sha256
                [evidence] = (
                    await session.scalars(select(Signature).where(Signature.document_id == key))
                ).all()
            assert (evidence.sha256, evidence.signer_name, evidence.method) == (head, self.name, "DRAWN")
            pdf = await mortal.objects.get(head)
            assert (pdf.count(b"/ByteRange"), inflated(pdf).count(bundles[key])) == (1, 1)
            report = verify_pdf(pdf, mortal.trust, utc_now())
            assert report.valid
            assert [one.person.name for one in report.signatures if one.person] == [self.name]


Moment = Callable[[Signed, AsyncSession], Awaitable[bool]]


@pytest.mark.parametrize(
    ("who", "moment"),
    [("PATIENT", Signed.is_signed), ("REPRESENTATIVE", Signed.is_half_sealed)],
    ids=["before the first seal", "between two seals"],
)
def test_a_server_killed_between_signed_and_sealed_seals_each_paper_once(
    mortal: Mortal, who: str, moment: Moment
) -> None:
    signed = Signed(mortal, who, 2)
    mortal.wait(lambda session: moment(signed, session), "the moment to kill")
    mortal.kill()
    assert mortal.read(signed.state) == "SIGNED"
    bundles = signed.bundles()
    assert len(bundles) == 2
    mortal.mood("pki", mode="ok")
    mortal.restart()
    mortal.wait(signed.is_sealed, "the seal")
    mortal.run(signed.check_sealed_once(bundles))
    assert signed.bundles() == bundles
