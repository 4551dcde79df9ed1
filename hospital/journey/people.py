"""The three people of the walk and who signs for one of them, as their cards tell of them. Invented."""

from msgspec import Struct


class Person(Struct, frozen=True):
    """One invented person: what the scanner reads, what the portal asks, how they pay."""

    name: str
    citizen_id: str
    birth_date: str
    """ISO."""
    sex: str
    phone: str
    payer: str
    card: str = ""
    """Insurance number, 15 characters; empty: none."""

    @property
    def scan(self) -> str:
        """The QR of the CCCD: number|old number|name|birth|sex|address|issued."""
        year, month, day = self.birth_date.split("-")
        sex = "Nam" if self.sex == "MALE" else "Nữ"
        address = "Số 1, Thôn Mẫu 9, Xã Nội Bài, Hà Nội"
        return f"{self.citizen_id}||{self.name}|{day}{month}{year}|{sex}|{address}|01072023"


NOTHING_TO_PAY = Person(
    "Đặng Thị Mẫu Một", "001190880001", "1990-03-14", "FEMALE", "0509000001", "BHYT", "DN4999988800001"
)
CO_PAY = Person(
    "Phạm Văn Mẫu Hai", "001078880002", "1978-11-02", "MALE", "0509000002", "BHYT", "DN4999988800002"
)
SELF_PAY = Person("Nguyễn Thị Mẫu Ba", "001188880003", "1988-07-21", "FEMALE", "0509000003", "SELF_PAY")
WIFE = {
    "kind": "REPRESENTATIVE",
    "name": "Lê Thị Mẫu Bốn",
    "number": "001180880004",
    "relation": "Vợ",
    "standing": "AUTHORISED",
    "standing_note": "Giấy uỷ quyền của người bệnh",
}
"""Who signs for the second person, as staff writes it down from the papers seen."""
