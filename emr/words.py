"""The Vietnamese words pages show for codes."""

from emr.episodes.rules import IdentifiedBy, Outcome, Payer, QueuePriority, Setting
from emr.orders.rules import Priority
from emr.patients.scan import Sex

SEX = {Sex.MALE: "Nam", Sex.FEMALE: "Nữ", Sex.UNKNOWN: "Chưa rõ"}
PAYER = {
    Payer.BHYT: "BHYT",
    Payer.SELF_PAY: "Viện phí",
    Payer.ON_DEMAND: "Theo yêu cầu",
    Payer.FOREIGNER: "Người nước ngoài",
}
IDENTIFIED_BY = {
    IdentifiedBy.QR_CCCD: "Quét mã trên thẻ căn cước",
    IdentifiedBy.CHIP_CCCD: "Đọc chip thẻ căn cước",
    IdentifiedBy.VNEID_APP: "Ứng dụng VNeID",
    IdentifiedBy.AUTH_SERVICE: "Dịch vụ xác thực điện tử",
    IdentifiedBy.BHXH_LOOKUP: "Tra cứu cổng BHXH",
    IdentifiedBy.MANUAL: "Xem giấy tờ, nhập tay",
    IdentifiedBy.UNKNOWN: "Chưa rõ người bệnh",
}
QUEUE_PRIORITY = {
    QueuePriority.NORMAL: "Thường",
    QueuePriority.PRIORITY: "Ưu tiên",
    QueuePriority.EMERGENCY: "Cấp cứu",
}
ORDER_PRIORITY = {Priority.ROUTINE: "Thường", Priority.URGENT: "Khẩn", Priority.EMERGENCY: "Cấp cứu"}
SETTING = {Setting.OUTPATIENT: "Ngoại trú", Setting.INPATIENT: "Nội trú", Setting.EMERGENCY: "Cấp cứu"}
OUTCOME = {
    Outcome.HOME: "Ra về",
    Outcome.ADMITTED: "Nhập viện",
    Outcome.REFERRED: "Chuyển cơ sở khác",
    Outcome.LEFT_ON_REQUEST: "Xin về",
    Outcome.ABSCONDED: "Bỏ về",
    Outcome.DIED: "Tử vong",
}
ROUTE = {
    "1.1": "Đúng nơi đăng ký ban đầu",
    "1.3": "Có phiếu chuyển cơ sở",
    "1.5": "Theo phiếu hẹn khám lại",
    "1.11": "Tự đến, cơ sở cấp ban đầu",
    "1.12": "Tự đến ngoại trú, cấp cơ bản dưới 50 điểm",
    "1.13": "Tự đến ngoại trú, cấp cơ bản 50–70 điểm",
    "1.15": "Tự đến nội trú, cấp cơ bản",
    "1.16": "Tự đến, bệnh thuộc Phụ lục II",
    "2": "Cấp cứu",
    "3.3": "Tự đến, trước là tuyến huyện",
}
"""MA_DOITUONG_KCB proposed at reception (QĐ 3276/QĐ-BYT 2025); decided at the end of the episode."""
