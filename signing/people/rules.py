"""Sittings without a database: their moves, who may sign for whom, which ways to sign, what counts as a drawn signature."""

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from itertools import pairwise
from math import hypot

from msgspec import Struct

from kernel.problems import Refused


class Kind(StrEnum):
    """How a sitting is held: at a tablet, by witnesses for who does not sign, by a fingerprint on paper (điểm chỉ)."""

    TABLET = "TABLET"
    ABSENCE = "ABSENCE"
    PAPER = "PAPER"


class State(StrEnum):
    OPEN = "OPEN"
    SHOWN = "SHOWN"
    SIGNED = "SIGNED"
    SEALED = "SEALED"
    REFUSED = "REFUSED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


STATE_WORDS = {
    State.OPEN: "Đang chờ",
    State.SHOWN: "Đã xem đủ",
    State.SIGNED: "Đang niêm phong",
    State.SEALED: "Đã ký và niêm phong",
    State.REFUSED: "Từ chối ký",
    State.EXPIRED: "Hết hạn",
    State.CANCELLED: "Đã huỷ",
}

LIVE = frozenset({State.OPEN, State.SHOWN, State.SIGNED})
_NOWHERE: frozenset[State] = frozenset()
NEXT: dict[State, frozenset[State]] = {
    State.OPEN: frozenset({State.SHOWN, State.SIGNED, State.REFUSED, State.EXPIRED, State.CANCELLED}),
    State.SHOWN: frozenset({State.SIGNED, State.REFUSED, State.EXPIRED, State.CANCELLED}),
    State.SIGNED: frozenset({State.SEALED, State.CANCELLED}),
    State.SEALED: _NOWHERE,
    State.REFUSED: _NOWHERE,
    State.EXPIRED: _NOWHERE,
    State.CANCELLED: _NOWHERE,
}


def may_become(kind: Kind, state: State, target: State) -> bool:
    """Tell whether a sitting may go on so. At a tablet nothing is signed that was not shown; elsewhere nothing is shown."""
    if kind is Kind.TABLET and (state, target) == (State.OPEN, State.SIGNED):
        return False
    if kind is not Kind.TABLET and target in (State.SHOWN, State.REFUSED):
        return False
    return target in NEXT[state]


class Method(StrEnum):
    """How a person confirms. A key of one's own is not among them: that is a signature like anybody's."""

    DRAWN = "DRAWN"
    FINGERPRINT = "FINGERPRINT"
    OTP = "OTP"
    NATIONAL_ID = "NATIONAL_ID"
    WITNESSED = "WITNESSED"
    PAPER = "PAPER"


METHOD_WORDS = {
    Method.DRAWN: "Ký tay trên màn hình",
    Method.FINGERPRINT: "Đối chiếu vân tay bằng đầu đọc",
    Method.OTP: "Mã một lần gửi tới điện thoại đã xác minh",
    Method.NATIONAL_ID: "Xác thực qua dịch vụ định danh quốc gia",
    Method.WITNESSED: "Không ký, có hai nhân viên làm chứng",
    Method.PAPER: "Điểm chỉ trên giấy, bản quét kèm theo",
}
AT_TABLET = (Method.DRAWN, Method.FINGERPRINT, Method.OTP, Method.NATIONAL_ID)


class SignerKind(StrEnum):
    PATIENT = "PATIENT"
    REPRESENTATIVE = "REPRESENTATIVE"


class Standing(StrEnum):
    """Why somebody signs for the patient (Luật KCB 15/2023/QH15 Đ8)."""

    MINOR = "MINOR"
    INCAPACITATED = "INCAPACITATED"
    UNCONSCIOUS = "UNCONSCIOUS"
    AUTHORISED = "AUTHORISED"


STANDING_WORDS = {
    Standing.MINOR: "Người bệnh chưa thành niên",
    Standing.INCAPACITATED: "Người bệnh mất hoặc hạn chế năng lực hành vi dân sự",
    Standing.UNCONSCIOUS: "Người bệnh bất tỉnh hoặc không nhận thức được",
    Standing.AUTHORISED: "Người bệnh uỷ quyền",
}
RELATIONS = (
    "Cha",
    "Mẹ",
    "Vợ",
    "Chồng",
    "Con",
    "Anh, chị, em",
    "Ông, bà",
    "Người giám hộ",
    "Người được uỷ quyền",
)


class Absence(StrEnum):
    """Why nobody signs."""

    NO_RELATIVE = "NO_RELATIVE"
    CANNOT_SIGN = "CANNOT_SIGN"
    WILL_NOT_SIGN = "WILL_NOT_SIGN"


ABSENCE_WORDS = {
    Absence.NO_RELATIVE: "Không có thân nhân",
    Absence.CANNOT_SIGN: "Không thể ký",
    Absence.WILL_NOT_SIGN: "Không đồng ý ký",
}


class Who(Struct, frozen=True, kw_only=True):
    """Who signs, as staff wrote it down from the papers seen."""

    kind: SignerKind
    name: str
    number: str = ""
    relation: str = ""
    standing: Standing | None = None
    standing_note: str = ""


class MayNotSignAlone(Refused):
    """The patient has no full capacity by age."""

    slug = "may-not-sign-alone"


class RelationMissing(Refused):
    slug = "relation-missing"


class BadRepresentative(Refused):
    slug = "bad-representative"


