"""Software keys: opened by the PIN, kept only under the session's secret."""

import pytest

from hospital.demo.pki import DemoPki
from signing.keys import BadKeyFile, KeyLocked, SoftwareSigner, WrongPin, open_pkcs12, open_sealed
from tests.signing.conftest import PIN


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
