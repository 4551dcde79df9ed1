"""Render a paper: the one call other packages make."""

from kernel.paper.blocks import PaperDocument
from kernel.paper.draw import draw
from kernel.paper.flow import FACES, Flow
from kernel.paper.pdf import Metadata, write_pdf


def render(document: PaperDocument) -> bytes:
    """Return the paper as PDF/A-3b with attachments and empty signature fields, ready to be signed.

    Pure and CPU-bound: call it in a worker process (`kernel.cpu`). The same document gives the same bytes.
    """
    flow = Flow(document.size, foot=document.foot, running=document.running, stamp=document.stamp)
    draw(flow, document.blocks)
    sheets = flow.finish()
    return write_pdf(
        Metadata(document.title, document.author, document.created_at),
        sheets,
        faces={name: face() for name, face in FACES.items()},
        forms=flow.forms,
        pictures=flow.pictures,
        fields=flow.fields,
        attachments=document.attachments,
    )


def page_count(pdf: bytes) -> int:
    """Return how many pages a file of ours has."""
    return pdf.count(b"<</Type/Page/Parent ")
