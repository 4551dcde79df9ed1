"""The ring of document timestamps: a record signed twenty or thirty years ago holds today, without a network.

The clock is moved when the record is signed and stamped, since pyHanko's long-term validation reads the real one.
"""

import io
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.policy_decl import (
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager

from hospital.demo.outside.pki import PkiDesk, TimestampAuthority
from hospital.demo.pki import DemoPki, ensure_pki
from signing.archive.lift import Material, add_material, lift_file
from signing.keys import open_pkcs12
from signing.trust import TrustList
from signing.verification.judging import as_asn1
from signing.verification.pdf import verify_pdf
from signing.verification.report import Level
from tests.signing.acts import NOW, run, sign
from tests.signing.files import a_file
from tests.signing.holders import DOCTOR, PIN
from tests.signing.test_archive import Now
from tests.signing.test_status import ocsp_request

pytestmark = pytest.mark.anyio

YEAR = timedelta(days=365.25)
BEFORE = timedelta(days=180)
GENERATION = 9 * YEAR
TSA_DAYS = 1826  # Five years, as public authorities certify them.


class Ring(Struct):
    """A record's file as the years pass, and the roots that a verifier of its last year believes."""

    pdf: bytes
    holds_until: datetime
    roots: list[x509.Certificate]
    others: list[x509.Certificate]
    first: tuple[DemoPki, x509.Certificate]
    last: tuple[DemoPki, x509.Certificate]
    turns: int = 0


@pytest.fixture(scope="module", params=[20, 30])
def start(request: pytest.FixtureRequest) -> datetime:
    years: int = request.param
    return NOW - years * YEAR


@pytest.fixture(scope="module")
def generations(tmp_path_factory: pytest.TempPathFactory, start: datetime) -> list[DemoPki]:
    """Roots of twenty years and authorities of ten under them; a new root every nine."""
    folder = tmp_path_factory.mktemp("generations")
    made: list[DemoPki] = []
    while (now := start + len(made) * GENERATION) < NOW:
        people = [] if made else [DOCTOR]
        place = folder / str(len(made))
        made.append(ensure_pki(place, people, base_url="http://pki.test", pin=PIN, now=now))
    return made


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, start: datetime) -> DemoPki:
    """A root and an authority of forty years."""
    folder = tmp_path_factory.mktemp("lasting") / "pki"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hospital.demo.pki.ROOT_DAYS", 40 * 366)
        patch.setattr("hospital.demo.pki.CA_DAYS", 40 * 365)
        return ensure_pki(folder, [DOCTOR], base_url="http://pki.test", pin=PIN, now=start)


async def turned(generations: list[DemoPki], start: datetime, until: datetime = NOW) -> Ring:
    """Sign, lift, then stamp once more half a year before each timestamp's certificate ends."""
    first = generations[0]
    signer = open_pkcs12(first.key_file("bacsi").read_bytes(), PIN)
    certificate, key = first.issue_authority(f"TSA {start:%Y}", now=start, days=TSA_DAYS)
    trust, authority = TrustList([first.root], [first.issuing]), TimestampAuthority(first, certificate, key)
    signed, _ = sign(a_file(), signer, ["bac_si"], authority=authority, at=start)
    own = standing_of(first, signer.certificate, now=start)
    tsa = standing_of(first, certificate, now=start)
    known = Material([*own.certificates, *tsa.certificates], [*own.ocsps, *tsa.ocsps])
    lifted = await lift_file(signed, known, stamps=Now(authority, trust), now=start)
    ring = Ring(
        lifted,
        certificate.not_valid_after_utc,
        [first.root],
        [first.issuing],
        (first, first.issuing),
        (first, certificate),
    )
    while (now := ring.holds_until - BEFORE) < until:
        await turn(ring, generations[min(int((now - start) / GENERATION), len(generations) - 1)], now)
    return ring


def standing_of(pki: DemoPki, authority: x509.Certificate, *, now: datetime) -> Material:
    """Ask how a signer or a timestamp authority stands, up to its root."""
    desk, root = PkiDesk(pki.folder), authority.issuer == pki.root.subject
    chain = [authority, pki.root] if root else [authority, pki.issuing, pki.root]
    answers = [
        desk.ocsp("root" if issuer == pki.root else "issuing", ocsp_request(of, issuer), now=now)
        for of, issuer in pairwise(chain)
    ]
    return Material([link.public_bytes(Encoding.DER) for link in chain], answers)


