"""A department of the tests: an author, a head, a deputy, a director, a roster."""

from datetime import timedelta

from msgspec.structs import replace
from sqlalchemy import select

from emr.places.models import Department, Duty
from kernel.clock import Instant, local_day, utc_now
from kernel.ids import new_id
from kernel.services import Services
from kernel.staff.api import Actor
from signing.api import Capacity, DocumentView, GiveMandate, NewSlot, SignState, give_mandate, sign_documents
from signing.documents.models import Signature
from tests.signing.holders import PIN
from tests.signing.hospital import a_document


class House:
    """The people of these tests: an author, a head, a deputy, a director."""

    def __init__(self, services: Services, people: list[Actor]) -> None:
        self.services = services
        self.author, self.head, self.deputy, self.director = people

    async def for_the_head(self) -> DocumentView:
        slots = (
            NewSlot(field="bac_si", label="Bác sĩ điều trị", owner_staff_id=self.author.id),
            NewSlot(field="truong_khoa", label="Trưởng khoa", owner_role="head", department="K02"),
        )
        document = await a_document(self.services, self.author, *slots)
        [result] = await sign_documents(self.services, self.author, [document.id], PIN, utc_now())
        assert result.state is SignState.SIGNED
        return document

    async def mandate(self, giver: Actor, capacity: Capacity = Capacity.KT, **changes: object) -> GiveMandate:
        now = utc_now()
        command = GiveMandate(
            new_id(),
            capacity,
            self.deputy.id,
            "QĐ 15/QĐ-BV",
            now - timedelta(hours=1),
            now + timedelta(days=30),
        )
        command = replace(command, **changes)
        async with self.services.sessions.begin() as session:
            await give_mandate(session, command, actor=giver, now=now)
        return command


async def on_the_roster(services: Services, actor: Actor, *, at: Instant) -> None:
    """Let somebody lead on duty from an hour before to an hour after."""
    async with services.sessions.begin() as session:
        if await session.get(Department, "P02") is None:
            session.add(Department(code="P02", name="KHTH", kind="OFFICE", insurance_code="", active=True))
            await session.flush()
        session.add(
            Duty(
                id=new_id(),
                day=local_day(at),
                kind="LEADER",
                department_code="P02",
                staff_id=actor.id,
                starts_at=at - timedelta(hours=1),
                ends_at=at + timedelta(hours=1),
            )
        )


async def evidence_of(services: Services, document: DocumentView, field: str) -> Signature:
    async with services.sessions() as session:
        where = (Signature.document_id == document.id, Signature.field == field)
        return (await session.scalars(select(Signature).where(*where))).one()
