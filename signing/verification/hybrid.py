"""Files with two tables of objects: readers older than PDF 1.5 may see others than today's do (ISO 32000-2, 7.5.8.4).

pyHanko judges no signature on them unless told to. We tell it to, after it has read the file strictly, for a signature
that covers every byte: nothing came after it, so what today's readers show is what was signed. What was added to such
a file later is not judged.
"""

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import EmbeddedPdfSignature

from signing.verification.report import SignatureReport
from signing.verification.wording import unreadable

TWO_FACES = "Tệp có hai bảng tham chiếu: chương trình đọc PDF đời cũ có thể hiển thị khác."
ADDED_TO = (
    "Tệp có hai bảng tham chiếu và được ghi thêm sau chữ ký này, nên không xác định được phần thêm có đổi nội dung "
    "đã ký hay không."
)


def is_hybrid(reader: PdfFileReader) -> bool:
    return bool(reader.xrefs.hybrid_xrefs_present)


def let_judge(reader: PdfFileReader) -> None:
    """Lift pyHanko's ban on a hybrid file that it has read by its strict rules; other files stay strict."""
    if is_hybrid(reader):
        reader.strict = False


def not_judged(signature: EmbeddedPdfSignature, size: int) -> SignatureReport | None:
    """Return the refusal of a signature on a hybrid file of `size` bytes that does not cover all of it."""
    start, _, second, rest = (int(number) for number in signature.byte_range)
    if not is_hybrid(signature.reader) or (start == 0 and second + rest == size):
        return None
    return unreadable(str(signature.field_name), ADDED_TO)