def age_on(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def check_who(
    who: Who, *, patient_name: str, patient_number: str, born: date | None, day: date, adult_years: int
) -> None:
    """Let this person sign for this patient, or say what is missing (Luật KCB Đ8; R-47).

    Raises MayNotSignAlone, RelationMissing, BadRepresentative.
    """
    minor = born is not None and age_on(born, day) < adult_years
    if who.kind is SignerKind.PATIENT:
        if minor:
            raise MayNotSignAlone(
                f"Người bệnh chưa đủ {adult_years} tuổi, người đại diện phải ký.", field="signer_kind"
            )
        if who.relation or who.standing:
            raise BadRepresentative("Người bệnh tự ký thì không ghi quan hệ.", field="relation")
        return
    if not who.relation.strip():
        raise RelationMissing("Hãy ghi người đại diện là gì của người bệnh.", field="relation")
    if who.standing is None:
        raise RelationMissing("Hãy chọn vì sao người đại diện ký thay người bệnh.", field="standing")
    if who.standing is Standing.MINOR and born is not None and not minor:
        raise BadRepresentative(
            f"Người bệnh đã đủ {adult_years} tuổi, hãy chọn lý do khác.", field="standing"
        )
    if who.standing is not Standing.MINOR and len(who.standing_note.strip()) < 3:
        raise BadRepresentative(
            "Hãy ghi căn cứ: quyết định của toà, nhận xét của bác sĩ, giấy uỷ quyền.", field="standing_note"
        )
    number = who.number.strip()
    if not (number.isdigit() and len(number) == 12) and not (number.isalnum() and 6 <= len(number) <= 12):
        raise BadRepresentative(
            "Ghi số định danh cá nhân 12 chữ số hoặc số hộ chiếu của người đại diện.", field="number"
        )
    same_number = bool(patient_number) and number == patient_number
    if same_number or (not patient_number and who.name.casefold() == patient_name.casefold()):
        raise BadRepresentative("Người đại diện không thể là chính người bệnh.", field="name")


class Offered(Struct, frozen=True, kw_only=True):
    """What this installation has: a way is offered only where everything it needs is there."""

    allowed: Sequence[str]
    ink_key: bool
    reader: bool
    gateway: bool
    identity: bool
    written_kinds: frozenset[str]


def methods_for(offered: Offered, kinds: Iterable[str], *, phone: bool) -> tuple[Method, ...]:
    """Return the ways that fit all documents of a sitting, in the house's order.

    A code alone is not offered for a consent that the law wants written and signed (NĐ 90/2026 Đ40 k5 a).
    """
    written = any(kind in offered.written_kinds for kind in kinds)
    there = {
        Method.DRAWN: offered.ink_key,
        Method.FINGERPRINT: offered.reader,
        Method.OTP: offered.gateway and phone and not written,
        Method.NATIONAL_ID: offered.identity,
    }
    return tuple(method for name in offered.allowed if (method := Method(name)) in there and there[method])


class Point(Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """Where the pen was: position in the canvas, milliseconds since the first touch, pressure 0 to 1 (0: not told)."""

    x: float
    y: float
    t: int
    p: float = 0.0


class Drawing(Struct, frozen=True, forbid_unknown_fields=True):
    """A drawn signature (chữ ký vẽ tay) with its timing, as the tablet sends it."""

    width: float
    height: float
    strokes: tuple[tuple[Point, ...], ...]


class InkRules(Struct, frozen=True, kw_only=True):
    """The least that is a signature and not a slip of the finger. Length is a share of the canvas's width."""

    points: int
    length: float
    milliseconds: int
    points_maximum: int = 6_000


class TooLittleInk(Refused):
    slug = "too-little-ink"


class BadDrawing(Refused):
    """Not something a pen on that canvas can draw."""

    slug = "bad-drawing"


def check_drawing(drawing: Drawing, rules: InkRules) -> None:
    """Raises BadDrawing, TooLittleInk."""
    points = [point for stroke in drawing.strokes for point in stroke]
    if not (50 <= drawing.width <= 10_000 and 50 <= drawing.height <= 10_000):
        raise BadDrawing("Khung ký không hợp lệ. Hãy tải lại trang và ký lại.")
    if len(points) > rules.points_maximum:
        raise BadDrawing("Nét ký quá dài. Hãy xoá và ký lại.")
    inside = all(
        0 <= p.x <= drawing.width and 0 <= p.y <= drawing.height and 0 <= p.p <= 1 and p.t >= 0
        for p in points
    )
    if not inside or any(after.t < before.t for before, after in pairwise(points)):
        raise BadDrawing("Nét ký không hợp lệ. Hãy xoá và ký lại.")
    if len(points) < rules.points or ink_length(drawing) < rules.length * drawing.width:
        raise TooLittleInk("Nét ký quá ngắn. Hãy ký lại như ký trên giấy.")
    if points[-1].t - points[0].t < rules.milliseconds:
        raise TooLittleInk("Nét ký quá nhanh, có thể do chạm nhầm. Hãy ký lại.")


def ink_length(drawing: Drawing) -> float:
    """Length of the lines, in units of the canvas."""
    return sum(hypot(b.x - a.x, b.y - a.y) for stroke in drawing.strokes for a, b in pairwise(stroke))


def device_words(user_agent: str) -> str:
    """Name a tablet in words for the evidence: "Chrome trên Android"."""
    browsers = (
        ("Edg", "Edge"),
        ("OPR", "Opera"),
        ("Chrome", "Chrome"),
        ("Firefox", "Firefox"),
        ("Safari", "Safari"),
    )
    systems = (
        ("iPad", "iPad"),
        ("iPhone", "iPhone"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac", "máy Mac"),
        ("Linux", "máy Linux"),
    )
    browser = next((name for mark, name in browsers if mark in user_agent), "Trình duyệt")
    return f"{browser} trên {next((name for mark, name in systems if mark in user_agent), 'máy khác')}"
