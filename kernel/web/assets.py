"""Styles, scripts, fonts and icons: read once, served by us under one hashed address, kept by browsers for a year."""

import gzip
import hashlib
import mimetypes
from functools import cache
from pathlib import Path

import brotli
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from markupsafe import Markup

HERE = Path(__file__).parent
STATIC, VENDOR = HERE / "static", HERE / "vendor"
SERVED = {".css", ".js", ".woff2", ".svg", ".png", ".webmanifest"}
YEAR_SECONDS = 31_536_000


class AssetsMissing(RuntimeError):
    """The files of `make assets` are not there: said at start-up, not at the first page."""


@cache
def files() -> dict[str, bytes]:
    """Return every file pages may ask for, by its path under /static/<version>/.

    Raises AssetsMissing before `make assets` has run.
    """
    if not (VENDOR / "manifest.json").is_file():
        raise AssetsMissing("Chưa có phông chữ, biểu tượng và htmx. Hãy chạy: make assets")
    own = {p.relative_to(STATIC).as_posix(): p for p in STATIC.rglob("*") if p.suffix in SERVED}
    fetched = {f"vendor/{p.relative_to(VENDOR).as_posix()}": p for p in VENDOR.rglob("*")}
    wanted = {k: p for k, p in fetched.items() if p.suffix in SERVED and "/icons/" not in k}
    return {name: path.read_bytes() for name, path in sorted((own | wanted).items())}


@cache
def version() -> str:
    """Return the hash of all files together: modules and styles name each other by relative addresses."""
    digest = hashlib.sha256()
    for name, data in files().items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
    return digest.hexdigest()[:12]


def asset(name: str) -> str:
    """Return the address of a static file, such as "app.css". Raises KeyError for a file that is not there."""
    if name not in files():
        raise KeyError(f"no static file {name}")
    return f"/static/{version()}/{name}"


@cache
def icon(name: str, size: int = 20, stroke: float = 1.75) -> Markup:
    """Draw a Lucide icon into the page; it is decoration, the word beside it is the name. Raises KeyError."""
    path = VENDOR / "icons" / f"{name}.svg"
    if not path.is_file():
        raise KeyError(f"no icon {name}: add it to tools/icons.txt and run make assets")
    shapes = path.read_text().split(">", 1)[1].removesuffix("</svg>").replace(" />", "/>")
    return Markup(  # noqa: S704 our own files, and numbers
        f'<svg class="i" width="{size:d}" height="{size:d}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        f'stroke-width="{stroke:g}" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{shapes}</svg>'
    )


@cache
def packed(name: str, encoding: str) -> bytes:
    """Return one file compressed as hard as it goes; done once per process."""
    data = files()[name]
    return brotli.compress(data, quality=11) if encoding == "br" else gzip.compress(data, 9, mtime=0)


@get("/static/{served:str}/{name:path}", opt={"public": True}, include_in_schema=False)
async def static_file(
    request: Request[None, None, State],
    served: FromPath[str],
    name: FromPath[Path],
) -> Response[bytes]:
    """Serve one static file. An address of an older release still answers, but is not kept."""
    key = name.as_posix().lstrip("/")
    if key not in files():
        raise NotFoundException("Không có tệp này.")
    headers = {"vary": "accept-encoding", "x-content-type-options": "nosniff"}
    headers["cache-control"] = (
        f"public, max-age={YEAR_SECONDS}, immutable" if served == version() else "no-cache"
    )
    accepted = request.headers.get("accept-encoding", "")
    encoding = next((e for e in ("br", "gzip") if e in accepted), "") if name.suffix != ".woff2" else ""
    if encoding:
        headers["content-encoding"] = encoding
    kind = {".js": "text/javascript", ".woff2": "font/woff2"}.get(name.suffix)
    media_type = kind or mimetypes.guess_type(key)[0] or "application/octet-stream"
    return Response(
        packed(key, encoding) if encoding else files()[key], media_type=media_type, headers=headers
    )
