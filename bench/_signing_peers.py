"""What the signing bench is compared with, and the timestamp authority it asks: another process, some time away."""

import asyncio
import io
import multiprocessing
import re
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from hospital.demo.known import DEMO_PIN
from hospital.demo.pki import DemoPki


class Manual:
    """SimpleSigner from a PKCS#12 file, `PdfSigner.sign_pdf` with defaults."""

    def __init__(self, pki: DemoPki, folder: Path) -> None:
        del folder
        load: Any = signers.SimpleSigner.load_pkcs12
        self._signer = load(str(pki.key_file("bacsi")), passphrase=DEMO_PIN.encode())
        self._meta = signers.PdfSignatureMetadata(
            field_name="Moi", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
        )

    def sign(self, pdf: bytes) -> bytes:
        out = signers.PdfSigner(self._meta, self._signer).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)))
        return bytes(out.getvalue())


def verify_as_shown(pdf: bytes, pki: DemoPki) -> None:
    """`validate_pdf_signature` with the root as trust anchor."""
    roots = [asn1_x509.Certificate.load(pki.root.public_bytes(Encoding.DER))]
    (signature,) = PdfFileReader(io.BytesIO(pdf)).embedded_regular_signatures
    status = validate_pdf_signature(signature, ValidationContext(trust_roots=roots))
    assert status.bottom_line


def openssl_ms() -> float | None:
    """One RSA-2048 private key operation of the system's OpenSSL; None where there is no such program."""
    try:
        said = subprocess.run(
            ["openssl", "speed", "-seconds", "1", "rsa2048"], capture_output=True, text=True, timeout=60
        ).stdout
    except OSError:
        return None
    found = re.search(r"^rsa\s+2048 bits\s+([\d.]+)s", said, re.MULTILINE)
    return float(found[1]) * 1000 if found else None


@asynccontextmanager
async def far_authority(folder: Path, delay_ms: int) -> AsyncIterator[str]:
    """Run an RFC 3161 authority in a process of its own and yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(folder, port, delay_ms), daemon=True
    )
    process.start()
    try:
        for _ in range(200):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.join()


def _serve(folder: Path, port: int, delay_ms: int) -> None:
    from hospital.demo.outside.pki import TimestampAuthority

    authority = TimestampAuthority(DemoPki(folder / "pki"))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                size = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
                body = authority.answer(await reader.readexactly(size), now=datetime.now(UTC))
                await asyncio.sleep(delay_ms / 1000)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", port) as server:
            await server.serve_forever()

    asyncio.run(run())
