"""What other packages may use of staff accounts."""

from kernel.staff.guards import client_ip, needs, signed_in
from kernel.staff.rules import ROLE_NAMES, SYSTEM, Actor, Role, safe_next
from kernel.staff.service import COOKIE, NewAccount, StaffView, add_account, get_staff, list_staff

__all__ = [
    "COOKIE",
    "ROLE_NAMES",
    "SYSTEM",
    "Actor",
    "NewAccount",
    "Role",
    "StaffView",
    "add_account",
    "client_ip",
    "get_staff",
    "list_staff",
    "needs",
    "safe_next",
    "signed_in",
]
