"""Signing: each figure beside the raw key operation or the peer of the same run. CPU of one core unless "wall".

python -m bench.signing
"""

import asyncio
import gc
import hashlib
import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench._signing_peers import Manual, far_authority, openssl_ms, verify_as_shown
from bench._signing_ways import endesive_row, paper_row, run, served_http, way_rows
from hospital.demo.known import DEMO_PIN
from hospital.demo.pki import DemoPki, Holder, ensure_pki
from kernel.paper.fonts import regular
from signing.appearance import Appearance
from signing.append import open_revision
from signing.der import strip
from signing.foreign import sign_foreign
from signing.keys import SoftwareSigner, open_pkcs12
from signing.layout import read_layout
from signing.tasks.engine import Look, sign_file
from signing.timestamps import TimestampClient
from signing.trust import TrustList
from signing.verification.cache import Verdicts
from signing.verification.pdf import BYTE_RANGE, verify_pdf
from tests.signing.files import a_file
from tests.signing.test_any_pdf import stream_file

HOLDER = Holder("bacsi", "Nguyễn Thị Hương", "CCCD:001180000001", title="Bác sĩ")
NOW = datetime.now(UTC)
SLOTS = [f"s{number}" for number in range(20)]
ROUNDS, SECONDS = 5, 0.3


def cpu_ms(work: Callable[[], object]) -> float:
    """Median CPU milliseconds per call over some rounds."""
    work()
    figures = []
    for _ in range(ROUNDS):
        gc.collect()
        count, cpu, wall = 0, time.process_time(), time.perf_counter()
        while time.perf_counter() - wall < SECONDS:
            work()
            count += 1
        figures.append((time.process_time() - cpu) / count * 1000)
    return statistics.median(figures)


class Desk:
    """Keys, roots and files of one run."""

    def __init__(self, folder: Path) -> None:
        self.pki: DemoPki = ensure_pki(
            folder / "pki", [HOLDER], base_url="http://pki.bench", pin=DEMO_PIN, now=NOW
        )
        self.signer: SoftwareSigner = open_pkcs12(self.pki.key_file("bacsi").read_bytes(), DEMO_PIN)
        self.trust = TrustList([self.pki.root], [self.pki.issuing], demo=True)
        self.pdf = a_file(SLOTS, padding=20_000)
        self.look = Appearance(("Ký số bởi: Bác sĩ Nguyễn Thị Hương", "Lúc: 21/11/2026 14:05:06"), regular())

    def append(self, fields: list[str]) -> tuple[list[float], bytes, int]:
        """Sign fields one after the other; CPU ms of each, the file, the growth of the last."""
        layout, prefix, pdf, figures, growth = (
            read_layout(self.pdf),
            hashlib.sha256(self.pdf),
            self.pdf,
            [],
            0,
        )
        for field in fields:
            start = time.process_time()
            pending = open_revision(
                layout, prefix, field, room=self.signer.template.size, at=NOW, appearance=self.look
            )
            attributes = self.signer.template.attributes(pending.digest)
            revision = pending.fill(
                self.signer.template.assemble(attributes, self.signer.sign_now(attributes))
            )
            prefix.update(revision)
            figures.append((time.process_time() - start) * 1000)
            layout, pdf, growth = pending.layout, pdf + revision, len(revision)
        return figures, pdf, growth


def append_rows(desk: Desk, key_ms: float) -> list[dict[str, Any]]:
    runs = [desk.append(SLOTS) for _ in range(15)]
    first = statistics.median(run[0][0] for run in runs)
    last = statistics.median(run[0][-1] for run in runs)
    assert verify_pdf(runs[0][1], desk.trust, NOW).valid
    return [
        row("PAdES B-B, own file, 1st signature", first, key_ms, "key operation", 0.8),
        row("PAdES B-B, own file, 20th signature", last, first, "the 1st", "≤ 1.5 × the 1st, 0.8"),
        row("growth per B-B signature", runs[0][2], 2 * der_bytes(runs[0][1]), "2 × DER", 8000, unit="bytes"),
    ]


def der_bytes(pdf: bytes) -> int:
    """Size of the CMS of the last signature; in the file it stands in hexadecimal."""
    *_, last = BYTE_RANGE.finditer(pdf)
    return len(strip(bytes.fromhex(pdf[int(last[2]) + 1 : int(last[3]) - 1].decode("ascii"))))


def foreign_rows(desk: Desk, manual_ms: float) -> list[dict[str, Any]]:
    loop = asyncio.new_event_loop()
    rows = []
    for kind, plain in (("tables", a_file(["x"])), ("streams", stream_file())):
        signed = loop.run_until_complete(sign_foreign(plain, "Moi", desk.signer, now=NOW))
        assert verify_pdf(signed, desk.trust, NOW).valid
        figure = cpu_ms(partial(run, loop, sign_foreign, plain, "Moi", desk.signer, now=NOW))
        name = f"PAdES B-B, any PDF, cross-reference {kind}"
        rows.append(row(name, figure, manual_ms, "pyHanko as its manual shows", 2.5))
    loop.close()
    return rows


