"""In which capacity somebody signs: their own, for a post by mandate (ký thay, thừa lệnh), or as leader on duty."""

from datetime import datetime, time
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from kernel.clock import local
from kernel.staff.api import ROLE_NAMES, Actor, Role
from signing.documents.rules import SlotOwner
from signing.documents.views import SlotView, owes

POSTS = (Role.HEAD, Role.DIRECTOR)
"""Posts that somebody else may sign for (NĐ 23/2025 Đ14); a clinician's own words are signed by that clinician."""


class Capacity(StrEnum):
    """Tư cách ký."""

    OWN = "OWN"
    KT = "KT"
    TL = "TL"
    DUTY = "DUTY"


MARKS = {Capacity.KT: "KT.", Capacity.TL: "TL.", Capacity.DUTY: "Trực lãnh đạo, thay"}
CAPACITY_WORDS = {
    Capacity.OWN: "Ký theo chức danh",
    Capacity.KT: "Ký thay (KT.)",
    Capacity.TL: "Thừa lệnh (TL.)",
    Capacity.DUTY: "Trực lãnh đạo",
}


class Mandate(Struct, frozen=True):
    """Why this person may sign a slot. `asked_id`: who was asked first; `basis`: the delegation or the roster."""

    capacity: Capacity = Capacity.OWN
    on_behalf_of: str = ""
    asked_id: UUID | None = None
    basis: str = ""

    @property
    def words(self) -> str:
        """What the signature block and the file's /Reason say: "KT. Trưởng khoa TS.BS Đặng Quốc Việt"."""
        mark = MARKS.get(self.capacity, "")
        return f"{mark} {self.on_behalf_of}".strip() if mark else ""


OWN = Mandate()


class Post(Struct, frozen=True):
    """A mandate in force: who gave it, for which post, until when."""

    id: UUID
    capacity: Capacity
    giver_id: UUID
    giver_name: str
    role: Role
    department: str | None


class Standing(Struct, frozen=True):
    """What a person may do besides signing their own: mandates in force, and whether they lead on duty now."""

    posts: tuple[Post, ...] = ()
    leads: bool = False


def post_words(role: Role, department: str | None) -> str:
    return f"{ROLE_NAMES[role]} {department}" if department and role is Role.HEAD else ROLE_NAMES[role]


def mandate_for(slot: SlotView | None, author_id: UUID, actor: Actor, standing: Standing) -> Mandate | None:
    """Return in which capacity this person may sign the slot whose turn it is, None if in none."""
    if slot is None or slot.open_since is None:
        return None
    if owes(slot, actor):
        return Mandate(asked_id=slot.asked_id)
    for post in standing.posts:
        if post.giver_id != actor.id and _covers(post, slot, author_id):
            return Mandate(
                post.capacity,
                f"{post_words(post.role, post.department)} {post.giver_name}",
                slot.asked_id or post.giver_id,
                f"signing.delegation:{post.id}",
            )
    if standing.leads and slot.owner_kind is SlotOwner.ROLE and slot.owner_role in POSTS:
        words = post_words(Role(slot.owner_role), slot.owner_department)
        return Mandate(Capacity.DUTY, words, slot.asked_id, "duty-roster")
    return None


def _covers(post: Post, slot: SlotView, author_id: UUID) -> bool:
    if slot.owner_kind is SlotOwner.PERSON:
        return slot.owner_id == post.giver_id and slot.owner_id != author_id
    if slot.owner_kind is not SlotOwner.ROLE or slot.owner_role != post.role:
        return False
    return post.department is None or slot.owner_department in (None, post.department)


def at_night(now: datetime, hours: str) -> bool:
    """Tell whether the local clock stands in "17:00-07:00"; an empty text is never, "00:00-00:00" always."""
    if not hours:
        return False
    begin, _, end = hours.partition("-")
    first, last, clock = time.fromisoformat(begin), time.fromisoformat(end), local(now).time()
    return first <= clock or clock < last if first >= last else first <= clock < last