async def turn(ring: Ring, generation: DemoPki, now: datetime) -> None:
    """What the renewal job does: how the last authority stands today, a new stamp, how its authority stands."""
    certificate, key = generation.issue_authority(f"TSA {now:%Y}", now=now, days=TSA_DAYS)
    stamps = Now(TimestampAuthority(generation, certificate, key), TrustList([generation.root]))
    ring.pdf = await lift_file(ring.pdf, standing_of(*ring.last, now=now), stamps=stamps, now=now)
    ring.pdf = add_material(ring.pdf, standing_of(generation, certificate, now=now))
    ring.last = (generation, certificate)
    ring.holds_until, ring.turns = certificate.not_valid_after_utc, ring.turns + 1
    if generation.root not in ring.roots:
        ring.roots.append(generation.root)


async def pyhanko_says(ring: Ring) -> object:
    """pyHanko's own long-term validation (ETSI EN 319 102-1 §5.6.3), from the file alone, nothing asked of a network.

    It wants to see how authorities that are alive today stand today: the last timestamp's and the signer's.
    """
    data, today = ring.pdf, datetime.now(UTC)
    for pki, alive in (ring.last, ring.first):
        data = add_material(data, standing_of(pki, alive, now=today))
    require = RevocationCheckingPolicy.from_legacy("require")
    certificates = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build([as_asn1(root) for root in ring.roots]),
        revinfo_policy=CertRevTrustPolicy(require, retroactive_revinfo=True),
    )
    gathering = RevocationInfoGatheringSpec(online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY)
    spec = PdfSignatureValidationSpec(
        SignatureValidationSpec(cert_validation_policy=certificates, revinfo_gathering_policy=gathering)
    )
    signature = PdfFileReader(io.BytesIO(data)).embedded_regular_signatures[0]
    return (await ades_lta_validation(signature, spec)).ades_subindic


async def test_pyhanko_says_that_a_record_holds_for_its_retention_term(
    lasting: DemoPki, start: datetime, tmp_path: Path
) -> None:
    """It stops at authorities that have ended themselves, so these last; their timestamp certificates do not."""
    ring = await turned([lasting], start)
    assert ring.turns == int((NOW - start) / (timedelta(days=TSA_DAYS) - BEFORE))
    assert await pyhanko_says(ring) is AdESPassed.OK
    file = tmp_path / "a.pdf"
    file.write_bytes(ring.pdf)
    assert "No syntax or stream encoding errors" in run("qpdf", "--check", file)
    ring.pdf = ring.pdf.replace(b"(Benh an)", b"(Benh am)", 1)
    assert await pyhanko_says(ring) is not AdESPassed.OK


async def test_pyhanko_refuses_a_ring_that_was_not_turned(lasting: DemoPki, start: datetime) -> None:
    stopped = await turned([lasting], start, until=start + 9 * YEAR)
    assert await pyhanko_says(stopped) is not AdESPassed.OK


async def test_a_record_outlives_the_roots_it_was_signed_under(
    generations: list[DemoPki], start: datetime
) -> None:
    ring = await turned(generations, start)
    assert any(root.not_valid_after_utc < NOW for root in [*ring.roots, *ring.others])
    report = verify_pdf(ring.pdf, TrustList(ring.roots, ring.others), NOW)
    assert report.valid, report.signatures[0].reasons
    assert (report.signatures[0].level, report.signatures[0].stamped_at) == (Level.B_LTA, start)
    changed = ring.pdf.replace(b"(Benh an)", b"(Benh am)", 1)
    assert not verify_pdf(changed, TrustList(ring.roots, ring.others), NOW).valid


async def test_a_ring_that_was_not_turned_breaks(generations: list[DemoPki], start: datetime) -> None:
    stopped = await turned(generations, start, until=start + 9 * YEAR)
    roots = [generation.root for generation in generations]
    assert not verify_pdf(stopped.pdf, TrustList(roots, stopped.others), NOW).valid
