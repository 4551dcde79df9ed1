"""/api/patients. A search is a POST: names and numbers never stand in an address."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import Controller, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from emr.access import FRONT, READ
from emr.patients.rules import citizen_id_warnings
from emr.patients.scan import CitizenCard, InsuranceCardScan, Scan, parse_scan
from emr.patients.search import find_by_scan, find_patients
from emr.patients.service import change_patient, identifiers_of, open_chart, register_patient
from emr.patients.views import ChangePatient, IdentifierView, PatientHit, PatientView, RegisterPatient
from kernel.clock import utc_now
from kernel.refusals import reading, refusals
from kernel.staff.api import Actor


class Search(Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(max_length=2_000)]
    limit: Annotated[int, Meta(ge=1, le=50)] = 20


class ScanText(Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(max_length=4_000)]


class Scanned(Struct, frozen=True):
    """What a scan says, and who it belongs to here."""

    kind: str
    citizen_card: CitizenCard | None
    insurance_card: InsuranceCardScan | None
    patients: list[PatientHit]
    warnings: list[str]


def scanned(scan: Scan, patients: list[PatientHit]) -> Scanned:
    card = scan if isinstance(scan, CitizenCard) else None
    warnings = citizen_id_warnings(card.citizen_id, sex=card.sex, birth=card.birth_date) if card else []
    return Scanned(
        kind=type(scan).__name__,
        citizen_card=card,
        insurance_card=scan if isinstance(scan, InsuranceCardScan) else None,
        patients=patients,
        warnings=warnings,
    )


class PatientController(Controller):
    path = "/api/patients"
    tags = ("patients",)

    @post(operation_id="registerPatient", guards=FRONT, responses=refusals(401, 403, 409, 422))
    async def register(
        self,
        data: JSONBody[RegisterPatient],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> PatientView:
        """Open a chart (lập hồ sơ người bệnh); the same command again answers the same."""
        return await register_patient(session, data, actor=actor, now=utc_now(), alone=True)

    @post(
        "/search",
        operation_id="findPatients",
        guards=READ,
        status_code=200,
        responses=refusals(401, 403, 422),
    )
    async def search(
        self, data: JSONBody[Search], session: NamedDependency[AsyncSession]
    ) -> Sequence[PatientHit]:
        """Find people by number, phone tail, or words of the name without marks."""
        return await find_patients(session, data.text, data.limit)

    @post("/scan", operation_id="readScan", guards=READ, status_code=200, responses=refusals(401, 403, 422))
    async def scan(self, data: JSONBody[ScanText], session: NamedDependency[AsyncSession]) -> Scanned:
        """Read a CCCD or BHYT code strictly and tell whose it is here."""
        scan = parse_scan(data.text)
        return scanned(scan, await find_by_scan(session, scan))

    @reading("/{patient_id:uuid}", "getPatient", READ)
    async def read(
        self,
        patient_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> PatientView:
        """Read a chart's particulars; the reading is audited."""
        return await open_chart(session, patient_id, actor=actor)

    @put(
        "/{patient_id:uuid}",
        operation_id="changePatient",
        guards=FRONT,
        responses=refusals(401, 403, 404, 409, 422),
    )
    async def change(
        self,
        patient_id: FromPath[UUID],
        data: JSONBody[ChangePatient],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> PatientView:
        """Correct a chart; the earlier version and numbers are kept."""
        return await change_patient(session, patient_id, data, actor=actor, now=utc_now())

    @reading("/{patient_id:uuid}/identifiers", "listIdentifiers", READ)
    async def identifiers(
        self,
        patient_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Sequence[IdentifierView]:
        """List every number the person has or had."""
        await open_chart(session, patient_id, actor=actor, reason="Giấy tờ")
        return await identifiers_of(session, patient_id)
