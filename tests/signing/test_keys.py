"""Software keys: opened by the PIN, kept only under the session's secret."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncSession

from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.staff.api import SYSTEM
from signing.api import RegisterCertificate, TrustList, register_certificate
from signing.gate import CertificateNotYours
from signing.keys import BadKeyFile, KeyLocked, SoftwareSigner, WrongPin, open_pkcs12, open_sealed
from tests.signing.holders import PIN


def test_the_pin_opens_the_file_with_its_chain(pki: DemoPki) -> None:
    signer = open_pkcs12(pki.key_file("bacsi").read_bytes(), PIN)
    assert signer.chain == (pki.issuing,)


def test_a_wrong_pin_and_a_wrong_file_are_told_apart(pki: DemoPki) -> None:
    with pytest.raises(WrongPin):
        open_pkcs12(pki.key_file("bacsi").read_bytes(), "000000")
    with pytest.raises(BadKeyFile):
        open_pkcs12(b"not a key file", PIN)


def test_an_unlocked_key_opens_only_with_the_same_session(doctor: SoftwareSigner) -> None:
    sealed = doctor.sealed(b"session token", bound_to=b"person")
    again = open_sealed(sealed, b"session token", bound_to=b"person")
    assert again.certificate == doctor.certificate
    for secret, person in ((b"other token", b"person"), (b"session token", b"somebody else")):
        with pytest.raises(KeyLocked):
            open_sealed(sealed, secret, bound_to=person)


def test_the_sealed_form_holds_no_key_in_clear(doctor: SoftwareSigner) -> None:
    assert b"\x02\x01\x00\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7" not in doctor.sealed(b"t", bound_to=b"p")


async def test_registering_twice_keeps_the_first_and_a_stranger_is_refused(
    session: AsyncSession, pki: DemoPki, trust: TrustList, settings: Settings
) -> None:
    facility = settings.kernel.facility
    command = RegisterCertificate(
        id=new_id(),
        certificate=pki.certificate("benh-vien").public_bytes(Encoding.DER),
        key_name="benh-vien",
    )
    first = await register_certificate(
        session, command, trust=trust, facility=facility, actor=SYSTEM, now=utc_now()
    )
    again = await register_certificate(
        session, replace(command, id=new_id()), trust=trust, facility=facility, actor=SYSTEM, now=utc_now()
    )
    assert again.id == first.id
    stranger = replace(command, certificate=pki.certificate("bacsi").public_bytes(Encoding.DER))
    with pytest.raises(CertificateNotYours):
        await register_certificate(
            session, stranger, trust=trust, facility=facility, actor=SYSTEM, now=utc_now()
        )
