"""Which rule binds a signature, and which certificate follows from it."""

from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from hospital.demo.pki import DemoPki
from kernel.clock import utc_now
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.services import Services
from kernel.staff.api import SYSTEM, Actor
from signing.api import KeyKind, NoCertificate, SignAnotherWay, SignState, sign_documents, signer_for
from signing.certificates.models import Certificate
from signing.documents.models import Signature
from signing.policy.models import PolicyRule
from signing.policy.rules import Rule, binding_rule
from tests.signing.holders import PIN
from tests.signing.hospital import a_document

ME, YOU = UUID(int=1), UUID(int=2)
SOFT, HSM, PHONE = (KeyKind.PKCS12,), (KeyKind.PKCS11,), (KeyKind.CSC,)


@pytest.mark.parametrize(
    ("rules", "kinds"),
    [
        ([], None),
        ([Rule(None, "", SOFT)], SOFT),
        ([Rule(None, "", SOFT), Rule(ME, "", HSM)], HSM),
        ([Rule(ME, "", HSM), Rule(None, "GRV", PHONE)], PHONE),
        ([Rule(None, "GRV", PHONE), Rule(ME, "GRV", SOFT)], SOFT),
        ([Rule(YOU, "GRV", PHONE), Rule(ME, "PKB", HSM), Rule(None, "", SOFT)], SOFT),
        ([Rule(YOU, "", PHONE)], None),
    ],
)
def test_person_and_type_together_bind_first_then_the_type_then_the_person(
    rules: list[Rule], kinds: tuple[KeyKind, ...] | None
) -> None:
    found = binding_rule(rules, ME, "GRV")
    assert (found.key_kinds if found else None) == kinds
    turned = binding_rule(rules[::-1], ME, "GRV")
    assert turned == found


async def a_rule(
    sessions: Sessions, *kinds: str, staff_id: UUID | None = None, document_kind: str = ""
) -> None:
    async with sessions.begin() as session:
        session.add(
            PolicyRule(
                id=new_id(),
                owner_kind="STAFF",
                staff_id=staff_id,
                document_kind=document_kind,
                key_kinds=list(kinds),
                reason="",
                set_at=utc_now(),
                set_by=SYSTEM.id,
            )
        )


async def a_second_key(sessions: Sessions, actor: Actor, kind: KeyKind) -> UUID:
    """Register another certificate row of the person, its key elsewhere."""
    async with sessions.begin() as session:
        row = await session.scalar(select(Certificate).where(Certificate.staff_id == actor.id))
        assert row is not None
        values = {column.name: getattr(row, column.name) for column in Certificate.__table__.columns}
        values |= {"id": new_id(), "key_kind": kind, "key_name": "", "fingerprint": new_id().hex * 2}
        session.add(Certificate(**values))
    return UUID(str(values["id"]))


async def test_a_device_is_preferred_and_a_rule_for_a_type_turns_it_round(
    services: Services, doctor_in: Actor
) -> None:
    token = await a_second_key(services.sessions, doctor_in, KeyKind.TOKEN)
    async with services.sessions() as session:
        assert (await signer_for(session, doctor_in.id, "PKB")).id == token
    await a_rule(services.sessions, "PKCS12", document_kind="PKB")
    async with services.sessions() as session:
        assert (await signer_for(session, doctor_in.id, "PKB")).key_kind == "PKCS12"
        assert (await signer_for(session, doctor_in.id, "GRV")).id == token


async def test_nobody_signs_with_a_kind_of_key_that_the_rule_leaves_out(
    services: Services, doctor_in: Actor
) -> None:
    await a_rule(services.sessions, "PKCS11", "CSC", document_kind="PKB")
    document = await a_document(services, doctor_in)
    with pytest.raises(NoCertificate, match="phải ký bằng HSM hoặc token ở máy chủ, ký từ xa"):
        await sign_documents(services, doctor_in, [document.id], PIN, utc_now())


async def test_a_token_at_the_workstation_is_told_the_other_way(services: Services, doctor_in: Actor) -> None:
    await a_second_key(services.sessions, doctor_in, KeyKind.TOKEN)
    document = await a_document(services, doctor_in)
    with pytest.raises(SignAnotherWay, match="USB token ở máy người ký") as refused:
        await sign_documents(services, doctor_in, [document.id], PIN, utc_now())
    assert refused.value.extra == {"method": "TOKEN", "url": f"/sign/confirm?d={document.id}"}


async def test_a_batch_keeps_one_certificate_and_sets_aside_what_wants_another(
    services: Services, doctor_in: Actor
) -> None:
    await a_second_key(services.sessions, doctor_in, KeyKind.TOKEN)
    await a_rule(services.sessions, "PKCS12", document_kind="PKB")
    first = await a_document(services, doctor_in)
    other = await a_document(services, doctor_in, kind="GRV")
    signed, aside = await sign_documents(services, doctor_in, [first.id, other.id], PIN, utc_now())
    assert (signed.state, aside.state) == (SignState.SIGNED, SignState.SKIPPED)
    assert "USB token" in aside.reason


async def test_what_was_set_aside_is_one_keystroke_from_its_own_way(
    client: httpx.AsyncClient, services: Services, doctor_in: Actor
) -> None:
    await a_second_key(services.sessions, doctor_in, KeyKind.TOKEN)
    await a_rule(services.sessions, "PKCS12", document_kind="PKB")
    first = await a_document(services, doctor_in)
    other = await a_document(services, doctor_in, kind="GRV")
    form = {"document": [str(first.id), str(other.id)], "pin": PIN}
    told = await client.post("/sign", data=form)
    assert f'href="/sign/confirm?d={other.id}" data-key="Ctrl+Enter"' in told.text
    assert "USB token" in (await client.get(f"/sign/confirm?d={other.id}")).text


async def test_a_signature_keeps_its_whole_evidence(
    services: Services, doctor_in: Actor, pki: DemoPki
) -> None:
    old = await a_document(services, doctor_in)
    await sign_documents(services, doctor_in, [old.id], PIN, utc_now())
    again = await a_document(services, doctor_in, supersedes=old.id)
    await sign_documents(services, doctor_in, [again.id], PIN, utc_now())
    async with services.sessions() as session:
        row = await session.scalar(select(Signature).where(Signature.document_id == again.id))
    assert row is not None
    assert (row.method, row.scheme, row.version) == ("PKI_SOFTWARE", "RSA_PSS_SHA256", 2)
    assert (row.slot_label, row.signer_kind, row.signer_id) == ("Bác sĩ khám", "STAFF", doctor_in.id)
    assert row.certificate_issuer == "Lành Demo Issuing CA (CHẠY THỬ)"
    assert len(row.chain) == 2
    assert row.checks["root"] == "Lành Demo Root CA (CHẠY THỬ)"
    assert row.checks["tiers"][0]["serial"] == row.certificate_serial


async def test_evidence_cannot_be_changed(services: Services, doctor_in: Actor) -> None:
    document = await a_document(services, doctor_in)
    await sign_documents(services, doctor_in, [document.id], PIN, utc_now())
    for change in ("UPDATE signing_signature SET method = 'X'", "DELETE FROM signing_signature"):
        with pytest.raises(Exception, match="signing_signature"):
            async with services.sessions.begin() as session:
                await session.execute(text(change))


async def test_two_rules_for_the_same_thing_cannot_stand(services: Services) -> None:
    await a_rule(services.sessions, "PKCS12")
    with pytest.raises(IntegrityError):
        await a_rule(services.sessions, "PKCS11")
