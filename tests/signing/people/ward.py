"""A ward of the tests: a patient's papers, a tablet in hand, the fake reader, identity service and gateway in process."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID, uuid4

import httpx
from litestar import Litestar
from msgspec.structs import replace

from hospital.demo.outside.app import OutsideSettings
from hospital.demo.outside.people import DEMO_KEY, World, world_routes
from hospital.demo.outside.pki import routes
from hospital.demo.outside.sms import Gateway, gateway_routes
from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.clock import Instant, utc_now
from kernel.ids import new_id
from kernel.paper.blocks import PaperDocument, Paragraph, Signatures, Slot, Title
from kernel.paper.render import page_count, render
from kernel.services import Services
from kernel.staff.api import Actor
from signing.api import DocumentView, NewDocument, NewSlot, get_document, prepare_document
from signing.keys import Signer
from signing.people.opening import OpenSitting, open_sitting
from signing.people.rules import Drawing, Kind, Point, SignerKind, Standing, State, Who
from signing.people.tablet import join, note_page, show
from signing.people.views import SittingView, get_sitting
from signing.tasks.engine import Look, sign_file
from signing.trust import TrustList
from signing.verification.pdf import verify_pdf
from signing.verification.report import Report

PATIENT = Who(kind=SignerKind.PATIENT, name="NGUYỄN VĂN AN")
MOTHER = Who(
    kind=SignerKind.REPRESENTATIVE,
    name="Trần Thị Bình",
    number="001185000009",
    relation="Mẹ",
    standing=Standing.MINOR,
)
DRAWING = Drawing(
    600,
    240,
    (
        tuple(Point(60 + 12 * n, 120 + (40 if n % 2 else -40), 18 * n, 0.5) for n in range(25)),
        (Point(400, 60, 700, 0.6), Point(470, 90, 760, 0.4)),
    ),
)


@dataclass
class Outside:
    """The fakes, and the client that reaches them."""

    world: World = field(default_factory=World)
    gateway: Gateway = field(default_factory=lambda: Gateway(key="k"))

    def client(self, pki: DemoPki) -> httpx.AsyncClient:
        handlers = [
            *routes(OutsideSettings(pki.folder.parent, "http://test", "http://pki.test")),
            *world_routes(self.world),
            *gateway_routes(self.gateway),
        ]
        app = Litestar(handlers, logging_config=None)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]  # narrower scopes
        return httpx.AsyncClient(transport=transport)

    def code_sent(self) -> str:
        return self.gateway.messages[-1].text[:6]


def people_settings(settings: Settings, pki: DemoPki) -> Settings:
    base = "http://outside.test/outside"
    signing = replace(
        settings.signing,
        people_methods=("DRAWN", "FINGERPRINT", "OTP", "NATIONAL_ID"),
        people_ink_key_file=pki.folder / "ink.pem",
        people_reader_url=f"{base}/fingerprint/matches",
        people_reader_key=DEMO_KEY,
        people_reader_timeout_seconds=1.0,
        people_sms_url=f"{base}/sms/messages",
        people_sms_key="k",
        people_identity_url=f"{base}/identity/authentications",
        people_identity_key=DEMO_KEY,
    )
    return replace(settings, signing=signing)


def a_consent(text: str = "Tôi đồng ý nhập viện.", *, pages: int = 1) -> bytes:
    """Render a paper with a slot of the patient's and one of the doctor's."""
    body = tuple(Paragraph(text=f"{text} " * 12) for _ in range(1 if pages == 1 else 34 * (pages - 1)))
    slots = (Slot(field="nguoi_benh", role="NGƯỜI BỆNH"), Slot(field="bac_si", role="BÁC SĨ"))
    return render(
        PaperDocument(
            title="Giấy cam kết",
            author="BS",
            created_at=utc_now(),
            blocks=(Title(text="GIẤY CAM KẾT"), *body, Signatures(slots=slots)),
        )
    )


async def a_paper(
    services: Services,
    author: Actor,
    *,
    patient_id: UUID,
    kind: str = "40-BV2",
    title: str = "Cam kết chung khi nhập viện",
    born: date | None = date(1980, 5, 1),
    pages: int = 1,
    doctor_first: bool = False,
    pdf: bytes | None = None,
) -> DocumentView:
    """Prepare a paper whose first slot is the patient's and whose second is its author's."""
    pdf = pdf or a_consent(f"{title} {new_id()}", pages=pages)
    slots = [
        NewSlot(field="nguoi_benh", label="Người bệnh", patient=True),
        NewSlot(field="bac_si", label="Bác sĩ", owner_staff_id=author.id),
    ]
    document_id = new_id()
    command = NewDocument(
        id=document_id,
        kind=kind,
        title=title,
        subject=f"emr.sheet:{document_id}",
        author_id=author.id,
        sha256=await services.objects.put(pdf),
        pages=page_count(pdf),
        slots=slots[::-1] if doctor_first else slots,
        patient_id=patient_id,
        patient_name="NGUYỄN VĂN AN",
        patient_born=born,
        patient_number="001080000001",
    )
    async with services.sessions.begin() as session:
        return await prepare_document(session, command, now=utc_now())


@dataclass
class Tablet:
    """A device that opened the link of a sitting."""

    services: Services
    code: str
    token: str
    view: SittingView

    async def see(self, *, now: Instant | None = None) -> SittingView:
        """Fetch every page and say of every document that it was shown."""
        now = now or utc_now()
        for item in self.view.documents:
            for page in range(1, item.pages + 1):
                await note_page(self.services, self.code, self.token, item.position, page, now=now)
            self.view = await show(self.services, self.code, self.token, item.position, item.sha256, now=now)
        return self.view


async def a_sitting(
    services: Services,
    staff: Actor,
    *documents: DocumentView,
    who: Who = PATIENT,
    now: Instant | None = None,
    **more: object,
) -> Tablet:
    """Open a sitting and hand the tablet over."""
    now = now or utc_now()
    command = OpenSitting(id=uuid4(), documents=[one.id for one in documents], who=who, **more)  # type: ignore[arg-type]  # builder
    opened = await open_sitting(services, command, actor=staff, now=now)
    if opened.sitting.kind is not Kind.TABLET:
        return Tablet(services, "", "", opened.sitting)
    view, token = await join(services, opened.code, user_agent="Chrome Android", ip="10.0.0.7", now=now)
    return Tablet(services, opened.code, token, view)


async def sealed_pdf(services: Services, document_id: UUID) -> bytes:
    """Return the newest file of a document."""
    async with services.sessions() as session:
        return await services.objects.get((await get_document(session, document_id)).head_sha256)


async def judged(pdf: bytes, sha256: str, signer: Signer, look: Look, trust: TrustList) -> Report:
    """Sign the patient's place with a look and what it encloses, as a liar would, and judge the file."""
    now = utc_now()
    signed = await sign_file(
        pdf,
        sha256,
        None,
        "nguoi_benh",
        signer,
        trust=trust,
        stamps=None,
        token_room=0,
        look=look,
        now=now,
    )
    return verify_pdf(signed.pdf, trust, now)


async def state_of(services: Services, sitting_id: UUID) -> State:
    async with services.sessions() as session:
        return (await get_sitting(session, sitting_id)).state
