"""One doctor of the demo holds a key at the fake remote service, and two papers wait for it: try them at /sign as bacsi2.

What the desk asks to sign under a PIN stays with that doctor's key file: a rule of the policy says which paper goes which way.
"""

from pathlib import Path
from uuid import UUID, uuid5

from anyio import to_thread
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from hospital.demo.outside.csc import FOLDER, Holding, read_holding, write_holding
from hospital.demo.pki import DemoPki, Holder, staff_holder
from hospital.settings import Settings
from kernel.clock import Instant, utc_now
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.objects import ObjectStore
from kernel.paper.blocks import Foot, PaperDocument, Paragraph, Signatures, Slot, Title
from kernel.paper.render import render
from kernel.paper.verify import new_code, verify_url
from kernel.services import object_store
from kernel.staff.api import SYSTEM, StaffView, list_staff
from signing.api import (
    KeyKind,
    NewDocument,
    NewSlot,
    RegisterCertificate,
    TrustList,
    documents_of_subject,
    prepare_document,
    register_certificate,
)
from signing.policy.models import PolicyRule

USERNAME, CREDENTIAL, KIND = "bacsi2", "bacsi2", "THU-KY-TU-XA"
TITLES = ("Biên bản hội chẩn (thử ký từ xa)", "Phiếu theo dõi (thử ký từ xa)")
_PLACE = UUID("01900000-0000-7000-8000-0000000000c5")


async def seed(sessions: Sessions, settings: Settings) -> None:
    """Make the key at the service, register its certificate, say when it signs, leave two papers. Twice changes nothing."""
    now = utc_now()
    async with sessions() as session:
        doctor = next((p for p in await list_staff(session) if p.username == USERNAME), None)
    if doctor is None or not settings.signing.csc_url:
        return
    folder, pki = settings.kernel.data_dir / FOLDER, DemoPki(settings.kernel.data_dir / "pki")
    holder = staff_holder(doctor, settings.kernel.facility)
    holding = await to_thread.run_sync(_holding, folder, pki, holder, now)
    command = RegisterCertificate(
        id=new_id(),
        certificate=holding.certificate.public_bytes(Encoding.DER),
        chain=[pki.issuing.public_bytes(Encoding.DER)],
        key_kind=KeyKind.CSC,
        key_name=holding.id,
        staff_id=doctor.id,
    )
    trust = TrustList([pki.root], [pki.issuing], demo=True)
    async with sessions.begin() as session:
        await register_certificate(
            session, command, trust=trust, facility=settings.kernel.facility, actor=SYSTEM, now=now
        )
        await _rule(session, doctor, "", ["PKCS12", "CSC"], now)
        await _rule(session, doctor, KIND, ["CSC"], now)
    store = object_store(settings.kernel)
    for title in TITLES:
        await _paper(sessions, store, doctor, title, settings, now)


def _holding(folder: Path, pki: DemoPki, holder: Holder, now: Instant) -> Holding:
    path = folder / f"{CREDENTIAL}.json"
    if path.exists():
        return read_holding(path)
    key = rsa.generate_private_key(65537, 2048)
    certificate, _ = pki.issue(holder, key, now=now)
    holding = Holding(CREDENTIAL, key, certificate, [pki.issuing], holder.common_name)
    write_holding(folder, holding)
    return holding


async def _rule(
    session: AsyncSession, doctor: StaffView, kind: str, key_kinds: list[str], now: Instant
) -> None:
    values = {
        "id": new_id(),
        "owner_kind": "STAFF",
        "staff_id": doctor.id,
        "document_kind": kind,
        "key_kinds": key_kinds,
        "reason": "Bản chạy thử: một loại giấy ký từ xa, còn lại ký bằng tệp khóa.",
        "set_at": now,
        "set_by": SYSTEM.id,
    }
    await session.execute(insert(PolicyRule).values(values).on_conflict_do_nothing())


async def _paper(
    sessions: Sessions, store: ObjectStore, doctor: StaffView, title: str, settings: Settings, now: Instant
) -> None:
    key = uuid5(_PLACE, title)
    async with sessions() as session:
        if await documents_of_subject(session, f"demo.remote:{key}"):
            return
    code = new_code()
    paper = PaperDocument(
        title=title,
        author=doctor.name,
        created_at=now,
        stamp="BẢN CHẠY THỬ",
        foot=Foot(
            owner=settings.kernel.facility.name,
            person=doctor.name,
            at=now,
            code=code,
            verify_url=verify_url(settings.kernel.base_url, code),
        ),
        blocks=(
            Title(text=title.upper()),
            Paragraph(
                text="Tờ này để thử ký từ xa: gửi yêu cầu, mở điện thoại của nhà cung cấp giả, phê duyệt."
            ),
            Signatures(slots=(Slot(field="bac_si", role="Bác sĩ"),)),
        ),
    )
    pdf = await to_thread.run_sync(render, paper)
    command = NewDocument(
        id=key,
        kind=KIND,
        title=title,
        subject=f"demo.remote:{key}",
        author_id=doctor.id,
        sha256=await store.put(pdf),
        slots=[NewSlot(field="bac_si", label="Bác sĩ", owner_staff_id=doctor.id)],
        code=code,
    )
    async with sessions.begin() as session:
        await prepare_document(session, command, now=now)
