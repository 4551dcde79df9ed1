"""Public pages: what is behind a verify code, and what a file's signatures are worth."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import State, UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template
from msgspec.structs import replace

from kernel.clock import utc_now
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import Actor, client_ip
from signing.archive.service import archived_sha256, source_of
from signing.documents.access import PUBLIC, kept_answers, note_view
from signing.documents.rules import STATE_WORDS, DocumentState, read_code
from signing.documents.views import find_by_code, find_by_hash, get_document
from signing.limits import take_try
from signing.rest import pdf_response
from signing.settings import SigningSettings
from signing.verification.service import verify_file

Wire = Request[Any, Any, State]
PUBLIC_OPT = {"public": True}


@get("/v/{code:str}", opt=PUBLIC_OPT, include_in_schema=False)
async def verify_code(
    code: FromPath[str],
    request: Wire,
    services: NamedDependency[Services],
    signing_settings: NamedDependency[SigningSettings],
    visitor: NamedDependency[Actor | None],
) -> Template:
    """Say who signed the document of a printed code, when, and whether it still stands."""
    now = utc_now()
    await _count(services, "verify", request, signing_settings, now)
    async with services.sessions.begin() as session:
        document = await find_by_code(session, code)
        await note_view(session, document, visitor or replace(PUBLIC, ip=client_ip(request)))
        kept = await kept_answers(session, document.id)
        newer = await get_document(session, document.superseded_by) if document.superseded_by else None
        best = await archived_sha256(session, document.id) or document.head_sha256
    data = await services.objects.get(best)
    report = await verify_file(services, data, now=now, kept=kept)
    context = {
        "document": document,
        "newer": newer,
        "report": report,
        "word": STATE_WORDS[document.state],
        "DocumentState": DocumentState,
    }
    return Template("signing/code.html", context=context)


@get("/v/{code:str}/original.pdf", opt=PUBLIC_OPT, include_in_schema=False)
async def original(
    code: FromPath[str],
    request: Wire,
    services: NamedDependency[Services],
    signing_settings: NamedDependency[SigningSettings],
    visitor: NamedDependency[Actor | None],
) -> Response[bytes]:
    """The original behind a printed code."""
    now = utc_now()
    await _count(services, "file", request, signing_settings, now)
    async with services.sessions.begin() as session:
        document = await find_by_code(session, code)
        await note_view(session, document, visitor or replace(PUBLIC, ip=client_ip(request)))
        best = await archived_sha256(session, document.id) or document.head_sha256
    return pdf_response(await services.objects.get(best), f"{document.code}.pdf")


@get("/v", opt=PUBLIC_OPT, include_in_schema=False)
async def typed_code(code: FromQuery[str] = "") -> Redirect:
    """Lead from a typed code to its page."""
    plain = read_code(code)
    return Redirect(f"/v/{plain}" if plain else "/verify?code=1", status_code=303)


@get("/verify", opt=PUBLIC_OPT, include_in_schema=False)
async def upload_form(code: FromQuery[int] = 0) -> Template:
    """Ask for a file or a code."""
    refusal = "Mã gồm 16 chữ và số, in dưới mã QR. Hãy gõ lại." if code else ""
    return _upload(refusal=refusal)


@post("/verify", opt=PUBLIC_OPT, include_in_schema=False, status_code=200)
async def upload(
    request: Wire,
    services: NamedDependency[Services],
    signing_settings: NamedDependency[SigningSettings],
) -> Template:
    """Judge the uploaded file; nothing of it is kept."""
    now = utc_now()
    await _count(services, "verify", request, signing_settings, now)
    form = await request.form()
    file = form.get("file")
    if not isinstance(file, UploadFile):
        return _upload(refusal="Hãy chọn tệp PDF hoặc XML.", status=422)
    data = await file.read()
    try:
        report = await verify_file(services, data, now=now)
    except Problem as refused:
        return _upload(refusal=refused.detail, status=422)
    async with services.sessions() as session:
        source = await source_of(session, report.sha256) or report.sha256
        document = await find_by_hash(session, source)
    return _upload(report=report, name=file.filename, document=document, source=source)


async def _count(
    services: Services, what: str, request: Wire, settings: SigningSettings, now: datetime
) -> None:
    """Count one try of this address. Raises TooManyTries."""
    limit = settings.verify_per_minute
    await take_try(services.sessions, what, client_ip(request), per_minute=limit, now=now)


def _upload(
    *,
    refusal: str = "",
    report: Any = None,
    name: str = "",
    document: Any = None,
    source: str = "",
    status: int = 200,
) -> Template:
    context = {
        "refusal": refusal,
        "report": report,
        "name": name,
        "document": document,
        "DocumentState": DocumentState,
        "source": source,
    }
    return Template("signing/verify.html", context=context, status_code=status)


VERIFY_ROUTES = [verify_code, original, typed_code, upload_form, upload]
