"""A fake invoice provider: takes signed invoices once each, has them coded, answers what became of them.

It behaves like a provider, also badly when told to: POST /outside/invoices/mood {"mode": "timeout"}.
"""

import hmac
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from xml.etree import ElementTree

import anyio
import msgspec
from litestar import Request, Response, Router, get, post
from litestar.exceptions import NotAuthorizedException
from litestar.params import FromPath, JSONBody
from msgspec import Struct, field

from hospital.demo.outside.tax_authority import TaxAuthority, ensure_authority
from kernel.clock import local

PATH = "/outside/invoices"
DEMO_TOKEN = "demo-invoice-token"  # noqa: S105  (the key of a fake)
_WHOLE = re.compile(
    r'^<\?xml[^>]*\?><HDon><DLHDon Id="[^"]+">.*</DLHDon>.*<DSCKS>.*</DSCKS></HDon>$', re.DOTALL
)


class Mood(StrEnum):
    OK = "ok"
    SLOW = "slow"  # Answers after `seconds`.
    TIMEOUT = "timeout"  # Accepts, then answers far too late.
    PENDING = "pending"  # Accepts; the code is there when asked later.
    DUPLICATE = "duplicate"  # Accepts, then answers as if it had come twice.
    REJECT = "reject"  # Refuses the content.
    GARBAGE = "garbage"  # Accepts, then answers with a page of HTML.
    FORGED = "forged"  # Returns an invoice whose total was changed.
    ERROR = "error"  # 503, nothing taken.


class SetMood(Struct, frozen=True):
    mode: Mood
    seconds: float = 3.0


class Sending(Struct, frozen=True):
    uuid: str
    xml: str
    relation: str = ""
    earlier: str = ""


class Notice(Struct, frozen=True):
    uuids: list[str]
    reason: str


class Kept(Struct):
    """An invoice as the provider holds it."""

    sent: str
    number: tuple[str, str, str]
    coded: str


class Provider(Struct):
    """What the provider holds: its key, its mood and every invoice by uuid."""

    authority: TaxAuthority
    token: str = DEMO_TOKEN
    mood: SetMood = field(default_factory=lambda: SetMood(Mood.OK))
    invoices: dict[str, Kept] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    posts: int = 0

    def faults(self, sending: Sending) -> list[str]:
        """Return what is wrong with an invoice, as a provider's validator says it."""
        if not _WHOLE.match(sending.xml):
            return ["XML không đúng định dạng 2.1.0"]
        root = ElementTree.fromstring(sending.xml)  # noqa: S314  (a fake, fed by ourselves)
        found = []
        total = int(root.findtext(".//TgTTTBSo", "0"))
        lines = sum(int(line.findtext("ThTien", "0")) for line in root.iter("HHDVu"))
        tax = int(root.findtext(".//TgTThue", "0"))
        if abs(total - lines - tax) >= 1:
            found.append("Tổng tiền thanh toán khác tổng các dòng")
        if root.find("DSCKS/NBan/{http://www.w3.org/2000/09/xmldsig#}Signature") is None:
            found.append("Thiếu chữ ký người bán")
        number = _number(sending.xml)
        if any(kept.number == number for uuid, kept in self.invoices.items() if uuid != sending.uuid):
            found.append("Số hóa đơn đã dùng")
        return found

    def accept(self, sending: Sending) -> Kept:
        """Code an invoice, or return what was coded before."""
        kept = self.invoices.get(sending.uuid)
        if kept is None:
            coded = self.authority.stamp(sending.xml, sending.uuid, local(datetime.now(UTC)))
            kept = Kept(sending.xml, _number(sending.xml), coded)
            self.invoices[sending.uuid] = kept
        return kept


def routes(settings: Any, provider: Provider | None = None) -> list[Router]:
    """Return the routes of one provider; `settings.data_dir` keeps the authority's key."""
    state = provider or Provider(ensure_authority(settings.data_dir / "outside", datetime.now(UTC)))

    @post("/invoices")
    async def issue(data: JSONBody[Sending], request: Request[Any, Any, Any]) -> Response[Any]:
        _check(request, state)
        state.posts += 1
        return await _issue(state, data)

    @get("/invoices/{uuid:str}")
    async def status(uuid: FromPath[str], request: Request[Any, Any, Any]) -> Response[Any]:
        _check(request, state)
        kept = state.invoices.get(uuid)
        if kept is None:
            return Response({"state": "unknown"}, status_code=404)
        return Response({"state": "issued", "xml": kept.coded})

    @post("/notices")
    async def notify(data: JSONBody[Notice], request: Request[Any, Any, Any]) -> dict[str, str]:
        _check(request, state)
        state.notices.append(data)
        return {"reference": f"04SS-{len(state.notices):06d}"}

    @get("/health")
    async def health(request: Request[Any, Any, Any]) -> dict[str, str]:
        _check(request, state)
        return {"status": "ok"}

    @post("/mood", status_code=200)
    async def mood(data: JSONBody[SetMood]) -> SetMood:
        state.mood = data
        return data

    @get("/log")
    async def log() -> dict[str, Any]:
        return {
            "posts": state.posts,
            "invoices": sorted(state.invoices),
            "notices": msgspec.to_builtins(state.notices),
        }

    @get("/authority.pem", media_type="application/x-pem-file")
    async def authority() -> bytes:
        return state.authority.pem

    return [Router(PATH, route_handlers=[issue, status, notify, health, mood, log, authority])]


async def _issue(state: Provider, data: Sending) -> Response[Any]:
    mood = state.mood.mode
    if mood is Mood.ERROR:
        return Response({"error": "bảo trì"}, status_code=503)
    faults = ["Bị từ chối theo yêu cầu"] if mood is Mood.REJECT else state.faults(data)
    if faults:
        return Response({"state": "rejected", "reasons": faults}, status_code=422)
    if data.uuid in state.invoices and state.invoices[data.uuid].sent != data.xml:
        return Response({"error": "uuid đã dùng cho hóa đơn khác"}, status_code=409)
    kept = state.accept(data)
    if mood in (Mood.SLOW, Mood.TIMEOUT):
        await anyio.sleep(state.mood.seconds * (10 if mood is Mood.TIMEOUT else 1))
    if mood is Mood.PENDING:
        return Response({"state": "pending"}, status_code=202)
    if mood is Mood.DUPLICATE:
        return Response({"error": "hóa đơn đã tồn tại"}, status_code=409)
    if mood is Mood.GARBAGE:
        return Response("<html>Gateway</html>", media_type="text/html")
    xml = kept.coded
    if mood is Mood.FORGED:
        xml = re.sub(r"<TgTTTBSo>(\d+)</TgTTTBSo>", r"<TgTTTBSo>\g<1>0</TgTTTBSo>", xml)
    return Response({"state": "issued", "xml": xml}, status_code=201)


def _check(request: Request[Any, Any, Any], state: Provider) -> None:
    if not hmac.compare_digest(request.headers.get("authorization", ""), f"Bearer {state.token}"):
        raise NotAuthorizedException("token")


def _number(xml: str) -> tuple[str, str, str]:
    found = re.search(r"<KHMSHDon>(\d)</KHMSHDon><KHHDon>(\w{6})</KHHDon><SHDon>(\d+)</SHDon>", xml)
    return (found[1], found[2], found[3]) if found else ("", "", "")
