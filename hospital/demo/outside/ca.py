"""The counter of the demo's certification authority: bring a certificate request, take the certificate away.

A real authority looks at papers first; this one only sees that the request was signed by its own key.
"""

from html import escape
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.enums import MediaType
from litestar.types import ControllerRouterHandler

from hospital.demo.outside.app import OutsideSettings
from hospital.demo.pki import DemoPki, Holder, Key
from kernel.clock import Instant, utc_now

PUBLIC = {"public": True, "exclude_from_csrf": True}
_STYLE = """body{font:17px/26px system-ui,sans-serif;margin:0 auto;max-width:640px;padding:24px;color:#0f1b2d;background:#f5f7f9}
h1{font-size:24px}form{background:#fff;border:1px solid #d9e0e7;border-radius:10px;padding:24px;display:grid;gap:12px}
textarea{font:13px/18px monospace;width:100%;box-sizing:border-box;min-height:160px}label{font-weight:600}
button{min-height:48px;border:0;border-radius:6px;font:600 17px system-ui;padding:0 24px;background:#0b6e6e;color:#fff}
p[role=alert]{background:#fdecea;color:#b3261e;padding:12px;border-radius:6px}small{color:#52606d}"""


class BadRequest(ValueError):
    """What was brought is no request, or nobody signed it."""


class _PublicHalf:
    """A key of which an authority sees only the public half."""

    def __init__(self, key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> None:
        self._key = key

    def public_key(self) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
        return self._key


def certify(pki: DemoPki, data: bytes, *, now: Instant) -> bytes:
    """Return the certificate of a request and its issuer as PEM. Raises BadRequest."""
    try:
        request = x509.load_pem_x509_csr(data)
    except ValueError as error:
        raise BadRequest("Tệp không phải yêu cầu cấp chứng thư (CSR, PEM).") from error
    key = request.public_key()
    if not request.is_signature_valid or not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise BadRequest("Chữ ký trên yêu cầu không đúng: khóa không thuộc người xin cấp.")
    said = request.subject
    holder = Holder(
        "issued",
        _first(said, NameOID.COMMON_NAME),
        _first(said, NameOID.USER_ID) or _first(said, NameOID.SERIAL_NUMBER),
        title=_first(said, NameOID.TITLE),
        organisation=_first(said, NameOID.ORGANIZATION_NAME),
    )
    certificate, _ = pki.issue(holder, cast("Key", _PublicHalf(key)), now=now)
    return b"".join(one.public_bytes(Encoding.PEM) for one in (certificate, pki.issuing))


def routes(settings: OutsideSettings) -> list[ControllerRouterHandler]:
    """Return the handlers of the counter, for the server of the outside world."""

    @get("/outside/ca", opt=PUBLIC, media_type=MediaType.HTML)
    async def counter() -> str:
        return _page()

    @post("/outside/ca", opt=PUBLIC, status_code=200)
    async def issue(request: Request[Any, Any, Any]) -> Response[Any]:
        form = await request.form()
        file, text = form.get("file"), str(form.get("text") or "")
        data = await file.read() if isinstance(file, UploadFile) else b""
        try:
            pem = certify(DemoPki(settings.data_dir / "pki"), data or text.encode(), now=utc_now())
        except BadRequest as refused:
            return Response(_page(str(refused)), media_type=MediaType.HTML, status_code=422)
        headers = {"content-disposition": 'attachment; filename="chung-thu.pem"'}
        return Response(pem, media_type="application/x-pem-file", headers=headers)

    return [counter, issue]


def _first(name: x509.Name, kind: x509.ObjectIdentifier) -> str:
    found = name.get_attributes_for_oid(kind)
    return str(found[0].value) if found else ""


def _page(refusal: str = "") -> str:
    told = f'<p role="alert">{escape(refusal)}</p>' if refusal else ""
    return f"""<!doctype html><html lang="vi"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Nơi cấp chứng thư (chạy thử)</title><style>{_STYLE}</style>
<h1>Nơi cấp chứng thư <small>BẢN CHẠY THỬ</small></h1>{told}
<form method="post" action="/outside/ca" enctype="multipart/form-data">
<label for="file">Tệp yêu cầu (CSR)</label><input type="file" id="file" name="file" accept=".pem,.csr" autofocus>
<label for="text">Hoặc dán nội dung</label><textarea id="text" name="text" spellcheck="false"></textarea>
<button>Cấp chứng thư</button><small>Cấp ngay, hạn ba năm. Chỉ bản chạy thử tin chứng thư này.</small></form></html>"""
