"""The QR strings of cards: read exactly or refused with a reason a receptionist can act on."""

from binascii import crc_hqx
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emr.patients.scan import (
    BadScan,
    BillSlip,
    CitizenCard,
    Fault,
    InsuranceCardScan,
    PatientSlip,
    Precision,
    Sex,
    TypedNumber,
    parse_scan,
)

CITIZEN = "051199000123||Trần Thị Mẫu|01021999|Nữ|Thôn Mẫu, Xã Thử Nghiệm, Quảng Ngãi|15042021"
NAME_HEX = "5472e1baa76e205468e1bb8b204de1baab75"
PLACE_HEX = "58c3a3205468e1bbad204e676869e1bb876d2c2054e1bb896e68205175e1baa36e67204e67c3a369"
INSURANCE = (
    f"5120000001|{NAME_HEX}|01/02/1999|2|-|51 - 001|01/01/2026|-|05/01/2026|51015120000001|-|4|01/01/2030"
    f"|0123456789abcdef-5101|4|{PLACE_HEX}|$"
)
OLD_CARD = (
    f"DN4515120000001|{NAME_HEX.upper()}|1999|2|{PLACE_HEX}|01 - C54|01/01/2026|31/12/2026|05/01/2026"
    "|5101|-|4| 01/01/2030|0123456789ABCDEF-5101|$"
)


def fault_of(text: str) -> Fault:
    with pytest.raises(BadScan) as refusal:
        parse_scan(text)
    return refusal.value.fault


def test_a_citizen_card_is_read_field_by_field() -> None:
    assert parse_scan(CITIZEN) == CitizenCard(
        citizen_id="051199000123",
        old_id=None,
        name="Trần Thị Mẫu",
        birth_date=date(1999, 2, 1),
        sex=Sex.FEMALE,
        address="Thôn Mẫu, Xã Thử Nghiệm, Quảng Ngãi",
        issued_on=date(2021, 4, 15),
    )


@pytest.mark.parametrize("wrapped", ["\ufeff" + CITIZEN, CITIZEN + "\r\n", "  " + CITIZEN + "\x00"])
def test_noise_around_a_scan_is_dropped(wrapped: str) -> None:
    assert parse_scan(wrapped) == parse_scan(CITIZEN)


def test_a_decomposed_name_is_composed() -> None:
    card = parse_scan(CITIZEN.replace("Trần", "Tra\u0302\u0300n"))
    assert isinstance(card, CitizenCard)
    assert card.name == "Trần Thị Mẫu"


def test_extra_fields_of_a_new_card_are_counted_and_dropped() -> None:
    card = parse_scan(CITIZEN.replace("||", "|123456789|", 1) + "||Nguyễn Văn Cha|")
    assert isinstance(card, CitizenCard)
    assert (card.old_id, card.extra_fields) == ("123456789", 3)


def test_dates_with_slashes_are_read() -> None:
    card = parse_scan(CITIZEN.replace("01021999", "01/02/1999"))
    assert isinstance(card, CitizenCard)
    assert card.birth_date == date(1999, 2, 1)


def test_an_address_is_never_split() -> None:
    card = parse_scan(CITIZEN.replace("Thôn Mẫu, Xã", "Thôn 1; Tổ 2, Xã"))
    assert isinstance(card, CitizenCard)
    assert card.address.startswith("Thôn 1; Tổ 2,")


def test_an_insurance_card_is_read_field_by_field() -> None:
    assert parse_scan(INSURANCE) == InsuranceCardScan(
        insurance_no="5120000001",
        name="Trần Thị Mẫu",
        birth_date=date(1999, 2, 1),
        birth_precision=Precision.DAY,
        sex=Sex.FEMALE,
        address=None,
        facility_code="51001",
        valid_from=date(2026, 1, 1),
        valid_to=None,
        five_years_from=date(2030, 1, 1),
        issuer="Xã Thử Nghiệm, Tỉnh Quảng Ngãi",
    )


def test_an_old_paper_card_is_read() -> None:
    card = parse_scan(OLD_CARD)
    assert isinstance(card, InsuranceCardScan)
    assert (card.insurance_no, card.facility_code, card.birth_precision) == (
        "DN4515120000001",
        "01C54",
        Precision.YEAR,
    )
    assert (card.valid_to, card.five_years_from, card.issuer) == (date(2026, 12, 31), date(2030, 1, 1), None)


@pytest.mark.parametrize(
    ("birth", "expected"),
    [("1999", (date(1999, 1, 1), Precision.YEAR)), ("02/1999", (date(1999, 2, 1), Precision.MONTH))],
)
def test_a_partial_birth_date_keeps_its_precision(birth: str, expected: tuple[date, Precision]) -> None:
    card = parse_scan(INSURANCE.replace("01/02/1999", birth))
    assert isinstance(card, InsuranceCardScan)
    assert (card.birth_date, card.birth_precision) == expected


