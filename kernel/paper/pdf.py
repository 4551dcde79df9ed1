"""The file itself: numbered objects, PDF/A-3b metadata, attachments, empty signature fields, one xref table.

ISO 32000-1 for the syntax, ISO 19005-3 level B for what must and must not stand in it. Written front to back
once; `signing` appends to these bytes and relies on the forms of the widget objects and of the trailer.
"""

import hashlib
import zlib
from functools import cache
from xml.sax.saxutils import escape

from msgspec import Struct
from PIL import ImageCms

from kernel.clock import Instant
from kernel.paper.fonts import Face

PRODUCER = "Lành"
_END_OF_LINE = (b"\r", b"\n")
_XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    'xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">'
    "<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>"
    "<dc:format>application/pdf</dc:format>"
    '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>'
    "<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>"
    "<dc:language><rdf:Bag><rdf:li>vi</rdf:li></rdf:Bag></dc:language>"
    "<pdf:Producer>{producer}</pdf:Producer><xmp:CreateDate>{moment}</xmp:CreateDate>"
    "<xmp:ModifyDate>{moment}</xmp:ModifyDate></rdf:Description></rdf:RDF></x:xmpmeta>"
    '<?xpacket end="w"?>'
)


class Attachment(Struct, frozen=True):
    """A file carried inside the paper; machines read it, the paper is its picture (AFRelationship Source)."""

    name: str
    data: bytes
    description: str = ""
    media_type: str = "application/json"


class Field(Struct, frozen=True):
    """An empty signature field: its name and its rectangle on a page (points, lower left first)."""

    name: str
    page: int
    rectangle: tuple[float, float, float, float]


class Sheet(Struct, frozen=True):
    """One finished page: its size in points and its content operators."""

    width: float
    height: float
    content: str


class Metadata(Struct, frozen=True):
    title: str
    author: str
    created_at: Instant


