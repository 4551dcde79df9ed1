"""A signature in two steps: what is prepared is kept as bytes, completed later by another process, and checked."""

import hashlib
from io import BytesIO

import pikepdf
import pytest

from hospital.demo.outside.pki import TimestampAuthority
from hospital.demo.pki import DemoPki, Holder
from kernel.paper.fonts import regular
from signing.gate import DocumentTampered, SignatureBroken
from signing.keys import SoftwareSigner
from signing.layout import NotAppendable, read_layout
from signing.tasks.engine import (
    Look,
    Prepared,
    RemoteIdentity,
    complete_signature,
    pack,
    prepare_signature,
    unpack,
)
from signing.timestamps import Timestamp
from signing.trust import TrustList
from signing.verification.pdf import verify_pdf
from tests.signing.acts import NOW
from tests.signing.files import a_file

pytestmark = pytest.mark.anyio


@pytest.fixture
def identity(doctor: SoftwareSigner) -> RemoteIdentity:
    """The doctor's certificate without the key."""
    return RemoteIdentity(doctor.certificate, doctor.chain, doctor.scheme)


async def prepare(pdf: bytes, identity: RemoteIdentity, trust: TrustList, field: str = "bac_si") -> Prepared:
    head = hashlib.sha256(pdf).hexdigest()
    look = Look(regular(), "BS")
    return await prepare_signature(
        pdf, head, None, field, identity, trust=trust, token_room=5_000, look=look, now=NOW
    )


def a_foreign_file() -> bytes:
    out = BytesIO()
    with pikepdf.open(BytesIO(a_file(("khac",)))) as pdf:
        pdf.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


async def test_what_was_prepared_is_completed_after_a_restart(
    identity: RemoteIdentity, doctor: SoftwareSigner, trust: TrustList, authority: TimestampAuthority
) -> None:
    pdf = a_file()
    packed = pack(await prepare(pdf, identity, trust))
    again = unpack(packed, pdf)
    value = doctor.sign_now(again.attributes)
    token = authority.over(hashlib.sha256(value).digest(), now=NOW)
    signed = complete_signature(again, pdf, value, Timestamp(token, NOW, "TSA"), trust=trust, now=NOW)
    assert signed.pdf.startswith(pdf)
    report = verify_pdf(signed.pdf, trust, NOW)
    assert report.valid
    assert report.signatures[0].stamped_at is not None
    assert report.sha256 == signed.sha256
    assert signed.layout is not None
    assert signed.layout.fields == {}


async def test_a_file_of_another_program_is_completed_after_a_restart(
    identity: RemoteIdentity, doctor: SoftwareSigner, trust: TrustList
) -> None:
    pdf = a_foreign_file()
    with pytest.raises(NotAppendable):
        read_layout(pdf)
    again = unpack(pack(await prepare(pdf, identity, trust, "Moi")), pdf)
    value = doctor.sign_now(again.attributes)
    signed = complete_signature(again, pdf, value, None, trust=trust, now=NOW)
    assert verify_pdf(signed.pdf, trust, NOW).valid
    assert signed.layout is None


async def test_a_token_too_large_leaves_the_signature_at_b_b(
    identity: RemoteIdentity, doctor: SoftwareSigner, trust: TrustList
) -> None:
    pdf = a_file()
    prepared = await prepare(pdf, identity, trust)
    value = doctor.sign_now(prepared.attributes)
    stamp = Timestamp(b"0" * 6_000, NOW, "TSA")
    signed = complete_signature(prepared, pdf, value, stamp, trust=trust, now=NOW)
    assert signed.stamp is None


async def test_a_file_that_changed_meanwhile_is_not_completed(
    identity: RemoteIdentity, trust: TrustList
) -> None:
    pdf = a_file()
    packed = pack(await prepare(pdf, identity, trust))
    with pytest.raises(DocumentTampered):
        unpack(packed, pdf.replace(b"Benh an", b"Benh xx"))


@pytest.mark.parametrize("change", ["another key", "another text", "garbage", "too long"])
async def test_a_value_that_does_not_fit_is_refused(
    identity: RemoteIdentity, doctor: SoftwareSigner, pki: DemoPki, trust: TrustList, change: str
) -> None:
    pdf = a_file()
    prepared = await prepare(pdf, identity, trust)
    if change == "another key":
        certificate, key = pki.issue(Holder("khac", "Người khác", "CCCD:001180000009"), now=NOW)
        value = SoftwareSigner(key, certificate, ()).sign_now(prepared.attributes)
    elif change == "another text":
        value = doctor.sign_now(b"other attributes")
    else:
        value = bytes(256) if change == "garbage" else bytes(20_000)
    with pytest.raises(SignatureBroken):
        complete_signature(prepared, pdf, value, None, trust=trust, now=NOW)
