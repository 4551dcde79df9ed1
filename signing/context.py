"""What signing needs per process: trust list, status answers, verdicts, the face of the signature block."""

from datetime import timedelta
from functools import lru_cache
from pathlib import Path

import httpx
from msgspec import Struct

from kernel.paper.fonts import regular
from kernel.services import Services
from kernel.settings import KernelSettings
from signing.appearance import Typeface
from signing.settings import SigningSettings
from signing.status import Answers, StatusClient
from signing.timestamps import TimestampClient
from signing.trust import TrustList
from signing.verification.cache import Verdicts

PKI = "pki"


class Context(Struct, frozen=True):
    """Shared by all signatures of a process; holds no key."""

    settings: SigningSettings
    trust: TrustList
    trust_pem: bytes
    answers: Answers
    verdicts: Verdicts
    keys_dir: Path

    def status(self, http: httpx.AsyncClient) -> StatusClient:
        return StatusClient(
            http,
            timeout_seconds=self.settings.status_timeout_seconds,
            keep=timedelta(minutes=self.settings.status_keep_minutes),
            answers=self.answers,
        )

    def stamps(self, http: httpx.AsyncClient) -> TimestampClient | None:
        """Return the client of the timestamp authorities, None when none is configured."""
        if not self.settings.tsa_urls:
            return None
        return TimestampClient(
            http, self.settings.tsa_urls, self.trust, timeout_seconds=self.settings.tsa_timeout_seconds
        )

    def face(self) -> Typeface:
        return regular()


def context_of(services: Services) -> Context:
    """Return the context of this installation."""
    return context_for(services.settings.kernel, services.settings.signing)


def context_for(kernel: KernelSettings, signing: SigningSettings) -> Context:
    """Return the context for these settings; a trust file that changed is read again.

    Outside the demo, the demo's own authority in the data folder is not believed: roots come by configuration.
    """
    path = signing.trust_file or kernel.data_dir / PKI / "trust.pem"
    stamp = path.stat().st_mtime_ns if path.is_file() else 0
    keys = signing.keys_dir or kernel.data_dir / PKI / "keys"
    if (
        signing.trust_file is None
        and not kernel.demo
        and stamp
        and TrustList.from_pem(path.read_bytes()).demo
    ):
        stamp = 0
    return _context(signing, path, stamp, keys, kernel.demo and signing.trust_file is None)


@lru_cache(maxsize=16)
def _context(signing: SigningSettings, trust_file: Path, stamp: int, keys: Path, demo: bool) -> Context:
    pem = trust_file.read_bytes() if stamp else b""
    trust = TrustList.from_pem(pem, demo=demo) if pem else TrustList([])
    return Context(signing, trust, pem, Answers(), Verdicts(), keys)
