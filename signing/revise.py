"""Write the revision that signs a PDF of any program: our own, a few hundred bytes and the hole. pyHanko only judges it.

Understands cross-reference tables and streams, object streams, forms and fields old and new. What is built by other
rules is OddPdf: hybrid cross-references, certified files, locks and seed values of fields, XFA, encryption.
"""

import hashlib
from datetime import datetime

from msgspec import Struct

from signing.append import FieldTaken, RevisionWriter
from signing.pdf_file import PdfFile
from signing.pdf_syntax import OddPdf, Ref, Value, text_of, write_value

_FIELDS_MAXIMUM = 2_000
_PAGES_DEEP_MAXIMUM = 40
_DECIDED_BY_PYHANKO = (b"/Lock", b"/SV")
_SIGNATURES_EXIST, _APPEND_ONLY = 1, 2


class Revision(Struct):
    """The bytes to append, with an empty hole, and the digest that the CMS has to sign."""

    data: bytearray
    hole: int  # Offset in `data`.
    digest: bytes


def open_revision(pdf: bytes, field: str, *, room: int, at: datetime, reason: str = "") -> Revision:
    """Write the revision that signs a new or an empty field. Raises FieldTaken, OddPdf."""
    try:
        return _Reviser(PdfFile(pdf), field).revise(room=room, at=at, reason=reason)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        if isinstance(error, FieldTaken | OddPdf):
            raise
        raise OddPdf(type(error).__name__) from error


class _Reviser:
    """Collects the objects that change: the field or a new one, its page, the form, the catalog."""

    def __init__(self, file: PdfFile, field: str) -> None:
        self._file, self._field = file, field
        root = file.trailer.get(b"/Root")
        if not isinstance(root, Ref):
            raise OddPdf("root")
        self._root, self._changed = root, dict[Ref, Value]()
        self._catalog = dict(file.dictionary(root))
        if b"/Perms" in self._catalog:
            raise OddPdf("certified")
        size = file.trailer.get(b"/Size")
        if not isinstance(size, bytes) or not size.isdigit():
            raise OddPdf("size")
        self._size = int(size)
        if any(file.place(self._size + more) is not None for more in range(3)):
            raise OddPdf("more objects than the size says")

    def revise(self, *, room: int, at: datetime, reason: str) -> Revision:
        signature, free = Ref(self._size, 0), self._size + 1
        form = dict(self._file.dictionary(self._catalog.get(b"/AcroForm", {})))
        if b"/XFA" in form:
            raise OddPdf("XFA")
        found = self._find(form)
        if found is None:
            self._add(form, Ref(free, 0), signature)
            free += 1
        else:
            self._changed[found[0]] = found[1] | {b"/V": signature}
        self._keep_form(form, changed=found is None)
        return self._write(signature, free, room=room, at=at, reason=reason)

    def _find(self, form: dict[bytes, Value]) -> tuple[Ref, dict[bytes, Value]] | None:
        """Look for an empty signature field of this name. Raises FieldTaken, OddPdf."""
        listed = self._file.resolve(form.get(b"/Fields", []))
        if not isinstance(listed, list):
            raise OddPdf("fields")
        waiting = [(item, "", form.get(b"/FT")) for item in reversed(listed)]
        for _ in range(_FIELDS_MAXIMUM):
            if not waiting:
                return None
            item, above, kind = waiting.pop()
            if not isinstance(item, Ref):
                raise OddPdf("a field that is no object of its own")
            field = self._file.dictionary(item)
            if field.get(b"/FT", kind) == b"/Sig" and any(key in field for key in _DECIDED_BY_PYHANKO):
                raise OddPdf("a lock or seed values")
            name = text_of(self._file.resolve(field.get(b"/T")))
            full = above if name is None else f"{above}.{name}" if above else name
            if full == self._field:
                if field.get(b"/FT", kind) != b"/Sig" or b"/V" in field:
                    raise FieldTaken(full)
                return item, field
            kids = self._file.resolve(field.get(b"/Kids", []))
            if name is not None and isinstance(kids, list) and self._field.startswith(full + "."):
                waiting += [(kid, full, field.get(b"/FT", kind)) for kid in reversed(kids)]
        raise OddPdf("too many fields")

    def _add(self, form: dict[bytes, Value], widget: Ref, signature: Ref) -> None:
        """Add an invisible field to the form and to the first page. Raises OddPdf."""
        if "." in self._field or not self._field.isascii() or set(self._field) & set("()\\"):
            raise OddPdf("name of a new field")
        page = self._first_page()
        name = b"(" + self._field.encode() + b")"
        own: dict[bytes, Value] = {b"/Type": b"/Annot", b"/Subtype": b"/Widget", b"/FT": b"/Sig", b"/T": name}
        own |= {b"/F": b"132", b"/Rect": b"[0 0 0 0]", b"/P": page, b"/V": signature}
        self._changed[widget] = own
        self._extend(page, dict(self._file.dictionary(page)), b"/Annots", widget)
        held = form.get(b"/Fields")
        if isinstance(held, Ref):
            self._changed[held] = [*self._list(held), widget]
        else:
            form[b"/Fields"] = [*self._list(held), widget]

    def _extend(self, owner: Ref, members: dict[bytes, Value], key: bytes, item: Ref) -> None:
        held = members.get(key)
        if isinstance(held, Ref):
            self._changed[held] = [*self._list(held), item]
        else:
            members[key] = [*self._list(held), item]
            self._changed[owner] = members

    def _list(self, value: Value | None) -> list[Value]:
        found = self._file.resolve(value)
        if found is None:
            return []
        if not isinstance(found, list):
            raise OddPdf("no list")
        return found

    def _first_page(self) -> Ref:
        node = self._catalog.get(b"/Pages")
        for _ in range(_PAGES_DEEP_MAXIMUM):
            if not isinstance(node, Ref):
                break
            members = self._file.dictionary(node)
            if members.get(b"/Type") == b"/Page":
                return node
            kids = self._list(members.get(b"/Kids"))
            # An empty branch of the tree comes before the first page in no file seen; pyHanko would know.
            node = kids[0] if kids else None
        raise OddPdf("first page")

    def _keep_form(self, form: dict[bytes, Value], *, changed: bool) -> None:
        """Say in the form that there are signatures, and write form or catalog if that changed anything."""
        wanted = _SIGNATURES_EXIST | _APPEND_ONLY
        said = form.get(b"/SigFlags", b"0")
        flags = int(said) if isinstance(said, bytes) and said.isdigit() else 0
        if flags & wanted == wanted and not changed:
            return
        form[b"/SigFlags"] = b"%d" % (flags | wanted)
        held = self._catalog.get(b"/AcroForm")
        if isinstance(held, Ref):
            self._changed[held] = form
        else:
            self._changed[self._root] = self._catalog | {b"/AcroForm": form}

    def _write(self, signature: Ref, free: int, *, room: int, at: datetime, reason: str) -> Revision:
        file = self._file
        out = RevisionWriter(len(file.data), file.data[-1:] in (b"\n", b"\r"))
        for (number, generation), value in self._changed.items():
            out.object(number, write_value(value), generation)
        byte_range, hole = out.signature(signature.number, room, at, reason)
        kept = {key: file.trailer[key] for key in (b"/Root", b"/Info", b"/ID") if key in file.trailer}
        entries = write_value(kept | {b"/Prev": b"%d" % file.startxref})[2:-2]
        if file.by_stream:
            out.stream(entries, free)
        else:
            out.trailer(entries, free)
        whole = out.close(byte_range, hole, room, hashlib.sha256(file.data))
        return Revision(out.data, hole, whole.digest())
