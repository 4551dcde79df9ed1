"""Small PDF files built as the renderer builds them: classic table, empty signature fields, one font for signatures."""

from collections.abc import Sequence


class Letters:
    """A face whose glyph numbers are the letters' own code points: enough to look at a content stream."""

    def glyphs(self, text: str) -> str:
        return "".join(f"{ord(letter):04X}" for letter in text)

    def width(self, text: str, size: float) -> float:
        return 0.55 * size * len(text)


def a_file(slots: Sequence[str] = ("bac_si",), *, text: str = "Benh an", padding: int = 0) -> bytes:
    """Return an unsigned one-page PDF with empty fields."""
    pages = b"<</Type/Pages/Kids[4 0 R]/Count 1>>"
    widgets = list(range(7, 7 + len(slots)))
    references = b" ".join(b"%d 0 R" % number for number in widgets)
    stream = b"BT /F1 12 Tf 60 780 Td (%s) Tj ET %s" % (text.encode(), b" " * padding)
    form = b"/AcroForm<</SigFlags 3/DR<</Font<</FSig 5 0 R>>>>/Fields[%s]>>" % references
    bodies = [
        b"<</Type/Catalog/Pages 2 0 R%s>>" % form,
        pages,
        b"<</Title(Thu)/Producer(test)>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 5 0 R>>>>/Contents 6 0 R"
        b"/Annots[%s]>>" % references,
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(stream), stream),
    ]
    for at, slot in enumerate(slots):
        blank = 7 + len(slots) + at
        bodies.append(
            b"<</Type/Annot/Subtype/Widget/FT/Sig/T(%s)/F 132/Rect[60 %d 260 %d]/P 4 0 R/AP<</N %d 0 R>>>>"
            % (slot.encode(), 60 + 30 * at, 88 + 30 * at, blank)
        )
    blanks = [b"<</Type/XObject/Subtype/Form/BBox[0 0 200 28]/Resources<<>>/Length 0>>\nstream\n\nendstream"]
    return assemble(bodies + blanks * len(slots))


def assemble(bodies: Sequence[bytes]) -> bytes:
    """Number the objects and write the cross-reference table."""
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    for offset in offsets:
        out += b"%010d 00000 n \n" % offset
    ids = b"/ID[<00112233445566778899AABBCCDDEEFF><00112233445566778899AABBCCDDEEFF>]"
    out += b"trailer\n<</Size %d/Root 1 0 R/Info 3 0 R%s>>\n" % (len(bodies) + 1, ids)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)
