"""Who holds keys in these tests, and the PIN of their files."""

from hospital.demo.pki import Holder

PIN = "246810"
NAME, NUMBER = "Nguyễn Thị Hương", "001180000001"
DOCTOR = Holder("bacsi", NAME, f"CCCD:{NUMBER}", title="Bác sĩ", organisation="Bệnh viện Đa khoa Ví Dụ")
HOSPITAL = Holder(
    "benh-vien",  # A file of its own: tests of whole hospitals write "organisation" with PINs of their choice.
    "Bệnh viện Đa khoa Ví Dụ",
    "MST:0199999999",
    organisation="Bệnh viện Đa khoa Ví Dụ",
)


def holder(name: str = NAME, uid: str = f"CCCD:{NUMBER}") -> Holder:
    return Holder("x", name, uid, organisation="Bệnh viện Đa khoa Ví Dụ")
