"""One signature by each kind of key, beside the raw key operation; endesive in an environment of its own; render and stamp."""

import asyncio
import hashlib
import os
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from ssl import create_default_context
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from litestar import Litestar

from bench._signing_peers import far_authority
from bench.render import our_paper
from hospital.demo.known import DEMO_PIN
from hospital.demo.outside import csc
from hospital.demo.outside.credentials import CSC_PASSWORD, CSC_USER
from hospital.demo.pki import DemoPki, Holder
from kernel.lanes import Lanes
from kernel.paper.fonts import regular
from kernel.paper.render import page_count, render
from signing.appearance import Appearance
from signing.append import open_revision, running_hash
from signing.cms import CmsTemplate
from signing.keys import Signer, SoftwareSigner
from signing.layout import read_layout
from signing.pkcs11 import open_token
from signing.remote.csc import CscClient, Sad
from signing.schemes import Scheme, scheme_for
from signing.settings import SigningSettings
from signing.tasks.engine import Look, sign_file
from signing.timestamps import TimestampClient
from signing.trust import TrustList
from tests.signing.files import a_file
from tests.signing.tokens import EC_ID, MODULE, RSA_ID, TOKEN_PIN, SoftHsm

PEERS = Path(__file__).with_name("peers.txt")
HOLDER = Holder("x", "Nguyễn Thị Hương", "CCCD:001180000001", title="Bác sĩ")
Cpu = Callable[[Callable[[], object]], float]
MESSAGE = b"\x31" + bytes(200)
PAPERS = 210


class CscSigner:
    """The remote service as a signer: asks, is allowed on the phone at once, signs one hash."""

    method = "PKI_REMOTE_CSC"

    def __init__(
        self, client: CscClient, provider: csc.Provider, pki: DemoPki, certificate: x509.Certificate
    ) -> None:
        self.certificate = certificate
        self.chain: tuple[x509.Certificate, ...] = (pki.issuing,)
        self.scheme: Scheme = scheme_for(certificate.public_key())
        self.template = CmsTemplate(certificate, self.chain, self.scheme)
        self._client, self._provider = client, provider

    async def close(self) -> None:
        """Nothing is held."""

    async def sign(self, attributes: bytes) -> bytes:
        hashes = [hashlib.sha256(attributes).digest()]
        asked = await self._client.authorize("KEY-1", hashes, pin="", otp="", description="1")
        assert isinstance(asked, str)
        csc.answer(self._provider, asked, approve=True)
        allowed = await self._client.check(asked)
        assert isinstance(allowed, Sad)
        return (await self._client.sign("KEY-1", allowed, hashes, self.scheme))[0]


async def whole(pdf: bytes, signer: Signer) -> bytes:
    """Sign a field of our own file."""
    layout, look = read_layout(pdf), Appearance(("Ký số bởi: Bác sĩ Nguyễn Thị Hương",), regular())
    pending = open_revision(
        layout, running_hash(pdf), "s0", room=signer.template.size, at=datetime.now(UTC), appearance=look
    )
    attributes = signer.template.attributes(pending.digest)
    return pdf + pending.fill(signer.template.assemble(attributes, await signer.sign(attributes)))


def run(
    loop: asyncio.AbstractEventLoop, work: Callable[..., Awaitable[Any]], *arguments: Any, **options: Any
) -> None:
    loop.run_until_complete(work(*arguments, **options))


def way_rows(
    pki: DemoPki, software: SoftwareSigner, folder: Path, cpu: Cpu, row: Any
) -> list[dict[str, Any]]:
    """Software, SoftHSM and CSC side by side; the floor of each is its own key operation."""
    loop, rows, pdf = asyncio.new_event_loop(), [], a_file(["s0"], padding=20_000)
    for name, signer in signers(pki, software, folder, loop):
        key = cpu(partial(run, loop, signer.sign, MESSAGE))
        figure = cpu(partial(run, loop, whole, pdf, signer))
        rows.append(row(f"PAdES B-B, own file, {name}", figure, key, "its key operation", ""))
    loop.close()
    return rows


def signers(
    pki: DemoPki, software: SoftwareSigner, folder: Path, loop: asyncio.AbstractEventLoop
) -> list[tuple[str, Signer]]:
    curve = ec.generate_private_key(ec.SECP256R1())
    certificate, _ = pki.issue(HOLDER, curve, now=datetime.now(UTC))
    found: list[tuple[str, Signer]] = [
        ("software RSA-2048 PSS", software),
        ("software P-256", SoftwareSigner(curve, certificate, (pki.issuing,))),
    ]
    if MODULE.exists():
        found += tokens(pki, folder, loop)
    found.append(("CSC service (fake, in this process), RSA-2048 PSS", remote(pki, folder)))
    return found


