"""Who runs this installation: the facts printed on every paper, bill and invoice."""

from msgspec import Struct


class Facility(Struct, frozen=True):
    """A treatment facility (cơ sở khám bệnh, chữa bệnh). The defaults are the invented demo hospital."""

    name: str = "Bệnh viện Đa khoa Ví Dụ"
    governing_body: str = "SỞ Y TẾ TỈNH VÍ DỤ"
    address: str = "1 Đường Mẫu, Phường Ví Dụ, Tỉnh Ví Dụ"
    phone: str = "0000 000 000"
    code: str = "99999"
    """5 characters, QĐ 384/QĐ-BYT 2019."""
    national_code: str = ""
    """13 digits, QĐ 1551/QĐ-BYT 2026; empty until issued."""
    tax_code: str = "0199999999"
    beds: int = 120
    level: str = "basic"
    """initial, basic or specialised (cấp ban đầu, cơ bản, chuyên sâu)."""
    bank_bin: str = "970436"
    bank_name: str = "Vietcombank"
    bank_account: str = "0000000000000"
    """The demo's number can be credited by no bank."""
    bank_holder: str = "BENH VIEN DA KHOA VI DU"
    city_ascii: str = "VI DU"
