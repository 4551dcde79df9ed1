"""Read what a posted form of a page carries: amounts, ids, chosen rows."""

from uuid import UUID

from kernel.money import parse_vnd
from kernel.problems import Refused

Form = dict[str, str]


class BadAmount(Refused):
    slug = "bad-amount"


class BrokenForm(Refused):
    slug = "broken-form"


def typed_amount(form: Form, name: str) -> int:
    """Read an amount of a form, "500000" or "500.000". Raises BadAmount."""
    try:
        return parse_vnd(form.get(name, ""))
    except ValueError:
        text = "Số tiền phải là số đồng nguyên, ví dụ 500.000 hoặc 500000."
        raise BadAmount(text, field=name) from None


def form_id(form: Form, name: str = "id") -> UUID:
    """Read the idempotency key a form carries. Raises BrokenForm on a form that was not ours."""
    try:
        return UUID(form.get(name, ""))
    except ValueError:
        raise BrokenForm("Biểu mẫu thiếu mã. Hãy tải lại trang.") from None
