"""The purposes a person may agree to, each with the words shown. Care itself and BHYT filing need no box here."""

import hashlib
from enum import StrEnum

from msgspec import Struct


class Purpose(StrEnum):
    REMINDERS = "REMINDERS"
    TELEHEALTH = "TELEHEALTH"
    EDUCATION = "EDUCATION"
    RESEARCH = "RESEARCH"


class Wording(Struct, frozen=True):
    title: str
    text: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(f"{self.title}\n{self.text}".encode()).hexdigest()


_SENSITIVE = " Tình trạng sức khoẻ là dữ liệu nhạy cảm. Quý vị có thể rút lại bất cứ lúc nào."

WORDINGS: dict[Purpose, Wording] = {
    Purpose.REMINDERS: Wording(
        "Nhắc lịch khám bằng tin nhắn",
        "Bệnh viện dùng số điện thoại và giờ hẹn của quý vị để nhắn nhắc lịch khám và tái khám." + _SENSITIVE,
    ),
    Purpose.TELEHEALTH: Wording(
        "Khám từ xa",
        "Bệnh viện xử lý dữ liệu sức khoẻ, tiếng nói và hình ảnh của quý vị để khám qua mạng."
        " Buổi khám không được ghi lại." + _SENSITIVE,
    ),
    Purpose.EDUCATION: Wording(
        "Gửi lời khuyên sức khoẻ",
        "Bệnh viện dùng chẩn đoán của quý vị để gửi bài hướng dẫn phù hợp." + _SENSITIVE,
    ),
    Purpose.RESEARCH: Wording(
        "Nghiên cứu y học",
        "Bệnh viện dùng hồ sơ đã bỏ tên của quý vị cho nghiên cứu đã được hội đồng đạo đức duyệt."
        + _SENSITIVE,
    ),
}
