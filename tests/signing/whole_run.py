"""Every way to sign in which something secret is typed or sent, each once rightly and, where it can be, once wrongly."""

import os
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from msgspec.structs import replace

from hospital.demo.outside import csc
from hospital.demo.outside.credentials import CSC_CALLBACK_SECRET, CSC_PASSWORD
from hospital.demo.outside.people import ReaderMood
from hospital.demo.pki import DemoPki
from hospital.processes import child, free_port, wait_until_it_answers
from kernel.clock import utc_now
from kernel.outbox.api import drain
from kernel.staff.api import Role
from signing.api import NewSlot
from signing.keys import WrongPin
from signing.people.absence import witness
from signing.people.confirm import ask_code, draw, enter_code, press
from signing.people.outside import ReaderSaidTooMuch
from signing.people.phones import WrongCode, ask_proof, prove_phone
from signing.people.rules import Absence, Kind
from signing.settings import CscAuth
from tests.conftest import PASSWORD, RealDatabase
from tests.signing.holders import holder
from tests.signing.hospital import a_document, give_certificate, give_token_certificate
from tests.signing.people.ward import DRAWING, Outside, Tablet, a_paper, a_sitting
from tests.signing.remote.hospital import RemoteHospital, nothing_remembered, some_documents
from tests.signing.tokens import MODULE, TOKEN_PIN, SoftHsm

FILE_PIN, SEAL_PIN, UPLOAD_PIN = "pin-tep-khoa-90417", "pin-con-dau-55823", "pin-tep-moi-60035"
WRONG_FILE_PIN, WRONG_TOKEN_PIN = "pin-go-nham-31264", "pin-token-go-nham-47"
WITNESS_PIN, WRONG_WITNESS_PIN = "pin-lam-chung-71528", "pin-lam-chung-nham-3"
OTP, OTHER_OTP, WRONG_OTP, WRONG_CSC_PIN = "91827364", "73648291", "11177799", "98989812"
WRONG_AGENT_PIN = "pin-may-tram-nham-8"
IMAGE = "BIOMETRIC-IMAGE-OF-A-FINGER"
TYPED = [
    *(PASSWORD, FILE_PIN, SEAL_PIN, UPLOAD_PIN, WRONG_FILE_PIN, TOKEN_PIN, WRONG_TOKEN_PIN, WRONG_AGENT_PIN),
    *(WITNESS_PIN, WRONG_WITNESS_PIN, csc.PIN, WRONG_CSC_PIN, OTP, OTHER_OTP, WRONG_OTP),
]
CONFIGURED = [CSC_PASSWORD, csc.CLIENT_SECRET, CSC_CALLBACK_SECRET]
ORIGIN = "https://benhvien.example"


async def sign(client: httpx.AsyncClient, document: object, pin: str | None = None) -> httpx.Response:
    return await client.post("/api/signing/signatures", json={"documents": [str(document)], "pin": pin})


async def by_key_file(db: RealDatabase, pki: DemoPki) -> None:
    """A key file: wrong PIN, right PIN, unlocked, kept open, tried out, a new one uploaded; the hospital's seal."""
    services = db.services
    async with db.browser() as client:
        soft = await db.sign_in(Role.DOCTOR, client=client, name="Nguyễn Thị Hương")
        await give_certificate(db.sessions, db.settings, pki, soft, pin=FILE_PIN)
        slots = (
            NewSlot(field="bac_si", label="Bác sĩ", owner_staff_id=soft.id),
            NewSlot(field="co_so", label="Cơ sở", organisation=True),
        )
        first, second, third = [(await a_document(services, soft, *slots)).id for _ in range(3)]
        assert (await sign(client, first, WRONG_FILE_PIN)).status_code == 422
        assert (await sign(client, first, FILE_PIN)).json()[0]["state"] == "signed"
        assert (await client.post("/api/signing/unlock", json={"pin": FILE_PIN})).status_code == 201
        assert (await sign(client, second)).json()[0]["state"] == "signed"
        form = {"document": str(third), "pin": FILE_PIN, "keep": "1"}
        assert (await client.post("/sign", data=form)).status_code == 303
        assert (await client.post("/sign/rehearsal", data={"pin": FILE_PIN})).status_code in (200, 422)
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, _ = pki.issue(holder(), key, now=utc_now())
        file = pkcs12.serialize_key_and_certificates(
            b"x", key, certificate, [pki.issuing], BestAvailableEncryption(UPLOAD_PIN.encode())
        )
        form = {"key_kind": "PKCS12", "pin": UPLOAD_PIN}
        uploaded = await client.post("/sign/certificates", data=form, files={"file": ("a.p12", file)})
        assert uploaded.status_code == 303, uploaded.text
    await drain(services)


async def by_hsm(db: RealDatabase, pki: DemoPki, softhsm: SoftHsm) -> None:
    """A PKCS#11 token in a real SoftHSM2."""
    async with db.browser() as client:
        hard = await db.sign_in(Role.DOCTOR, client=client, name="Trần Văn Bình")
        await give_token_certificate(db.sessions, db.settings, pki, softhsm, hard, number="001180000002")
        document = (await a_document(db.services, hard)).id
        assert (await sign(client, document, WRONG_TOKEN_PIN)).status_code == 422
        form = {"document": str(document), "pin": WRONG_TOKEN_PIN}
        assert (await client.post("/sign", data=form)).status_code == 422
        assert (await sign(client, document, TOKEN_PIN)).json()[0]["state"] == "signed"
        tried = await client.post("/sign/rehearsal", data={"pin": TOKEN_PIN})
        assert tried.status_code in (200, 422)


