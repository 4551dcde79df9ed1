"""A small writer of canonical XML: no white space between tags, NFC, closed tags, the escapes of C14N.

What it writes is its own canonical form, so the bytes that are stored are the bytes that are digested.
"""

import re
import unicodedata

Node = tuple[str, "str | list[Node]"]

_FORBIDDEN = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class BadText(ValueError):
    """A character that XML 1.0 cannot hold."""


def node(name: str, *children: Node | None) -> Node:
    """Return an element with these children; None children are left out."""
    return (name, [child for child in children if child is not None])


def text(name: str, value: object) -> Node:
    """Return an element that holds a text."""
    return (name, str(value))


def optional(name: str, value: object) -> Node | None:
    """Return an element, or None for an empty value: the format wants no empty optional tags."""
    return None if value in (None, "") else text(name, value)


def write(tree: Node, *, attributes: str = "") -> str:
    """Write an element. `attributes` is ready-made text for the outermost tag. Raises BadText."""
    name, children = tree
    inner = escape(children) if isinstance(children, str) else "".join(write(child) for child in children)
    return f"<{name}{attributes}>{inner}</{name}>"


def escape(value: str) -> str:
    """Escape a text node as canonical XML does. Raises BadText."""
    value = unicodedata.normalize("NFC", value)
    if _FORBIDDEN.search(value):
        raise BadText(repr(value))
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")
