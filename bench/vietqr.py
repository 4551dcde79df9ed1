"""A VietQR code, from amount to picture, read back; floor: the bare matrix. Peer: the library qrcode, choosing its mask."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import qrcode
import zxingcpp

from billing.vietqr.drawing import draw
from billing.vietqr.rules import Transfer, decode, encode

ROUNDS, SECONDS = 5, 0.25
BUDGET_MS = 2.0
WANTED = Transfer(
    bin="970436", account="1012345678901", amount=1_250_000, purpose="VP20451933864", mcc="8062"
)


def cpu_ms(work: Callable[[], object]) -> float:
    """Time of one core per call, the median of some rounds."""
    work()
    found = []
    for _ in range(ROUNDS):
        calls, cpu, end = 0, time.process_time(), time.perf_counter() + SECONDS
        while time.perf_counter() < end:
            work()
            calls += 1
        found.append((time.process_time() - cpu) / calls * 1_000)
    return median(found)


def peer() -> object:
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=0)
    code.add_data(encode(WANTED))
    code.make()
    return code.get_matrix()


def main() -> list[dict[str, Any]]:
    """Return one row a kind of picture."""
    payload = encode(WANTED)
    floor = cpu_ms(lambda: zxingcpp.create_barcode(payload, zxingcpp.BarcodeFormat.QRCode, ec_level="M"))
    other = cpu_ms(peer)
    cases: list[tuple[str, Callable[[], object], float, float | None]] = [
        ("payload built and decoded", lambda: decode(encode(WANTED)), floor, None),
        ("payload + SVG, read back from its modules", lambda: draw(encode(WANTED)).svg(), floor, BUDGET_MS),
        ("payload + PNG 8 px a module, read back", lambda: draw(encode(WANTED)).png(), floor, None),
    ]
    rows = []
    for name, work, beside, budget in cases:
        took = cpu_ms(work)
        rows.append({"name": name, "cpu_ms": took, "floor": beside, "ratio": took / beside, "budget": budget})
        print(f"{name}: {took:.3f} ms CPU ({took / beside:.1f} × the bare matrix of {beside:.3f} ms)")
    ours = rows[1]["cpu_ms"]
    assert isinstance(ours, float)
    peer_text = f"{other:.2f} (qrcode, matrix only)"
    rows.append(
        {"name": "the same beside its peer", "cpu_ms": ours, "floor_text": peer_text, "ratio": ours / other}
    )
    print(f"peer qrcode, matrix only: {other:.2f} ms CPU")
    return rows


if __name__ == "__main__":
    main()