async def by_remote_service(house: RemoteHospital) -> list[str]:
    """The remote service under each of its ways to sign us in; returns its access tokens and leaves."""
    client, path = house.db.client, "/api/signing/remote-sittings"
    for auth, otp in ((CscAuth.BASIC, OTP), (CscAuth.OAUTH2, OTHER_OTP)):
        nothing_remembered()
        signing = replace(house.services.settings.signing, csc_auth=auth)
        settings = replace(house.services.settings, signing=signing)
        house.services = house.db.app.state.services = replace(house.services, settings=settings)
        ids = [str(key) for key in await some_documents(house, 2)]
        for pin, code, status in (
            (WRONG_CSC_PIN, otp, 422),
            (csc.PIN, WRONG_OTP, 422),
            (csc.PIN, otp, 201),
        ):
            house.provider.codes["KEY-1"] = otp
            answer = await client.post(path, json={"documents": ids, "pin": pin, "otp": code})
            assert answer.status_code == status, answer.text
        assert answer.json()["signed"] == 2
    assert house.provider.calls.count("auth/login") == house.provider.calls.count("oauth2/token") == 1
    return [*house.provider.tokens, *house.provider.grants]


async def by_patients(db: RealDatabase, pki: DemoPki, outside: Outside) -> list[str]:
    """Patients at tablets: by hand, by finger (with a reader that says too much), by code; witnesses. Returns the codes."""
    services = db.services
    doctor = await db.sign_in(Role.DOCTOR, name="Lê Thị Bên Giường")

    async def sitting_of_somebody(**more: Any) -> Tablet:
        return await a_sitting(services, doctor, await a_paper(services, doctor, patient_id=uuid4()), **more)

    drawn = await sitting_of_somebody()
    await drawn.see()
    await draw(services, drawn.code, drawn.token, DRAWING, now=utc_now())
    finger = await sitting_of_somebody()
    await finger.see()
    outside.world.reader = ReaderMood.IMAGE
    with pytest.raises(ReaderSaidTooMuch):
        await press(services, finger.code, finger.token, consent=True, now=utc_now())
    outside.world.reader = ReaderMood.MATCH
    await press(services, finger.code, finger.token, consent=True, now=utc_now())
    phone = await sitting_of_somebody()
    await phone.see()
    await ask_proof(services, phone.view.id, "0901234567", actor=doctor, now=utc_now())
    await drain(services)
    codes = [outside.code_sent()]
    await prove_phone(services, phone.view.id, codes[-1], actor=doctor, now=utc_now())
    await ask_code(services, phone.code, phone.token, now=utc_now())
    await drain(services)
    codes.append(outside.code_sent())
    with pytest.raises(WrongCode):
        await enter_code(services, phone.code, phone.token, "no code", now=utc_now())
    await enter_code(services, phone.code, phone.token, codes[-1], now=utc_now())
    absent = await sitting_of_somebody(kind=Kind.ABSENCE, absence=Absence.CANNOT_SIGN, reason="Gãy hai tay")
    for number in ("001180000003", "001180000004"):
        nurse = await db.sign_in(Role.NURSE, name=f"Điều Dưỡng {number[-1]}")
        await give_certificate(db.sessions, db.settings, pki, nurse, number=number, pin=WITNESS_PIN)
        with pytest.raises(WrongPin):
            await witness(services, absent.view.id, WRONG_WITNESS_PIN, actor=nurse, now=utc_now())
        await witness(services, absent.view.id, WITNESS_PIN, actor=nurse, now=utc_now())
    await drain(services)
    return codes


async def by_token_at_the_pc(house: RemoteHospital, log: Path) -> None:
    """`hospital token-agent` in its own process: wrong PIN, right PIN, values to the server."""
    client, port = house.db.client, free_port()
    document = (await a_document(house.services, house.doctor)).id
    place = (await client.post("/sign", data={"document": str(document)})).headers["location"]
    job = (await client.get(f"{place}/job")).json()
    begun = {key: job[key] for key in ("signer", "scheme", "fingerprint", "documents")}
    arguments = ["token-agent", "--origin", ORIGIN, "--port", str(port), "--module", str(MODULE)]
    address = f"http://127.0.0.1:{port}"
    with child(*arguments, environment=dict(os.environ), log=log) as process:
        wait_until_it_answers(f"{address}/ask/", process, log)
        async with httpx.AsyncClient(base_url=address, timeout=60) as agent:
            asked = (await agent.post("/sittings", json=begun, headers={"origin": ORIGIN})).json()
            for pin in (WRONG_AGENT_PIN, TOKEN_PIN):
                form = {"pin": pin, "act": "sign"}
                said = await agent.post(asked["page"], data=form, headers={"origin": address})
            assert "Đã ký 1 văn bản" in said.text
            signed = await agent.get(f"/sittings/{asked['id']}", headers={"origin": ORIGIN})
    done = await client.post(f"{place}/values", json={"values": signed.json()["values"]})
    assert done.json() == {"state": "SIGNED", "signed": 1}
