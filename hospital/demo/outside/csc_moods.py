"""How the fake remote signing service may misbehave."""

from enum import StrEnum

from msgspec import Struct


class Mood(StrEnum):
    OK = "ok"
    SLOW = "slow"
    SLOW_SIGNATURE = "slow-signature"
    """Allows at once, hands the signature values out late."""
    ERROR = "error"
    GARBAGE = "garbage"
    TIMEOUT = "timeout"
    """Approvals never arrive: neither a callback nor an answer when asked."""
    WRONG_SIGNATURE = "wrong-signature"
    ANOTHER_CERTIFICATE = "another-certificate"
    DUPLICATE_CALLBACK = "duplicate-callback"
    NO_CALLBACK = "no-callback"
    WRONG_HMAC = "wrong-hmac"


MOOD_WORDS = {
    Mood.OK: "Bình thường",
    Mood.SLOW: "Chậm",
    Mood.SLOW_SIGNATURE: "Duyệt ngay, trả chữ ký chậm",
    Mood.ERROR: "Lỗi máy chủ",
    Mood.GARBAGE: "Trả lời rác",
    Mood.TIMEOUT: "Không bao giờ báo lại",
    Mood.WRONG_SIGNATURE: "Chữ ký sai",
    Mood.ANOTHER_CERTIFICATE: "Đổi chứng thư giữa chừng",
    Mood.DUPLICATE_CALLBACK: "Báo lại nhiều lần",
    Mood.NO_CALLBACK: "Chỉ trả lời khi được hỏi",
    Mood.WRONG_HMAC: "Báo lại với chữ ký HMAC sai",
}


class SetMood(Struct, frozen=True):
    mode: Mood
