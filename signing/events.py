"""Facts that signing publishes."""

from uuid import UUID

from msgspec import Struct

from kernel.clock import Instant


class DocumentSigned(Struct, frozen=True):
    """One slot of a document was signed; `complete` when it was the last, so that the document is issued."""

    document_id: UUID
    kind: str
    subject: str
    slot: str
    signer_id: UUID | None
    """None: the organisation."""
    complete: bool
    sha256: str
    at: Instant


class DocumentRefused(Struct, frozen=True):
    """A signer refused; the document goes back to its author."""

    document_id: UUID
    kind: str
    subject: str
    refused_by: UUID
    reason: str
    at: Instant
