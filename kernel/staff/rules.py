"""Who may do what: roles and the person behind a request."""

import re
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct


class Role(StrEnum):
    """Roles of the house; a person may hold several. Passwords are personal: no shared accounts (Luật KCB Đ10 k2)."""

    RECEPTION = "reception"
    DOCTOR = "doctor"
    NURSE = "nurse"
    CASHIER = "cashier"
    ACCOUNTANT = "accountant"
    INSURANCE = "insurance"
    LAB = "lab"
    PHARMACIST = "pharmacist"
    HEAD = "head"
    DIRECTOR = "director"
    ARCHIVIST = "archivist"
    ADMIN = "admin"


ROLE_NAMES: dict[Role, str] = {
    Role.RECEPTION: "Tiếp đón",
    Role.DOCTOR: "Bác sĩ",
    Role.NURSE: "Điều dưỡng",
    Role.CASHIER: "Thu ngân",
    Role.ACCOUNTANT: "Kế toán",
    Role.INSURANCE: "Giám định BHYT",
    Role.LAB: "Kỹ thuật viên",
    Role.PHARMACIST: "Dược sĩ",
    Role.HEAD: "Trưởng khoa",
    Role.DIRECTOR: "Giám đốc",
    Role.ARCHIVIST: "Lưu trữ",
    Role.ADMIN: "Quản trị",
}


class Actor(Struct, frozen=True):
    """The person, device or job on whose behalf something happens."""

    id: UUID
    name: str
    title: str
    roles: frozenset[Role]
    department: str
    session_id: UUID | None = None
    ip: str = ""
    device: str = ""
    """What the browser says it is; evidence beside a signature."""

    def has(self, *roles: Role) -> bool:
        return bool(self.roles.intersection(roles))


SYSTEM = Actor(
    id=UUID(int=0), name="Hệ thống", title="Hệ thống", roles=frozenset(), department="", session_id=None
)


def password_refusal(password: str, username: str) -> str | None:
    """Why a new password is refused, or None: 10 characters, two kinds of them, not the name."""
    if len(password) < 10:
        return "Mật khẩu phải có ít nhất 10 ký tự."
    kinds = [r"[a-z]", r"[A-Z]", r"[0-9]", r"[^a-zA-Z0-9]"]
    if sum(bool(re.search(kind, password)) for kind in kinds) < 2:
        return "Mật khẩu cần ít nhất hai loại ký tự: chữ thường, chữ hoa, số, dấu."
    if username.lower() in password.lower():
        return "Mật khẩu không được chứa tên đăng nhập."
    return None


def session_is_live(
    *, created_at: datetime, last_seen_at: datetime, now: datetime, hours: int, idle_minutes: int
) -> bool:
    """Tell whether a session may still be used: absolute life in hours, idle life in minutes."""
    return now < created_at + timedelta(hours=hours) and now < last_seen_at + timedelta(minutes=idle_minutes)


def safe_next(path: str) -> str:
    """Return a path of ours to go to after sign-in; anything else becomes "/"."""
    return path if re.fullmatch(r"/(?![/\\])[^\s\\]*", path) else "/"
