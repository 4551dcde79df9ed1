"""The tamper table: what was done to a file, what the engine and the upload page say, within how much time and memory."""

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from hospital.demo.outside.pki import TimestampAuthority
from hospital.demo.pki import DemoPki
from kernel.problems import Problem
from kernel.services import Services
from signing.keys import SoftwareSigner
from signing.trust import TrustList
from signing.verification.bounds import MEMORY_BYTES
from signing.verification.pdf import verify_pdf_job
from signing.verification.report import Report
from tests.signing import tampering as did
from tests.signing.acts import NOW

CHANGED = "Nội dung đã bị thay đổi hoặc chữ ký không khớp nội dung."
ADDED = "Tài liệu bị sửa thêm sau khi ký."
UNREADABLE = "Chữ ký hỏng hoặc không theo chuẩn PAdES."

# What was done, and the reason that the verdict "không hợp lệ" gives.
NOT_VALID: list[tuple[did.Act, str]] = [
    (did.flipped_byte, CHANGED),
    (did.flipped_byte_in_the_signature, CHANGED),
    (did.overlay_after_signature, ADDED),
    (did.removed_signature, ADDED),
    (did.blanked_signature, UNREADABLE),
    (did.signature_moved_to_another_file, CHANGED),
    (did.shrunken_byte_range, CHANGED),
    (did.relabelled_signature, UNREADABLE),
    (did.swapped_attachment, ADDED),
    (did.timestamp_from_another_file, "Dấu thời gian không hợp lệ."),
    (did.expired_certificate, "Chứng thư số đã hết hạn tại thời điểm ký."),
    (did.not_yet_valid_certificate, "Chứng thư số chưa có hiệu lực tại thời điểm ký."),
    (did.wrong_usage_certificate, "Chứng thư số không đủ điều kiện để ký"),
    (did.revoked_certificate, "Chứng thư số đã bị thu hồi."),
    (did.unknown_root, "Chứng thư số không do tổ chức được tin cậy cấp."),
]

# What was done, the refusal's kind, and what the person reads.
REFUSED: list[tuple[did.Act, str, str]] = [
    (did.revisions_swapped, "broken-pdf", "hỏng hoặc sai cấu trúc"),
    (did.a_file_of_120_megabytes, "file-too-large", "ớn hơn"),
    (did.encrypted_file, "encrypted-pdf", "bảo vệ bằng mật khẩu"),
    (did.not_a_pdf, "not-a-pdf", "PDF"),
    (did.a_pdf_that_ends_early, "broken-pdf", "hỏng hoặc sai cấu trúc"),
    (did.a_bomb_of_cross_references, "file-too-heavy", "quá lớn hoặc quá phức tạp"),
    (did.a_bomb_of_objects, "file-too-heavy", "quá lớn hoặc quá phức tạp"),
    (did.a_bomb_of_brackets, "broken-pdf", "hỏng hoặc sai cấu trúc"),
    (did.a_ring_of_revisions, "broken-pdf", "hỏng hoặc sai cấu trúc"),
    (did.a_file_of_many_signatures, "too-many-signatures", "hơn 100 chữ ký"),
]

SECONDS = 8.0
BYTES = 64_000_000
BYTES_OF_A_BOMB = MEMORY_BYTES


@pytest.fixture(scope="module")
def hands(
    pki: DemoPki, doctor: SoftwareSigner, seal: SoftwareSigner, authority: TimestampAuthority
) -> did.Hands:
    return did.Hands(pki, doctor, seal, authority)


@contextmanager
def bounded(most_bytes: int = BYTES) -> Iterator[None]:
    """Fail when the work takes longer, or allocates more, than a document may."""
    tracemalloc.start()
    before, start = tracemalloc.get_traced_memory()[0], time.perf_counter()
    try:
        yield
        seconds, most = time.perf_counter() - start, tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert seconds < SECONDS
    assert most < most_bytes


def judged(seen: did.Seen, trust: TrustList, pki: DemoPki) -> Report:
    return verify_pdf_job(seen.data, pki.trust_pem, True, NOW, seen.ocsps, ())


@pytest.mark.parametrize(("act", "reason"), NOT_VALID, ids=lambda case: getattr(case, "__name__", ""))
def test_the_engine_says_not_valid_and_why(
    hands: did.Hands, trust: TrustList, pki: DemoPki, act: did.Act, reason: str
) -> None:
    seen = act(hands)
    with bounded():
        report = judged(seen, trust, pki)
    assert not report.valid
    assert report.summary.startswith("Không hợp lệ")
    said = [why for signature in report.signatures for why in signature.reasons]
    assert any(reason in why for why in said), said


def test_a_file_from_which_all_signatures_were_taken_is_not_valid(
    hands: did.Hands, trust: TrustList, pki: DemoPki
) -> None:
    report = judged(did.all_signatures_removed(hands), trust, pki)
    assert (report.valid, report.summary) == (False, "Tệp không có chữ ký số.")


def test_an_untouched_file_is_valid(hands: did.Hands, trust: TrustList, pki: DemoPki) -> None:
    """The table would be worthless if everything were refused."""
    assert judged(did.Seen(hands.two_signed()[0]), trust, pki).valid


@pytest.mark.parametrize(("act", "slug", "words"), REFUSED, ids=lambda case: getattr(case, "__name__", ""))
def test_the_engine_refuses_in_words(
    hands: did.Hands, trust: TrustList, pki: DemoPki, act: did.Act, slug: str, words: str
) -> None:
    seen = act(hands)
    with bounded(BYTES_OF_A_BOMB if "bomb" in act.__name__ else BYTES), pytest.raises(Problem) as refused:
        judged(seen, trust, pki)
    assert refused.value.slug == slug
    assert words in refused.value.detail


@pytest.mark.parametrize(("act", "reason"), NOT_VALID, ids=lambda case: getattr(case, "__name__", ""))
async def test_the_upload_page_says_not_valid_and_why(
    client: httpx.AsyncClient, services: Services, hands: did.Hands, act: did.Act, reason: str
) -> None:
    await client.get("/verify")
    file = {"file": ("a.pdf", act(hands).data, "application/pdf")}
    answer = await client.post("/verify", files=file)
    assert answer.status_code == 200
    assert "Không hợp lệ" in answer.text
    assert reason in answer.text


@pytest.mark.parametrize(("act", "slug", "words"), REFUSED, ids=lambda case: getattr(case, "__name__", ""))
async def test_the_upload_page_refuses_in_words(
    client: httpx.AsyncClient, services: Services, hands: did.Hands, act: did.Act, slug: str, words: str
) -> None:
    del slug
    await client.get("/verify")
    data = act(hands).data
    with bounded(2 * len(data) + (BYTES_OF_A_BOMB if "bomb" in act.__name__ else BYTES)):
        answer = await client.post("/verify", files={"file": ("a.pdf", data, "application/pdf")})
    assert answer.status_code in (413, 422)
    assert words in answer.text
    assert "<html" in answer.text