def gated_row(desk: Desk, key_ms: float) -> dict[str, Any]:
    """Gate, sign, check: what one signature costs in the service, without database and network."""
    loop = asyncio.new_event_loop()
    head, layout = hashlib.sha256(desk.pdf).hexdigest(), read_layout(desk.pdf)

    def work() -> None:
        loop.run_until_complete(
            sign_file(
                desk.pdf,
                head,
                layout,
                "s0",
                desk.signer,
                trust=desk.trust,
                stamps=None,
                token_room=5000,
                look=Look(regular(), "BS"),
                now=NOW,
            )
        )

    figure = cpu_ms(work)
    loop.close()
    return row("gate + sign + check, own file", figure, key_ms, "key operation", 1.2)


def verify_rows(desk: Desk) -> list[dict[str, Any]]:
    _, one, _ = desk.append(SLOTS[:1])
    cold = cpu_ms(lambda: verify_pdf(one, desk.trust, NOW))
    verdicts = Verdicts()
    verdicts.put(one, desk.trust.fingerprint, verify_pdf(one, desk.trust, NOW))
    warm = cpu_ms(lambda: verdicts.get(one, desk.trust.fingerprint, now=NOW))
    return [
        row(
            "verify 1 signature, cold",
            cold,
            cpu_ms(lambda: verify_as_shown(one, desk.pki)),
            "pyHanko as its manual shows",
            30,
        ),
        row("verify the same file again", warm, cold, "cold", 1.0),
    ]


async def batch_row(desk: Desk, folder: Path, delay_ms: int = 40) -> dict[str, Any]:
    """A hundred prepared notes, timestamps overlapped, TSA 40 ms away over HTTP in another process."""
    notes = [a_file(["s0"], text=f"Phieu {number}", padding=20_000) for number in range(100)]
    heads = [hashlib.sha256(note).hexdigest() for note in notes]
    gate = asyncio.Semaphore(32)
    async with far_authority(folder, delay_ms) as url, served_http() as http:
        stamps = TimestampClient(http, [url], desk.trust)

        async def one(pdf: bytes, head: str) -> bool:
            async with gate:
                made = await sign_file(
                    pdf,
                    head,
                    None,
                    "s0",
                    desk.signer,
                    trust=desk.trust,
                    stamps=stamps,
                    token_room=5000,
                    look=Look(regular(), "BS"),
                    now=datetime.now(UTC),
                )
                return made.stamp is not None

        figures = []
        for _ in range(3):
            start = time.perf_counter()
            assert all(
                await asyncio.gather(*(one(pdf, head) for pdf, head in zip(notes, heads, strict=True)))
            )
            figures.append((time.perf_counter() - start) * 1000)
    floor = 100 / 32 * delay_ms
    return {
        "name": "100 notes B-T in one confirmation, TSA 40 ms away (no database)",
        "value": statistics.median(figures),
        "unit": "ms wall",
        "floor": floor,
        "floor_text": f"{floor:.0f} ms of waiting",
        "ratio": statistics.median(figures) / floor,
        "budget": 1000,
    }


def row(
    name: str, figure: float, floor: float | None, floor_name: str, budget: object, *, unit: str = "ms CPU"
) -> dict[str, Any]:
    return {
        "name": name,
        "cpu_ms": figure,
        "value": figure,
        "unit": unit,
        "floor": floor,
        "floor_text": f"{floor:.3g} {floor_name}" if floor is not None else "",
        "ratio": figure / floor if floor else None,
        "budget": budget,
    }


def main() -> list[dict[str, Any]]:
    """Measure everything of this page and print one line each."""
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        desk = Desk(folder)
        message = b"\x31" + bytes(200)
        key_ms = cpu_ms(lambda: desk.signer.sign_now(message))
        manual = Manual(desk.pki, folder)
        manual_ms = cpu_ms(lambda: manual.sign(a_file(["x"])))
        rows = [
            row("RSA-2048 PSS key operation", key_ms, openssl_ms(), "openssl speed, RSA-2048", ""),
            row(
                "pyHanko as its manual shows (SimpleSigner, sign_pdf)", manual_ms, key_ms, "key operation", ""
            ),
            endesive_row(desk.pki, folder, key_ms, row),
            *append_rows(desk, key_ms),
            gated_row(desk, key_ms),
            *foreign_rows(desk, manual_ms),
            *way_rows(desk.pki, desk.signer, folder, cpu_ms, row),
            *verify_rows(desk),
            *asyncio.run(paper_row(desk.trust, desk.signer, folder)),
            asyncio.run(batch_row(desk, folder)),
        ]
    logging.disable(logging.NOTSET)
    for each in rows:
        ratio = f"{each['ratio']:.2f} × {each['floor_text']}" if each.get("ratio") else ""
        figure = f"{each['value']:.3g}" if "value" in each else "–"
        print(f"{each['name']}: {figure} {each['unit']} {ratio} (budget {each.get('budget', '')})")
    return rows


if __name__ == "__main__":
    main()