@pytest.mark.parametrize(
    ("text", "scan"),
    [
        ("VP10000000123", BillSlip("VP10000000123")),
        ("BN26000001", PatientSlip("BN26000001")),
        ("051199000123", TypedNumber("citizen_id", "051199000123")),
        ("5120000001", TypedNumber("insurance_code", "5120000001")),
        ("dn4515120000001", TypedNumber("insurance_card", "DN4515120000001")),
    ],
)
def test_numbers_alone_are_told_apart(text: str, scan: object) -> None:
    assert parse_scan(text) == scan


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", Fault.EMPTY),
        (" \r\n", Fault.EMPTY),
        ("https://example.invalid/x", Fault.WEB_LINK),
        ("xin chào", Fault.UNKNOWN),
        ("VP01234567890", Fault.UNKNOWN),
        ("XX6515120000001", Fault.UNKNOWN),
        ("A|B|C", Fault.UNKNOWN),
        ("Đ51199000123|x", Fault.KEYBOARD),
        ("9" * 2_001, Fault.UNKNOWN),
        (CITIZEN.rsplit("|", 1)[0], Fault.CUT_SHORT),
        (CITIZEN.replace("Trần", "Tr?n"), Fault.KEYBOARD),
        (CITIZEN.replace("Trần", "Tr\ufffdn"), Fault.KEYBOARD),
        (CITIZEN.replace("Trần", "Tra62n"), Fault.KEYBOARD),
        (CITIZEN.replace("Thôn", "Th?n"), Fault.KEYBOARD),
        (CITIZEN.replace("Trần Thị Mẫu", ""), Fault.CUT_SHORT),
        (CITIZEN.replace("Nữ", "N?"), Fault.KEYBOARD),
        (CITIZEN.replace("Nữ", "X"), Fault.BAD_FIELD),
        (CITIZEN.replace("01021999", "31021999"), Fault.BAD_FIELD),
        (CITIZEN.replace("01021999", "1999"), Fault.BAD_FIELD),
        (CITIZEN.replace("01021999", "01/021999"), Fault.BAD_FIELD),
        (CITIZEN.replace("||", "|12345|", 1), Fault.BAD_FIELD),
        (INSURANCE[:-1], Fault.CUT_SHORT),
        (INSURANCE.replace("|4|01/01/2030", "|01/01/2030"), Fault.CUT_SHORT),
        (INSURANCE.replace(NAME_HEX, "6Ê8C6B0C6ẤÊ7"), Fault.KEYBOARD),
        (INSURANCE.replace(NAME_HEX, NAME_HEX[:-1]), Fault.KEYBOARD),
        (INSURANCE.replace(NAME_HEX, "ff00"), Fault.KEYBOARD),
        (INSURANCE.replace(NAME_HEX, "4e3f6e"), Fault.KEYBOARD),
        (INSURANCE.replace(NAME_HEX, "-"), Fault.CUT_SHORT),
        (INSURANCE.replace(PLACE_HEX, PLACE_HEX + "zz"), Fault.KEYBOARD),
        (INSURANCE.replace("0123456789abcdef", "0123456789âbcef"), Fault.KEYBOARD),
        (INSURANCE.replace("|2|-|", "|3|-|"), Fault.BAD_FIELD),
        (INSURANCE.replace("51 - 001", "51 - 00001"), Fault.BAD_FIELD),
        (INSURANCE.replace("01/01/2026", "2026-01-01"), Fault.BAD_FIELD),
        (OLD_CARD.replace("DN4", "DN9"), Fault.BAD_FIELD),
    ],
)
def test_a_bad_scan_is_refused_with_its_reason(text: str, fault: Fault) -> None:
    assert fault_of(text) is fault


def test_a_payment_code_is_refused_politely() -> None:
    head = "00020101021238540010A000000727012400069704360110123456789063"
    payload = head + "04"
    assert fault_of(f"{payload}{crc_hqx(payload.encode(), 0xFFFF):04X}") is Fault.PAYMENT_QR
    assert fault_of(payload + "0000") is Fault.UNKNOWN


def test_a_refusal_says_what_to_do_and_never_repeats_the_scan() -> None:
    with pytest.raises(BadScan) as refusal:
        parse_scan(CITIZEN.replace("Trần", "Tr?n"))
    assert "Tắt bộ gõ tiếng Việt rồi quét lại" in str(refusal.value)
    assert "051199000123" not in str(refusal.value)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadScan):
        parse_scan(text)


@given(st.integers(0, len(INSURANCE) - 1), st.sampled_from("âêôđĐÂÊ?\ufffd"))
def test_a_card_touched_by_a_keyboard_never_gives_a_name_of_rubbish(at: int, char: str) -> None:
    try:
        card = parse_scan(INSURANCE[:at] + char + INSURANCE[at + 1 :])
    except BadScan:
        return
    assert isinstance(card, InsuranceCardScan)
    assert (card.name, card.issuer) == ("Trần Thị Mẫu", "Xã Thử Nghiệm, Tỉnh Quảng Ngãi")


@given(st.text("abcdefghijklmnopqrstuvwxyzàáâãèéêìíòóôõùúýăđĩũơưạảấầẩẫậắằẳẵặ ", min_size=1).filter(str.strip))
def test_every_vietnamese_name_survives_the_hex(name: str) -> None:
    card = parse_scan(INSURANCE.replace(NAME_HEX, name.encode().hex()))
    assert isinstance(card, InsuranceCardScan)
    assert card.name == " ".join(name.split())
