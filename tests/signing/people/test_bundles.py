"""What a bundle of evidence that lies is worth."""

from uuid import uuid4

import pytest
from msgspec.structs import replace

from kernel.clock import utc_now
from kernel.paper.fonts import regular
from kernel.services import Services
from kernel.staff.api import Actor
from signing.appearance import Enclosed
from signing.keys import SoftwareSigner
from signing.people import bundle as b
from signing.people.confirm import draw
from signing.tasks.engine import Look
from signing.trust import TrustList
from tests.signing.people.ward import DRAWING, a_paper, a_sitting, judged


async def test_a_bundle_of_another_document_is_not_valid_although_the_hospital_sealed_it(
    services: Services, doctor_in: Actor, trust: TrustList, seal: SoftwareSigner
) -> None:
    patient = uuid4()
    papers = [await a_paper(services, doctor_in, patient_id=patient, title=f"Giấy {n}") for n in (1, 2)]
    tablet = await a_sitting(services, doctor_in, *papers)
    await tablet.see()
    view = await draw(services, tablet.code, tablet.token, DRAWING, now=utc_now())
    raws = [await services.objects.get(item.bundle_sha256 or "") for item in view.documents]
    own = b.decode(raws[0])
    cases = {
        "khác": raws[1],
        "không đúng dạng": raws[0].replace(b'"lanh.signing.person/1"', b'"lanh.signing.person/2"'),
        "hỏng": raws[0] + b" ",
        "ô ký khác": b.encode(replace(own, field="bac_si")),
        "đã xem": b.encode(replace(own, device=None)),
        "phần của cách ký": b.encode(replace(own, ink=None)),
    }
    pdf = await services.objects.get(papers[0].head_sha256)
    for reason, raw in cases.items():
        look = Look(regular(), lines=("NB",), enclosed=(Enclosed(b.FILE_NAME, "x", raw),))
        report = await judged(pdf, papers[0].head_sha256, seal, look, trust)
        assert not report.valid, reason
        assert any(reason in said for said in report.signatures[0].reasons), report.signatures[0].reasons


async def test_a_bundle_that_a_person_seals_for_themselves_is_not_valid(
    services: Services, doctor_in: Actor, trust: TrustList, doctor: SoftwareSigner
) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4())
    tablet = await a_sitting(services, doctor_in, paper)
    await tablet.see()
    view = await draw(services, tablet.code, tablet.token, DRAWING, now=utc_now())
    raw = await services.objects.get(view.documents[0].bundle_sha256 or "")
    look = Look(regular(), lines=("NB",), enclosed=(Enclosed(b.FILE_NAME, "x", raw),))
    pdf = await services.objects.get(paper.head_sha256)
    report = await judged(pdf, paper.head_sha256, doctor, look, trust)
    assert not report.valid
    assert "không do cơ sở niêm phong" in report.signatures[0].reasons[-1]


def test_a_bundle_has_one_form_only() -> None:
    with pytest.raises(b.BadBundle):
        b.decode(b"{}")
    with pytest.raises(b.BadBundle):
        b.decode(b"[" * 5000)
    with pytest.raises(b.BadBundle):
        b.decode(b" " * (b.BUNDLE_BYTES_MAXIMUM + 1))