class _Objects:
    """Bodies of the indirect objects; number n stands at index n - 1."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def add(self, body: bytes = b"") -> int:
        self.bodies.append(body)
        return len(self.bodies)

    def put(self, number: int, body: bytes) -> None:
        self.bodies[number - 1] = body

    def stream(self, head: str, data: bytes) -> int:
        """Add a stream as it is. Its data may not end with an end-of-line byte (see `packed`)."""
        return self.add(f"<<{head}/Length {len(data)}>>\nstream\n".encode("latin-1") + data + b"\nendstream")

    def packed(self, head: str, compressed: bytes) -> int:
        """Add a stream of zlib data.

        One in 128 ends with CR or LF; before `endstream` readers cannot tell it from the end of the line (ISO 19005-3,
        6.1.7.1), so that one is written in hexadecimal, which ends with ">".
        """
        if compressed.endswith(_END_OF_LINE):
            return self.stream(
                f"{head}/Filter[/ASCIIHexDecode/FlateDecode]", compressed.hex().encode() + b">"
            )
        return self.stream(f"{head}/Filter/FlateDecode", compressed)


def write_pdf(
    metadata: Metadata,
    sheets: list[Sheet],
    *,
    faces: dict[str, Face],
    forms: dict[str, tuple[float, float, str]],
    fields: list[Field],
    attachments: tuple[Attachment, ...],
    pictures: dict[str, tuple[bytes, int, int, bool]] | None = None,
) -> bytes:
    """Return the finished file.

    `faces` maps resource names to faces, the first of them becomes /FSig of the form; `forms` maps names to
    drawings (width, height, operators) that pages may use more than once; `pictures` to JPEGs (bytes, width, height,
    grey or colour).
    """
    objects = _Objects()
    catalog, info, pages = objects.add(), objects.add(), objects.add()
    fonts = {name: _font(objects, face) for name, face in faces.items()}
    xmp, profile = _metadata(objects, info, metadata), objects.packed("/N 3", srgb())
    files = [_attachment(objects, attachment, metadata.created_at) for attachment in attachments]
    resources = "/Font<<{}>>".format("".join(f"/{name} {number} 0 R" for name, number in fonts.items()))
    drawn = {name: _form(objects, *form) for name, form in forms.items()}
    drawn |= {name: _picture(objects, *picture) for name, picture in (pictures or {}).items()}
    if drawn:
        resources += "/XObject<<{}>>".format(
            "".join(f"/{name} {number} 0 R" for name, number in drawn.items())
        )
    numbers = [objects.add() for _ in sheets]
    widgets = _widgets(objects, fields, numbers)
    for index, sheet in enumerate(sheets):
        content = objects.packed("", zlib.compress(sheet.content.encode("latin-1"), 6))
        annotations = " ".join(f"{number} 0 R" for number, field in widgets if field.page == index)
        objects.put(
            numbers[index],
            f"<</Type/Page/Parent {pages} 0 R/MediaBox[0 0 {sheet.width:g} {sheet.height:g}]"
            f"/Resources<<{resources}>>/Contents {content} 0 R"
            f"{f'/Annots[{annotations}]' if annotations else ''}>>".encode(),
        )
    kids = " ".join(f"{number} 0 R" for number in numbers)
    objects.put(pages, f"<</Type/Pages/Count {len(numbers)}/Kids[{kids}]>>".encode())
    signature_face = next(iter(fonts.values()))
    objects.put(catalog, _catalog(pages, xmp, profile, files, widgets, signature_face))
    return _assemble(objects.bodies, catalog, info)


def _catalog(
    pages: int,
    xmp: int,
    profile: int,
    files: list[tuple[str, int]],
    widgets: list[tuple[int, Field]],
    signature_face: int,
) -> bytes:
    body = (
        f"<</Type/Catalog/Pages {pages} 0 R/Lang(vi)/ViewerPreferences<</DisplayDocTitle true>>"
        f"/Metadata {xmp} 0 R"
        f"/OutputIntents[<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier(sRGB)/Info(sRGB)"
        f"/DestOutputProfile {profile} 0 R>>]"
    )
    if files:
        names = "".join(f"{name} {number} 0 R" for name, number in sorted(files))
        body += f"/AF[{' '.join(f'{number} 0 R' for _, number in files)}]"
        body += f"/Names<</EmbeddedFiles<</Names[{names}]>>>>"
    if widgets:
        body += (
            f"/AcroForm<</SigFlags 3/DA(/FSig 9 Tf 0 g)/DR<</Font<</FSig {signature_face} 0 R>>>>"
            f"/Fields[{' '.join(f'{number} 0 R' for number, _ in widgets)}]>>"
        )
    return body.encode("latin-1") + b">>"


def _assemble(bodies: list[bytes], root: int, info: int) -> bytes:
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(bodies, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start, size = len(out), len(bodies) + 1
    identity = hashlib.sha256(out).hexdigest()[:32].upper()
    out += f"xref\n0 {size}\n0000000000 65535 f \n".encode()
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += (
        f"trailer\n<</Size {size}/Root {root} 0 R/Info {info} 0 R/ID[<{identity}><{identity}>]>>\n"
        f"startxref\n{start}\n%%EOF\n"
    ).encode()
    return bytes(out)


def _font(objects: _Objects, face: Face) -> int:
    """Add a Type 0 font with identity encoding: the text shows glyph ids of the source face."""
    metrics = face.metrics
    program = objects.packed(f"/Length1 {face.program_length}", face.program)
    descriptor = objects.add(
        f"<</Type/FontDescriptor/FontName/LANHAA+{face.name}/Flags 4"
        f"/FontBBox[{' '.join(map(str, metrics.box))}]/ItalicAngle 0"
        f"/Ascent {metrics.ascent}/Descent {metrics.descent}/CapHeight {metrics.cap_height}"
        f"/StemV {metrics.stem}/FontFile2 {program} 0 R>>".encode()
    )
    descendant = objects.add(
        f"<</Type/Font/Subtype/CIDFontType2/BaseFont/LANHAA+{face.name}/CIDToGIDMap/Identity"
        "/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
        f"/FontDescriptor {descriptor} 0 R/DW 1000/W[{face.width_array}]>>".encode()
    )
    unicode_map = objects.packed("", face.to_unicode)
    return objects.add(
        f"<</Type/Font/Subtype/Type0/BaseFont/LANHAA+{face.name}/Encoding/Identity-H"
        f"/DescendantFonts[{descendant} 0 R]/ToUnicode {unicode_map} 0 R>>".encode()
    )


def _form(objects: _Objects, width: float, height: float, operators: str) -> int:
    head = f"/Type/XObject/Subtype/Form/BBox[0 0 {width:g} {height:g}]/Resources<<>>"
    return objects.packed(head, zlib.compress(operators.encode("latin-1"), 6))


def _picture(objects: _Objects, jpeg: bytes, width: int, height: int, grey: bool) -> int:
    colours = "DeviceGray" if grey else "DeviceRGB"
    head = f"/Type/XObject/Subtype/Image/Width {width}/Height {height}/ColorSpace/{colours}"
    return objects.stream(f"{head}/BitsPerComponent 8/Filter/DCTDecode", jpeg)


def _widgets(objects: _Objects, fields: list[Field], pages: list[int]) -> list[tuple[int, Field]]:
    """Add the empty fields. Each is one line in this very order of keys: the signer finds them by it."""
    widgets = []
    for field in fields:
        left, bottom, right, top = field.rectangle
        box = f"/Type/XObject/Subtype/Form/BBox[0 0 {right - left:.2f} {top - bottom:.2f}]/Resources<<>>"
        blank = objects.stream(box, b"")
        body = (
            f"<</Type/Annot/Subtype/Widget/FT/Sig/T({field.name})/F 132"
            f"/Rect[{left:.2f} {bottom:.2f} {right:.2f} {top:.2f}]"
            f"/P {pages[field.page]} 0 R/AP<</N {blank} 0 R>>>>"
        )
        widgets.append((objects.add(body.encode()), field))
    return widgets


def _attachment(objects: _Objects, attachment: Attachment, moment: Instant) -> tuple[str, int]:
    data = attachment.data
    check_sum = hashlib.md5(data, usedforsecurity=False).hexdigest()
    file = objects.packed(
        f"/Type/EmbeddedFile/Subtype/{attachment.media_type.replace('/', '#2F')}"
        f"/Params<</Size {len(data)}/ModDate({_pdf_moment(moment)})/CheckSum<{check_sum}>>>",
        zlib.compress(data, 6),
    )
    name = _text(attachment.name)
    number = objects.add(
        f"<</Type/Filespec/F{name}/UF{name}/Desc{_text(attachment.description or attachment.name)}"
        f"/AFRelationship/Source/EF<</F {file} 0 R/UF {file} 0 R>>>>".encode()
    )
    return name, number


def _metadata(objects: _Objects, info: int, metadata: Metadata) -> int:
    moment = _pdf_moment(metadata.created_at)
    objects.put(
        info,
        f"<</Title{_text(metadata.title)}/Author{_text(metadata.author)}/Producer{_text(PRODUCER)}"
        f"/CreationDate({moment})/ModDate({moment})>>".encode(),
    )
    xmp = _XMP.format(
        title=escape(metadata.title),
        author=escape(metadata.author),
        producer=PRODUCER,
        moment=metadata.created_at.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
    )
    return objects.stream("/Type/Metadata/Subtype/XML", xmp.encode())


def _pdf_moment(moment: Instant) -> str:
    return moment.strftime("D:%Y%m%d%H%M%S+00'00'")


def _text(text: str) -> str:
    """Return a text string object: plain for ASCII names, UTF-16 in hexadecimal for the rest."""
    if text.isascii() and not set(text) & set("()\\") and text.isprintable():
        return f"({text})"
    return f"<FEFF{text.encode('utf-16-be').hex().upper()}>"


@cache
def srgb() -> bytes:
    """Return the sRGB profile of LittleCMS, its date fixed so that the same paper is the same bytes."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes.fromhex("07ea00010001000000000000")
    return zlib.compress(bytes(profile), 9)
