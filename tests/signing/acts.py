"""Acts that the tests of signatures share: sign a file as the hot path does, cut it apart, ask other programs."""

import hashlib
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from hospital.demo.outside.pki import TimestampAuthority
from hospital.demo.pki import DemoPki
from signing.appearance import Appearance
from signing.append import open_revision
from signing.cms import TOKEN_OVERHEAD
from signing.der import strip
from signing.keys import Signer, SoftwareSigner
from signing.layout import Layout, read_layout
from tests.signing.files import Letters

NOW = datetime.now(UTC).replace(microsecond=0)


def sign(
    pdf: bytes,
    signer: SoftwareSigner,
    fields: Sequence[str],
    *,
    authority: TimestampAuthority | None = None,
    layout: Layout | None = None,
    at: datetime = NOW,
) -> tuple[bytes, Layout]:
    """Sign fields of one of our files, one after the other."""
    layout = layout or read_layout(pdf)
    prefix = hashlib.sha256(pdf)
    for field in fields:
        room = signer.template.size + (4_000 + TOKEN_OVERHEAD if authority else 0)
        look = Appearance(("Ký bởi: Nguyễn Thị Hương", "21/11/2026 14:05:06"), Letters())
        pending = open_revision(layout, prefix, field, room=room, at=at, appearance=look)
        attributes = signer.template.attributes(pending.digest)
        value = signer.sign_now(attributes)
        token = authority.over(hashlib.sha256(value).digest(), now=at) if authority else None
        revision = pending.fill(signer.template.assemble(attributes, value, token))
        pdf, layout = pdf + revision, pending.layout
        prefix.update(revision)
    return pdf, layout


async def sign_async(
    pdf: bytes, signer: Signer, fields: Sequence[str], *, at: datetime = NOW
) -> tuple[bytes, Layout]:
    """Sign fields with a signer of any kind."""
    layout, prefix = read_layout(pdf), hashlib.sha256(pdf)
    for field in fields:
        look = Appearance(("Ký bởi: Nguyễn Thị Hương", "21/11/2026 14:05:06"), Letters())
        room = signer.template.size
        pending = open_revision(layout, prefix, field, room=room, at=at, appearance=look)
        attributes = signer.template.attributes(pending.digest)
        revision = pending.fill(signer.template.assemble(attributes, await signer.sign(attributes), None))
        pdf, layout = pdf + revision, pending.layout
        prefix.update(revision)
    return pdf, layout


def cut(pdf: bytes) -> list[tuple[bytes, bytes]]:
    """Return (CMS, covered bytes) of each signature by /ByteRange alone, with none of our code's knowledge."""
    found = []
    for match in re.finditer(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\s*\]", pdf):
        start, size, second, second_size = (int(number) for number in match.groups())
        hole = pdf[start + size : second]
        covered = pdf[start : start + size] + pdf[second : second + second_size]
        found.append((strip(bytes.fromhex(hole[1:-1].decode())), covered))
    return found


def run(*command: str | Path) -> str:
    """Run another program and return what it said; a failure shows in the text."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr + f"\nexit {done.returncode}"


def openssl_says(cms: bytes, covered: bytes, folder: Path, *, root: Path, issuing: Path | None = None) -> str:
    """Let openssl verify a signature over what it covers; it ends with "CAdES Verification successful" or doesn't."""
    value, content = folder / "value.p7s", folder / "content.bin"
    value.write_bytes(cms)
    content.write_bytes(covered)
    return run(
        *("openssl", "cms", "-verify", "-binary", "-cades", "-inform", "DER", "-in", value),
        *("-content", content, "-CAfile", root, "-purpose", "any", "-out", "/dev/null"),
        *(("-certfile", issuing) if issuing else ()),
    )


def write_roots(pki: DemoPki, folder: Path) -> tuple[Path, Path]:
    """Write root and issuing CA as PEM files."""
    root, issuing = folder / "root.pem", folder / "issuing.pem"
    root.write_bytes(pki.root.public_bytes(Encoding.PEM))
    issuing.write_bytes(pki.issuing.public_bytes(Encoding.PEM))
    return root, issuing


def nss_database(folder: Path, root: Path, *issuers: Path) -> str:
    """Make a database for pdfsig (`-nssdir`) that trusts one root and knows the authorities below it."""
    database = f"sql:{folder}"
    run("certutil", "-N", "-d", database, "--empty-password")
    run("certutil", "-A", "-d", database, "-n", "root", "-t", "CT,CT,CT", "-i", root)
    for number, issuer in enumerate(issuers):
        run("certutil", "-A", "-d", database, "-n", f"issuer {number}", "-t", ",,", "-i", issuer)
    return database


def overlay(pdf: bytes, *, number: int = 6, head: bytes = b"") -> bytes:
    """Append a revision that replaces a stream (the page's, by default), as an attacker would after a signature."""
    start = int(re.findall(rb"startxref\s+(\d+)", pdf)[-1])
    trailer = re.findall(rb"/Size (\d+)/Root (\d+) 0 R\s*/Info (\d+) 0 R", pdf)[-1]
    _, root, info = (int(value) for value in trailer)
    size = max(int(found) for found in re.findall(rb"/Size (\d+)", pdf))
    at = len(pdf)
    stream = b"BT /F1 12 Tf 60 700 Td (Them vao) Tj ET"
    body = b"%d 0 obj\n<<%s/Length %d>>\nstream\n%s\nendstream\nendobj\n" % (
        number,
        head,
        len(stream),
        stream,
    )
    xref = b"xref\n%d 1\n%010d 00000 n \n" % (number, at)
    tail = b"trailer\n<</Size %d/Root %d 0 R/Info %d 0 R/Prev %d>>\n" % (size, root, info, start)
    return pdf + body + xref + tail + b"startxref\n%d\n%%%%EOF\n" % (at + len(body))
