"""Invent the 300 people of hospital/demo/data/patients.csv. Run once; the file is then edited by hand.

Nobody real: the numbers lie in ranges that are not issued (phones 0500…, BHXH codes 99…, serials 99…).
"""

import csv
import random
from datetime import date, timedelta
from pathlib import Path

OUT = Path(__file__).parents[1] / "hospital" / "demo" / "data" / "patients.csv"


def words(text: str) -> list[str]:
    return text.split()


FAMILY = words(
    "Nguyễn Nguyễn Nguyễn Nguyễn Trần Trần Lê Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đinh "
    "Trịnh Mai Cao"
)
MIDDLE = {
    "MALE": words("Văn Văn Hữu Đức Minh Quang Xuân Thanh Gia Bảo Công Quốc"),
    "FEMALE": words("Thị Thị Thị Ngọc Thu Kim Phương Hồng Mỹ Thanh Bích Diệu"),
}
GIVEN = {
    "MALE": words(
        "An Bình Cường Dũng Duy Đạt Giang Hải Hiếu Hùng Hưng Huy Khánh Khoa Kiên Long Minh Nam Nghĩa Phong Phúc "
        "Quân Sơn Thắng Trung Tú Tuấn Tùng Vinh Việt"
    ),
    "FEMALE": words(
        "Anh Ánh Chi Dung Giang Hà Hạnh Hằng Hoa Hòa Hương Lan Linh Loan Mai Nga Ngân Nhung Oanh Quỳnh Tâm Thảo "
        "Thủy Trang Uyên Vân Vy Yến Xuân Huệ"
    ),
}
WARDS = [
    ("51", "21025", "Tổ Mẫu 1, Phường Cẩm Thành, Quảng Ngãi"),
    ("51", "21034", "Thôn Mẫu 2, Xã An Phú, Quảng Ngãi"),
    ("01", "00454", "Thôn Mẫu 3, Xã Đông Anh, Hà Nội"),
    ("01", "00433", "Thôn Mẫu 4, Xã Nội Bài, Hà Nội"),
]
JOBS = ["Nông dân", "Công nhân", "Giáo viên", "Buôn bán", "Nhân viên văn phòng", "Lái xe", "Nội trợ"]
ALLERGIES = ["Penicillin", "Hải sản", "Aspirin", "Cefalexin", "Phấn hoa"]


def person(number: int, random_: random.Random) -> dict[str, str]:
    sex = random_.choice(["MALE", "FEMALE"])
    born = date(1938, 1, 1) + timedelta(days=random_.randrange(365 * 87))
    year_only = born.year < 1955 and random_.random() < 0.3
    if year_only:
        born = date(born.year, 1, 1)
    words = [random_.choice(FAMILY), random_.choice(MIDDLE[sex])]
    if random_.random() < 0.3:
        words.append(random_.choice(MIDDLE[sex][2:]))
    words.append(random_.choice(GIVEN[sex]))
    century = (born.year - 1900) // 100 * 2 + (sex == "FEMALE")
    province, ward, street = random_.choice(WARDS)
    age = 2026 - born.year
    level = "4" if age < 70 else "3"
    group = "TE1" if age < 6 else {"4": "DN4", "3": "HT3"}[level]
    insured = random_.random() < 0.75
    job = "Trẻ em" if age < 6 else "Học sinh" if age < 18 else "Hưu trí" if age > 62 else random_.choice(JOBS)
    return {
        "name": " ".join(words),
        "sex": sex,
        "birth_date": born.isoformat(),
        "birth_precision": "YEAR" if year_only else "DAY",
        "citizen_id": f"001{century}{born.year % 100:02d}99{number:04d}",
        "insurance_no": f"{group}9999{number:08d}" if insured else "",
        "phone": f"0500000{number:03d}" if age >= 14 else "",
        "address": f"Số {random_.randrange(1, 200)}, {street}",
        "province_code": province,
        "ward_code": ward,
        "ethnic_code": "01" if random_.random() < 0.9 else random_.choice(["02", "03", "04", "07"]),
        "occupation": job,
        "allergies": random_.choice(ALLERGIES) if random_.random() < 0.08 else "",
    }


def main() -> None:
    random_ = random.Random(20260101)
    people = [person(number, random_) for number in range(1, 301)]
    with OUT.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(people[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(people)


if __name__ == "__main__":
    main()
