"""SHA-384 and SHA-512 are believed when others use them; SHA-1 and weak keys are not."""

import hashlib
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers

from hospital.demo.pki import DemoPki
from signing.schemes import Scheme
from signing.timestamps import BadTimestamp, read_answer, timestamp_query
from signing.trust import TrustList
from signing.verification.pdf import verify_pdf
from tests.signing.acts import NOW, run
from tests.signing.files import a_file
from tests.signing.holders import PIN

OPENSSL_TSA = """
[tsa]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
certs = {folder}/issuing.pem
signer_key = {folder}/tsa.key
signer_digest = {digest}
default_policy = 1.3.6.1.4.1.4146.2.3
digests = sha256, sha384, sha512
ordering = no
ess_cert_id_chain = no
ess_cert_id_alg = {digest}
"""


def openssl_answer(pki: DemoPki, folder: Path, digest: str, query: bytes) -> bytes:
    """Let openssl be the timestamp authority."""
    (folder / "tsa.pem").write_bytes(pki.tsa.public_bytes(Encoding.PEM))
    (folder / "issuing.pem").write_bytes(pki.issuing.public_bytes(Encoding.PEM))
    key = pki.tsa_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "tsa.key").write_bytes(key)
    (folder / "tsa.cnf").write_text(OPENSSL_TSA.format(folder=folder, digest=digest))
    (folder / "query.tsq").write_bytes(query)
    said = run(
        *("openssl", "ts", "-reply", "-config", folder / "tsa.cnf", "-section", "tsa"),
        *("-queryfile", folder / "query.tsq", "-out", folder / "answer.tsr"),
    )
    assert said.endswith("exit 0"), said
    return (folder / "answer.tsr").read_bytes()


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_tokens_of_another_program_are_accepted_with_each_hash_of_the_law(
    pki: DemoPki, trust: TrustList, tmp_path: Path, digest: str
) -> None:
    imprint = hashlib.sha256(b"value").digest()
    answer = openssl_answer(pki, tmp_path, digest, timestamp_query(imprint, 77))
    now = datetime.now(UTC)
    stamp = read_answer(answer, imprint, 77, trust, now=now)
    assert abs((stamp.at - now).total_seconds()) < 60
    spoiled = answer[:-5] + bytes([answer[-5] ^ 1]) + answer[-4:]
    with pytest.raises(BadTimestamp, match="signature"):
        read_answer(spoiled, imprint, 77, trust, now=now)


def test_a_token_made_with_sha1_is_refused(pki: DemoPki, trust: TrustList, tmp_path: Path) -> None:
    imprint = hashlib.sha256(b"value").digest()
    answer = openssl_answer(pki, tmp_path, "sha1", timestamp_query(imprint, 77))
    with pytest.raises((BadTimestamp, ValueError)):
        read_answer(answer, imprint, 77, trust, now=datetime.now(UTC))


@pytest.mark.parametrize(
    ("digest", "pss", "scheme"),
    [
        ("sha256", True, Scheme.RSA_PSS_SHA256),
        ("sha384", True, Scheme.RSA_PSS_SHA384),
        ("sha512", True, Scheme.RSA_PSS_SHA512),
        ("sha512", False, Scheme.RSA_PKCS1_SHA512),
    ],
)
def test_signatures_of_other_programs_with_stronger_hashes_are_valid(
    pki: DemoPki, trust: TrustList, digest: str, pss: bool, scheme: Scheme
) -> None:
    report = verify_pdf(others_signature(pki, digest, pss=pss), trust, NOW)
    assert report.valid, report.signatures[0].reasons
    assert report.signatures[0].scheme is scheme
    told = any("PKCS#1" in warning for warning in report.signatures[0].warnings)
    assert told is not pss


def test_a_signature_with_sha1_is_not_valid(pki: DemoPki, trust: TrustList) -> None:
    report = verify_pdf(others_signature(pki, "sha1", pss=False), trust, NOW)
    assert not report.valid
    assert "Hàm băm SHA1 không được chấp nhận." in report.signatures[0].reasons


def others_signature(pki: DemoPki, digest: str, *, pss: bool) -> bytes:
    """Sign as pyHanko does by itself."""
    own = signers.SimpleSigner.load_pkcs12(  # type: ignore[no-untyped-call]  # pyHanko is untyped here
        str(pki.key_file("bacsi")), passphrase=PIN.encode(), prefer_pss=pss
    )
    meta = signers.PdfSignatureMetadata(
        field_name="khac", md_algorithm=digest, subfilter=fields.SigSeedSubFilter.PADES
    )
    writer = IncrementalPdfFileWriter(io.BytesIO(a_file(("khac",))))
    return bytes(signers.PdfSigner(meta, own).sign_pdf(writer).getvalue())
