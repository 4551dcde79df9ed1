"""The listed provider that carries our invoices to the tax authority (TT 91/2026/TT-BTC Điều 12)."""

from typing import Literal, Protocol, TypeVar
from uuid import UUID

import httpx
import msgspec
from msgspec import Struct

from billing.invoices.rules import Relation


class Outgoing(Struct, frozen=True):
    """A signed invoice on its way. `uuid` is ours and fixed at the first attempt: sending twice issues once."""

    uuid: UUID
    xml: bytes
    relation: Relation | None = None
    earlier: UUID | None = None


class Issued(Struct, frozen=True):
    """Accepted; `xml` carries the authority's code and signature."""

    xml: bytes


class Pending(Struct, frozen=True):
    """Accepted, not coded yet."""


class Unknown(Struct, frozen=True):
    """The provider has never seen this uuid: it may be sent."""


class Rejected(Struct, frozen=True):
    """Refused for its content; the number is not used up and the content may be mended."""

    reasons: tuple[str, ...]


Answer = Issued | Pending | Rejected
Status = Issued | Pending | Rejected | Unknown


class ProviderUnsure(Exception):
    """No usable answer: a timeout, an outage or garbage. The invoice may or may not have been issued."""


class InvoiceProvider(Protocol):
    """What we ask of a provider. There is no cancelling (TT 91/2026/TT-BTC Điều 10)."""

    name: str

    async def issue(self, invoice: Outgoing) -> Answer:
        """Send once; the same uuid again returns the first result. Raises ProviderUnsure."""

    async def status(self, uuid: UUID) -> Status:
        """Tell what became of an invoice, by our uuid, never by number. Raises ProviderUnsure."""

    async def notify_error(self, uuids: list[UUID], reason: str) -> str:
        """Send notice 04/SS-HĐĐT and return its reference. Raises ProviderUnsure."""

    async def health(self) -> None:
        """Raises ProviderUnsure when the provider does not answer."""


class _Reply(Struct):
    state: Literal["issued", "pending", "rejected"]
    xml: str = ""
    reasons: tuple[str, ...] = ()


class _Missing(Struct):
    state: str
    """"unknown": said about this uuid, not about the address."""


class _Notice(Struct):
    reference: str


_T = TypeVar("_T")


class HttpInvoiceProvider:
    """The provider behind JSON over HTTP."""

    def __init__(
        self, http: httpx.AsyncClient, *, url: str, token: str, name: str, timeout_seconds: float
    ) -> None:
        self.name = name
        self._http, self._url, self._timeout = http, url.rstrip("/"), timeout_seconds
        self._headers = {"authorization": f"Bearer {token}"}

    async def issue(self, invoice: Outgoing) -> Answer:
        """Send once; the same uuid again returns the first result. Raises ProviderUnsure."""
        body = {"uuid": str(invoice.uuid), "xml": invoice.xml.decode()}
        if invoice.relation:
            body |= {"relation": invoice.relation, "earlier": str(invoice.earlier)}
        answer = await self._call("POST", "/invoices", body)
        return _read(answer, accepted=(200, 201, 202, 422))

    async def status(self, uuid: UUID) -> Status:
        """Tell what became of an invoice, by our uuid, never by number. Raises ProviderUnsure."""
        answer = await self._call("GET", f"/invoices/{uuid}")
        if answer.status_code == 404 and _decode(answer, _Missing).state == "unknown":
            return Unknown()
        return _read(answer, accepted=(200, 202))

    async def notify_error(self, uuids: list[UUID], reason: str) -> str:
        """Send notice 04/SS-HĐĐT and return its reference. Raises ProviderUnsure."""
        answer = await self._call(
            "POST", "/notices", {"uuids": [str(uuid) for uuid in uuids], "reason": reason}
        )
        if answer.status_code not in (200, 201):
            raise ProviderUnsure(f"HTTP {answer.status_code}")
        return _decode(answer, _Notice).reference

    async def health(self) -> None:
        """Raises ProviderUnsure when the provider does not answer."""
        answer = await self._call("GET", "/health")
        if answer.status_code != 200:
            raise ProviderUnsure(f"HTTP {answer.status_code}")

    async def _call(self, method: str, path: str, body: object = None) -> httpx.Response:
        try:
            return await self._http.request(
                method, self._url + path, json=body, headers=self._headers, timeout=self._timeout
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ProviderUnsure(type(error).__name__) from error


def _read(answer: httpx.Response, *, accepted: tuple[int, ...]) -> Answer:
    if answer.status_code not in accepted:
        raise ProviderUnsure(f"HTTP {answer.status_code}")
    reply = _decode(answer, _Reply)
    if reply.state == "issued":
        return Issued(reply.xml.encode())
    return Pending() if reply.state == "pending" else Rejected(reply.reasons)


def _decode(answer: httpx.Response, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except msgspec.DecodeError as error:
        raise ProviderUnsure("unreadable answer") from error
