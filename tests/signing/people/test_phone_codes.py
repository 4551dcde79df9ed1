"""A one-time code to a phone that its holder has proven."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from kernel.clock import utc_now
from kernel.outbox.api import drain
from kernel.services import Services
from kernel.staff.api import Actor
from signing.api import verify_file
from signing.people.confirm import MethodNotOffered, ask_code, enter_code
from signing.people.phones import BadPhone, CodeDead, TooManyCodes, WrongCode, ask_proof, prove_phone
from signing.people.rules import Method, State
from signing.people.sittings import WrongSittingState
from tests.signing.people.ward import Outside, a_paper, a_sitting, sealed_pdf


async def a_proven_phone(services: Services, sitting_id: UUID, staff: Actor, outside: Outside) -> None:
    await ask_proof(services, sitting_id, "0901 234 567", actor=staff, now=utc_now())
    await drain(services)
    await prove_phone(services, sitting_id, outside.code_sent(), actor=staff, now=utc_now())


async def test_a_code_to_a_proven_phone_signs_once(
    services: Services, doctor_in: Actor, outside: Outside
) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4())
    tablet = await a_sitting(services, doctor_in, paper)
    await tablet.see()
    with pytest.raises(MethodNotOffered):  # No phone is proven yet.
        await ask_code(services, tablet.code, tablet.token, now=utc_now())
    await a_proven_phone(services, tablet.view.id, doctor_in, outside)
    with pytest.raises(CodeDead):
        await enter_code(services, tablet.code, tablet.token, "123456", now=utc_now())
    await ask_code(services, tablet.code, tablet.token, now=utc_now())
    await drain(services)
    code = outside.code_sent()
    with pytest.raises(WrongCode, match="Còn 2 lần"):
        await enter_code(services, tablet.code, tablet.token, "12", now=utc_now())
    signed = await enter_code(services, tablet.code, tablet.token, f"{code[:3]} {code[3:]}", now=utc_now())
    assert (signed.state, signed.method) == (State.SIGNED, Method.OTP)
    with pytest.raises(WrongSittingState):
        await enter_code(services, tablet.code, tablet.token, code, now=utc_now())
    await drain(services)
    pdf = await sealed_pdf(services, paper.id)
    report = await verify_file(services, pdf, now=utc_now())
    assert report.valid
    assert "******567" in str(report.signatures[0].person)
    async with services.sessions() as session:
        kept = (await session.execute(text("SELECT t::text FROM signing_phone_code t"))).scalars().all()
        kept = [*kept, *(await session.execute(text("SELECT t::text FROM kernel_job t"))).scalars().all()]
    assert not any(code in row.split("+")[0] and f"{code} " in row for row in kept)


async def test_a_code_dies_of_wrong_tries_of_age_and_of_a_newer_one(
    services: Services, doctor_in: Actor, outside: Outside
) -> None:
    tablet = await a_sitting(services, doctor_in, await a_paper(services, doctor_in, patient_id=uuid4()))
    await tablet.see()
    await a_proven_phone(services, tablet.view.id, doctor_in, outside)
    await ask_code(services, tablet.code, tablet.token, now=utc_now())
    await drain(services)
    first = outside.code_sent()
    await ask_code(services, tablet.code, tablet.token, now=utc_now())
    await drain(services)
    if first != outside.code_sent():
        with pytest.raises(WrongCode):
            await enter_code(services, tablet.code, tablet.token, first, now=utc_now())
    late = utc_now() + timedelta(minutes=6)
    with pytest.raises(CodeDead):
        await enter_code(services, tablet.code, tablet.token, outside.code_sent(), now=late)
    for typed in ("000000", "000001"):
        with pytest.raises(WrongCode):
            await enter_code(services, tablet.code, tablet.token, typed, now=utc_now())
    with pytest.raises(CodeDead):
        await enter_code(services, tablet.code, tablet.token, outside.code_sent(), now=utc_now())
    for _ in range(2):
        await ask_code(services, tablet.code, tablet.token, now=utc_now())
    with pytest.raises(TooManyCodes):
        await ask_code(services, tablet.code, tablet.token, now=utc_now())


async def test_a_phone_is_proven_by_its_holder_and_remembered(
    services: Services, doctor_in: Actor, outside: Outside
) -> None:
    patient = uuid4()
    tablet = await a_sitting(services, doctor_in, await a_paper(services, doctor_in, patient_id=patient))
    with pytest.raises(BadPhone):
        await ask_proof(services, tablet.view.id, "024 3822 3344", actor=doctor_in, now=utc_now())
    await ask_proof(services, tablet.view.id, "0901234567", actor=doctor_in, now=utc_now())
    await drain(services)
    with pytest.raises(WrongCode):
        await prove_phone(services, tablet.view.id, "000000", actor=doctor_in, now=utc_now())
    await prove_phone(services, tablet.view.id, outside.code_sent(), actor=doctor_in, now=utc_now())
    again = await a_sitting(services, doctor_in, await a_paper(services, doctor_in, patient_id=patient))
    assert again.view.phone == "+84901234567"
    other = await a_sitting(services, doctor_in, await a_paper(services, doctor_in, patient_id=uuid4()))
    assert other.view.phone == ""


async def test_a_code_alone_is_not_offered_for_what_the_law_wants_written(
    services: Services, doctor_in: Actor, outside: Outside
) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4(), kind="01-BV2")
    tablet = await a_sitting(services, doctor_in, paper)
    await tablet.see()
    await a_proven_phone(services, tablet.view.id, doctor_in, outside)
    with pytest.raises(MethodNotOffered):
        await ask_code(services, tablet.code, tablet.token, now=utc_now())
