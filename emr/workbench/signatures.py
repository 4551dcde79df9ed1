"""How the papers of a visit are signed: at once under a PIN, then at the doctor's phone or token, as policy says."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from emr.sheets.views import SheetLine
from kernel.clock import Instant
from kernel.problems import Refused
from kernel.services import Services
from kernel.staff.api import Actor
from signing.api import SignState, Step, live_sitting, owed_of, sign_documents, start_remote, steps_of


class NotSigned(Refused):
    """Some documents could not be signed; they wait, and nothing written in them is lost."""

    slug = "not-signed"


class Typed(Struct, frozen=True):
    """What was typed into the dialog: the PIN of a key held here, and what a remote service asks through us."""

    pin: str = ""
    remote_pin: str = ""
    otp: str = ""


class Asked(Struct, frozen=True):
    """Signing goes on elsewhere: this sitting waits for the doctor's phone or token."""

    sitting_id: UUID


async def sign_papers(
    services: Services, papers: Sequence[SheetLine], typed: Typed, *, actor: Actor, now: Instant
) -> Asked | None:
    """Sign what waits for this person, step by step; None when nothing is left.

    A sitting that still waits for these papers is taken up again. Raises NotSigned when a document stays unsigned,
    and what `sign_documents` and `start_remote` refuse as a whole.
    """
    documents = [line.document_id for line in papers if line.document_id]
    async with services.sessions() as session:
        mine = await owed_of(session, actor, documents)
        live = await live_sitting(session, actor, now=now)
    if live is not None and any(item.document_id in mine for item in live.items):
        return Asked(live.id)
    waiting = [line for line in papers if line.document_id in mine]
    for at, step in enumerate(await steps_of(services, actor, [line.form_code for line in waiting], now)):
        lines = [line for line in waiting if line.form_code in step.kinds]
        ids = [line.document_id for line in lines if line.document_id]
        if not step.at_once:
            sitting = await start_remote(services, actor, ids, now, pin=typed.remote_pin, otp=typed.otp)
            return Asked(sitting.id)
        if at:  # One PIN was typed, and it was another key's.
            raise NotSigned(f"Phần còn lại {_by(step)}: nhập mã PIN của khóa đó.")
        await _sign_at_once(services, lines, ids, typed.pin, actor=actor, now=now)
    return None


async def _sign_at_once(
    services: Services, lines: Sequence[SheetLine], ids: list[UUID], pin: str, *, actor: Actor, now: Instant
) -> None:
    """Raises NotSigned when a document stays unsigned, and what signing refuses as a whole."""
    titles = {line.document_id: line.title for line in lines}
    results = await sign_documents(services, actor, ids, pin, now)
    failed = [result for result in results if result.state is not SignState.SIGNED]
    if failed:
        told = "; ".join(f"{titles.get(result.document_id, '')}: {result.reason}" for result in failed)
        raise NotSigned(f"Chưa ký được {told}. Nội dung đã lưu và khoá; thử ký lại.")


def _by(step: Step) -> str:
    return f"ký bằng {step.way.words}" if step.way else "chưa có chứng thư để ký"
