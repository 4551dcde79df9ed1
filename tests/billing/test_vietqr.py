import json
from pathlib import Path
from typing import Any

import pytest
import qrcode
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from billing.vietqr.banks import bank_name, banks
from billing.vietqr.drawing import QUIET, QrSymbol, QrUnreadable, draw, read
from billing.vietqr.rules import BadQr, Transfer, crc16, decode, encode, purpose_text, strip_vietnamese

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "data/vietqr-vectors.json").read_text())
NAMES = {"acct": "account", "term": "terminal"}


def transfer(given: dict[str, Any]) -> Transfer:
    return Transfer(**{NAMES.get(key, key): value for key, value in given.items()})


@pytest.mark.parametrize("vector", VECTORS["encode"], ids=lambda v: v["id"])
def test_a_payload_is_built_and_read_back(vector: dict[str, Any]) -> None:
    wanted = transfer(vector["input"])
    assert encode(wanted) == vector["payload"]
    found = decode(vector["payload"])
    assert {name: getattr(found, name) for name in wanted.__struct_fields__} == {
        name: getattr(wanted, name) for name in wanted.__struct_fields__
    }


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS["other"] if v["kind"] == "decode"], ids=lambda v: v["id"]
)
def test_payloads_of_others_are_read(vector: dict[str, Any]) -> None:
    found = decode(vector["payload"])
    seen = {
        "init": "11" if found.static else "12",
        "amount": str(found.amount),
        "guid": "A000000775" if found.provider == "VNPAY" else "A000000727",
    }
    for name, value in vector["expect"].items():
        assert seen.get(name, getattr(found, name, None)) == value, name


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS["other"] if "reject" in v["kind"]], ids=lambda v: v["id"]
)
def test_misprinted_payloads_are_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(BadQr, match="CRC" if vector["kind"] == "reject_crc" else "độ dài|cắt cụt"):
        decode(vector["payload"])


def test_the_crc_is_ccitt_false() -> None:
    assert [crc16(text) for text in (b"123456789", b"00", b"01")] == ["29B1", "2EC9", "3EE8"]


def sealed(body: str) -> str:
    return body + "6304" + crc16((body + "6304").encode())


ACCOUNT = "38540010A00000072701240006970436011010123456780208QRIBFTTA"


@pytest.mark.parametrize(
    "body",
    [
        "000201010212" + ACCOUNT + "530370454042.5058" + "02VN",
        "000201010212" + ACCOUNT + "53037045403" + "0005802VN",
        "000201010212" + ACCOUNT + "53037045406" + "50..005802VN",
        "000201010212" + ACCOUNT + "530370453037045802VN",
        "000201010212" + ACCOUNT + "53038405802VN",
        "000201010212" + ACCOUNT + "53037045802US",
        "000201010213" + ACCOUNT + "53037045802VN",
        "00020101021253037045802VN",
        "000201010212" + ACCOUNT.replace("A000000727", "A000000728") + "53037045802VN",
        "000201010212" + ACCOUNT + "53037045802VN6200",
        "000201010212" + ACCOUNT + "53037045802VN6299",
    ],
)
def test_broken_payloads_are_refused(body: str) -> None:
    with pytest.raises(BadQr):
        decode(sealed(body))


@pytest.mark.parametrize("text", ["", "https://vi.du", "000201", "079190012345|012345678|Nguyễn", "🙂" * 20])
def test_other_texts_are_not_vietqr(text: str) -> None:
    with pytest.raises(BadQr):
        decode(text)


def test_an_amount_may_end_in_a_point() -> None:
    assert decode(sealed("000201010212" + ACCOUNT + "5303704540650000.5802VN")).amount == 50_000


@pytest.mark.parametrize(
    "wrong",
    [
        {"bin": "97043"},
        {"account": ""},
        {"account": "1" * 20},
        {"account": "1012 345"},
        {"amount": 0},
        {"amount": 500_000_000},
        {"amount": -1},
        {"purpose": "Viện phí"},
        {"purpose": "A" * 26},
        {"mcc": "80"},
    ],
)
def test_values_the_format_cannot_hold_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadQr):
        encode(Transfer(**{"bin": "970436", "account": "1012345678", "amount": 1000, **wrong}))


def test_vietnamese_is_stripped_to_ascii() -> None:
    assert strip_vietnamese("ậậậậ") == "aaaa"
    assert strip_vietnamese("chuyển  khoản Đặng đào") == "chuyen khoan Dang dao"
    assert strip_vietnamese("Cộng hòa xã hội - hạnh phúc") == "Cong hoa xa hoi - hanh phuc"
    assert purpose_text("Tạm ứng viện phí!") == "TAM UNG VIEN PHI"
    assert len(purpose_text("một khoản thu có tên rất dài")) <= 19


@given(
    st.integers(min_value=1, max_value=499_999_999),
    st.from_regex(r"[A-Za-z0-9]{1,19}", fullmatch=True),
    st.from_regex(r"[A-Z0-9][A-Z0-9 ]{0,17}[A-Z0-9]", fullmatch=True),
)
def test_every_transfer_reads_back_from_its_picture(amount: int, account: str, purpose: str) -> None:
    payload = encode(Transfer(bin="970436", account=account, amount=amount, purpose=purpose))
    assert (decode(payload).amount, decode(payload).account, decode(payload).purpose) == (
        amount,
        account,
        purpose,
    )
    assert read(draw(payload)) == payload


@pytest.mark.parametrize("vector", VECTORS["encode"], ids=lambda v: v["id"])
def test_the_png_is_read_by_a_scanner(vector: dict[str, Any], tmp_path: Path) -> None:
    symbol = draw(vector["payload"])
    (tmp_path / "qr.png").write_bytes(symbol.png(scale=8))
    with Image.open(tmp_path / "qr.png") as image:
        found = zxingcpp.read_barcodes(image.convert("L"))
        assert image.size == ((symbol.side + 2 * QUIET) * 8,) * 2
    assert [code.text for code in found] == [vector["payload"]]


@pytest.mark.parametrize("vector", VECTORS["encode"], ids=lambda v: v["id"])
def test_the_reader_that_judges_us_reads_another_encoder_too(vector: dict[str, Any]) -> None:
    other = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=0)
    other.add_data(vector["payload"])
    other.make()
    grid = other.get_matrix()
    modules = b"".join(b"\x00" if dark else b"\xff" for row in grid for dark in row)
    assert read(QrSymbol(vector["payload"], len(grid), modules)) == vector["payload"]


def test_a_damaged_drawing_is_never_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("billing.vietqr.drawing.read", lambda symbol: None)
    with pytest.raises(QrUnreadable):
        draw(VECTORS["encode"][0]["payload"])


def test_the_path_draws_exactly_the_dark_modules() -> None:
    symbol = draw(VECTORS["encode"][0]["payload"])
    dark = set()
    for run in symbol.svg_path().removeprefix("M").split("M"):
        start, rest = run.split("h", 1)
        x, y = (int(part) for part in start.split())
        dark |= {(x + step, y) for step in range(int(rest.split("v")[0]))}
    assert dark == {(i % symbol.side, i // symbol.side) for i, m in enumerate(symbol.modules) if not m}


def test_banks_are_data() -> None:
    assert len(banks()) == 66
    assert (bank_name("970436"), bank_name("000000")) == ("Vietcombank", "000000")
