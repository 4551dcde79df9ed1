"""Run in a throw-away environment of its own: sign a PDF with endesive over and over, print CPU milliseconds for each.

python _endesive_peer.py FILE.pdf KEY.p12 PIN SECONDS
"""

import datetime
import gc
import statistics
import sys
import time
import types
from pathlib import Path

from cryptography.hazmat.primitives.serialization import pkcs12

for name in ("endesive.verifier", "certvalidator", "oscrypto", "oscrypto.asymmetric"):
    # Only its verifier needs them, and oscrypto can't parse this OpenSSL's version.
    stub = types.ModuleType(name)
    stub.__getattr__ = lambda _: object  # type: ignore[method-assign]  # a stub
    sys.modules[name] = stub

from endesive.pdf import cms  # type: ignore[import-not-found]  # noqa: E402 - installed only there


def main() -> None:
    file, key, pin, seconds = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], float(sys.argv[4])
    opened = pkcs12.load_key_and_certificates(key.read_bytes(), pin.encode())
    data = file.read_bytes()
    told = {  # As its manual shows.
        "aligned": 0,
        "sigflags": 3,
        "sigflagsft": 132,
        "sigpage": 0,
        "sigbutton": True,
        "sigfield": "Signature1",
        "auto_sigfield": True,
        "signaturebox": (470, 840, 570, 640),
        "signature": "Signed",
        "contact": "a@b.c",
        "location": "Hanoi",
        "signingdate": f"{datetime.datetime.now(datetime.UTC):D:%Y%m%d%H%M%S+00'00'}",
        "reason": "bench",
    }
    figures = []
    cms.sign(data, dict(told), opened[0], opened[1], opened[2], "sha256")
    for _ in range(3):
        gc.collect()
        count, cpu, wall = 0, time.process_time(), time.perf_counter()
        while time.perf_counter() - wall < seconds:
            cms.sign(data, dict(told), opened[0], opened[1], opened[2], "sha256")
            count += 1
        figures.append((time.process_time() - cpu) / count * 1000)
    print(statistics.median(figures))


if __name__ == "__main__":
    main()