def tokens(pki: DemoPki, folder: Path, loop: asyncio.AbstractEventLoop) -> list[tuple[str, Signer]]:
    hsm = SoftHsm(folder / "softhsm")
    token = hsm.new_token("bench")
    made = []
    for name, key_id, curve in (("RSA-2048 PSS", RSA_ID, None), ("P-256", EC_ID, "secp256r1")):
        uri, certificate = hsm.certify(pki, HOLDER, token, key_id, curve=curve)
        made.append((f"SoftHSM {name}", uri, certificate))
    return [
        (
            name,
            loop.run_until_complete(
                open_token(
                    (MODULE,), uri, TOKEN_PIN, certificate, (pki.issuing,), allow_pkcs1=False, wait_seconds=5
                )
            ),
        )
        for name, uri, certificate in made
    ]


def remote(pki: DemoPki, folder: Path) -> Signer:
    key = rsa.generate_private_key(65537, 2048)
    certificate, _ = pki.issue(HOLDER, key, now=datetime.now(UTC))
    provider = csc.Provider(folder / "csc", "")
    provider.holdings["KEY-1"] = csc.Holding("KEY-1", key, certificate, [pki.issuing], HOLDER.common_name)
    transport: Any = httpx.ASGITransport(Litestar(csc.routes(None, provider), logging_config=None))  # type: ignore[arg-type]  # narrower scopes
    settings = SigningSettings(
        csc_url="http://remote.bench/outside/csc/csc/v1",
        csc_user=CSC_USER,
        csc_password=CSC_PASSWORD,
        csc_client_id=csc.CLIENT_ID,
        csc_client_secret=csc.CLIENT_SECRET,
    )
    return CscSigner(CscClient(httpx.AsyncClient(transport=transport), settings), provider, pki, certificate)


def endesive_row(
    pki: DemoPki, folder: Path, key_ms: float, row: Callable[..., dict[str, Any]]
) -> dict[str, Any]:
    """endesive 3.0.1 as its manual shows, in a throw-away environment from the hashed list; says so when that fails."""
    place, file = folder / "peers", folder / "peer.pdf"
    file.write_bytes(a_file(["x"]))
    python = place / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes"]
    script = [str(python), str(PEERS.with_name("_endesive_peer.py"))]
    try:
        venv.create(place, with_pip=True)
        subprocess.run([*install, "-r", str(PEERS)], check=True, capture_output=True, timeout=240)
        said = subprocess.run(
            [*script, str(file), str(pki.key_file("bacsi")), DEMO_PIN, "0.5"],
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
            env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        )
        return row("endesive 3.0.1 as its manual shows", float(said.stdout), key_ms, "key operation", "")
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        why = type(error).__name__
        print(f"endesive: {why}", file=sys.stderr)
        return {"name": f"endesive 3.0.1: could not be installed or run here ({why})", "unit": "ms CPU"}


async def paper_row(trust: TrustList, signer: SoftwareSigner, folder: Path) -> list[dict[str, Any]]:
    """Render two pages as PDF/A-3b and sign them B-T with the authority next door: wall time of each, and our processor's."""
    paper, looks, figures, rendering, spent, rendering_spent = (
        our_paper(1),
        Look(regular(), "BS"),
        [],
        [],
        [],
        [],
    )
    assert page_count(render(paper)) == 2
    async with far_authority(folder, 0) as url, served_http() as http:
        stamps = TimestampClient(http, [url], trust)
        for _ in range(PAPERS):
            start, cpu = time.perf_counter(), time.process_time()
            pdf = render(paper)
            rendered, rendering_cpu = time.perf_counter(), time.process_time()
            signing = partial(sign_file, pdf, hashlib.sha256(pdf).hexdigest(), None, "bac_si", signer)
            made = await signing(
                trust=trust, stamps=stamps, token_room=5_000, look=looks, now=datetime.now(UTC)
            )
            assert made.stamp is not None
            figures.append((time.perf_counter() - start) * 1000)
            rendering.append((rendered - start) * 1000)
            spent.append((time.process_time() - cpu) * 1000)
            rendering_spent.append((rendering_cpu - cpu) * 1000)
    figures, floors = sorted(figures[10:]), sorted(rendering[10:])
    rows = [_wall(part, figures, floors, budget) for part, budget in ((0.5, 12), (0.99, 25))]
    ours, least = statistics.median(spent[10:]), statistics.median(rendering_spent[10:])
    text = f"{least:.3g} rendering alone"
    name = "render 2 pages + B-T, local TSA, CPU of this process"
    return [
        *rows,
        {
            "name": name,
            "value": ours,
            "unit": "ms CPU",
            "floor": least,
            "floor_text": text,
            "ratio": ours / least,
        },
    ]


def served_http() -> httpx.AsyncClient:
    """The client that the application has."""
    return httpx.AsyncClient(transport=Lanes(create_default_context()))


def _wall(part: float, figures: list[float], floors: list[float], budget: int) -> dict[str, Any]:
    figure, floor = (waits[int(len(waits) * part)] for waits in (figures, floors))
    name = f"render 2 pages + B-T, local TSA, p{part * 100:.0f}"
    return {
        "name": name,
        "value": figure,
        "unit": "ms wall",
        "floor": floor,
        "floor_text": f"{floor:.3g} rendering alone",
        "ratio": figure / floor,
        "budget": budget,
    }
