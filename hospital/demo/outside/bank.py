"""A bank and its notice gateway, for the demo: reads a VietQR code as a bank app would, then tells the hospital.

It knows nothing of the hospital but its webhook address and the shared secret. On command it misbehaves.
"""

import io
import json
import re
import time
from collections import deque
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import anyio
import httpx
import zxingcpp
from litestar import Response, Router, get, post
from litestar.background_tasks import BackgroundTask
from litestar.datastructures import UploadFile
from litestar.enums import MediaType
from litestar.params import JSONBody, MultipartBody
from msgspec import Meta, Struct, field
from PIL import Image

from billing.api import BadQr, DecodedQr, bank_name, decode_qr, sepay_signature
from hospital.demo.outside.bank_pages import choose_page, confirm_page, result_page
from hospital.demo.outside.credentials import BANK_SECRET
from kernel.clock import VN
from kernel.facility import Facility

HOLDERS = {(Facility().bank_bin, Facility().bank_account): Facility().bank_holder}
"""What the account lookup of the inter-bank network would answer."""
LATE_SECONDS = 20.0
KEEP = 200


class Mood(StrEnum):
    OK = "ok"
    DUPLICATE = "duplicate"
    """The same notice twice."""
    TWICE = "twice"
    """Two transfers: the payer pressed twice."""
    WRONG_AMOUNT = "wrong_amount"
    """The payer changed the amount to 1 000 đồng less."""
    WRONG_HMAC = "wrong_hmac"
    LATE = "late"
    """The notice comes 20 s later."""
    NO_CONTENT = "no_content"
    """The payer deleted the content."""
    DROP = "drop"
    """Money moves, no notice comes."""


MOOD_WORDS = {
    Mood.OK: "Bình thường",
    Mood.DUPLICATE: "Báo hai lần cùng một giao dịch",
    Mood.TWICE: "Người trả bấm chuyển hai lần",
    Mood.WRONG_AMOUNT: "Người trả sửa, chuyển thiếu 1.000 ₫",
    Mood.WRONG_HMAC: "Thông báo ký sai",
    Mood.LATE: "Thông báo đến trễ 20 giây",
    Mood.NO_CONTENT: "Người trả xoá nội dung",
    Mood.DROP: "Ngân hàng quên báo",
}


class Pay(Struct, frozen=True, forbid_unknown_fields=True):
    """Press "pay" in the bank app."""

    payload: str
    amount: Annotated[int, Meta(ge=1, le=499_999_999)] | None = None
    """Typed by the payer where the code has none."""
    mood: Mood | None = None


class SetMood(Struct, frozen=True):
    mode: Mood


class Sent(Struct, frozen=True):
    """One notice as it left, and what the hospital answered (0: nothing)."""

    body: str
    headers: dict[str, str]
    status: int


class Paid(Struct, frozen=True):
    """A transfer, done. `sent` is empty while a late notice is on its way."""

    reference: str
    amount: int
    account: str
    holder: str
    content: str
    sent: list[Sent]


class Bank(Struct):
    """What the bank holds."""

    webhook: str
    secret: str = BANK_SECRET
    late_seconds: float = LATE_SECONDS
    mood: Mood = Mood.OK
    done: deque[Paid] = field(default_factory=lambda: deque(maxlen=KEEP))
    number: int = field(default_factory=lambda: time.time_ns() // 1_000_000)

    def next_number(self) -> int:
        """Give a transfer its number."""
        self.number += 1
        return self.number


class Refusal(Struct, frozen=True):
    detail: str


def holder_of(code: DecodedQr) -> str:
    """Look the account up as the network does; an unknown one has no name."""
    return HOLDERS.get((code.bin, code.account), "")


def statement_line(code: DecodedQr, number: int) -> str:
    """Return the content as Vietcombank writes it on the receiver's statement."""
    memo = re.sub(r"[^A-Z0-9 ]", "", code.purpose.upper()) or "chuyen tien"
    ends = f"CT tu 0011000000000 NGUYEN VAN VI DU toi {code.account} {holder_of(code)}"
    return f"MBVCB.{number}.{number % 1_000_000:06d}.{memo}.{ends}"


def notice_body(code: DecodedQr, *, amount: int, content: str, number: int) -> bytes:
    """Build a notice in the SePay schema."""
    body = {
        "id": number,
        "gateway": bank_name(code.bin),
        "transactionDate": datetime.now(VN).strftime("%Y-%m-%d %H:%M:%S"),
        "accountNumber": code.account,
        "code": None,
        "content": content,
        "transferType": "in",
        "transferAmount": amount,
        "accumulated": 0,
        "subAccount": None,
        "referenceCode": f"MBVCB.{number}",
        "description": "",
    }
    return json.dumps(body, ensure_ascii=False).encode()


async def send(bank: Bank, raw: bytes, *, secret: str) -> Sent:
    """Sign and post one notice."""
    stamp = str(int(datetime.now(UTC).timestamp()))
    headers = {
        "content-type": "application/json",
        "x-sepay-timestamp": stamp,
        "x-sepay-signature": sepay_signature(secret, stamp, raw),
    }
    try:
        async with httpx.AsyncClient(timeout=10) as http:
            status = (await http.post(bank.webhook, content=raw, headers=headers)).status_code
    except httpx.HTTPError:
        status = 0
    return Sent(raw.decode(), headers, status)


async def transfer(bank: Bank, pay: Pay) -> Paid:
    """Move the money and tell the hospital in the bank's mood. Raises BadQr."""
    code = decode_qr(pay.payload)
    amount = code.amount or pay.amount
    if amount is None:
        raise BadQr("Mã này không có số tiền: hãy nhập số tiền.")
    mood, number = pay.mood or bank.mood, bank.next_number()
    if mood is Mood.WRONG_AMOUNT:
        amount = max(1, amount - 1_000)
    content = "chuyen tien" if mood is Mood.NO_CONTENT else statement_line(code, number)
    raw = notice_body(code, amount=amount, content=content, number=number)
    secret = "wrong" if mood is Mood.WRONG_HMAC else bank.secret
    sent = [] if mood in {Mood.LATE, Mood.DROP} else [await send(bank, raw, secret=secret)]
    if mood is Mood.DUPLICATE:
        sent.append(await send(bank, raw, secret=secret))
    if mood is Mood.TWICE:
        second = bank.next_number()
        content = statement_line(code, second)
        raw = notice_body(code, amount=amount, content=content, number=second)
        sent.append(await send(bank, raw, secret=secret))
    paid = Paid(f"MBVCB.{number}", amount, code.account, holder_of(code), content, sent)
    bank.done.append(paid)
    return paid


async def tell_late(bank: Bank, paid: Paid, payload: str) -> None:
    """Send the notice the hospital still waits for."""
    await anyio.sleep(bank.late_seconds)
    number = int(paid.reference.partition(".")[2])
    raw = notice_body(decode_qr(payload), amount=paid.amount, content=paid.content, number=number)
    await send(bank, raw, secret=bank.secret)


def read_picture(data: bytes) -> str:
    """Return the payload in a photographed code. Raises BadQr."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            found = zxingcpp.read_barcodes(image.convert("L"))
    except OSError:
        raise BadQr("Tệp này không phải ảnh.") from None
    if not found:
        raise BadQr("Không thấy mã QR trong ảnh.")
    return str(found[0].text)


def routes(settings: Any, bank: Bank | None = None) -> list[Router]:
    """Return the routes of the bank."""
    state = bank or Bank(webhook=f"{settings.base_url}/webhooks/sepay")
    handlers = [*_app(state), *_programs(state)]
    return [Router("/outside/bank", route_handlers=handlers, opt={"public": True})]


def _app(state: Bank) -> list[Any]:
    """The bank app, for people."""

    @get("/", media_type=MediaType.HTML, operation_id="outsideBankPage")
    async def page() -> str:
        """Open the bank app."""
        return choose_page(list(state.done)[-10:])

    @post("/scan", media_type=MediaType.HTML, status_code=200, operation_id="outsideBankScan")
    async def scan(data: MultipartBody[dict[str, Any]]) -> str:
        """Read a pasted or photographed code and ask whether to pay."""
        try:
            text = str(data.get("payload", "")).strip()
            picture = data.get("picture")
            if not text and isinstance(picture, UploadFile):
                text = read_picture(await picture.read())
            code = decode_qr(text)
        except BadQr as error:
            return choose_page(list(state.done)[-10:], refusal=str(error))
        return confirm_page(
            code,
            text,
            bank=bank_name(code.bin),
            holder=holder_of(code),
            moods={mood.value: words for mood, words in MOOD_WORDS.items()},
            chosen=state.mood.value,
        )

    @post("/pay", media_type=MediaType.HTML, status_code=200, operation_id="outsideBankPay")
    async def pay(data: MultipartBody[dict[str, Any]]) -> Response[str]:
        """Pay, and show what the hospital answered."""
        typed = re.sub(r"\D", "", str(data.get("amount", "")))
        command = Pay(str(data["payload"]), int(typed) if typed else None, Mood(str(data.get("mood", "ok"))))
        try:
            paid = await transfer(state, command)
        except BadQr as error:
            return Response(choose_page([], refusal=str(error)), media_type=MediaType.HTML)
        late = command.mood is Mood.LATE
        task = BackgroundTask(tell_late, state, paid, command.payload) if late else None
        return Response(result_page(paid, late=late), media_type=MediaType.HTML, background=task)

    return [page, scan, pay]


def _programs(state: Bank) -> list[Any]:
    """The same for programs."""

    @post("/transfers", operation_id="outsideBankTransfer")
    async def api(data: JSONBody[Pay]) -> Response[Paid | Refusal]:
        """Pay a code; returns each notice as it was sent."""
        try:
            paid = await transfer(state, data)
        except BadQr as error:
            return Response(Refusal(str(error)), status_code=422)
        late = (data.mood or state.mood) is Mood.LATE
        task = BackgroundTask(tell_late, state, paid, data.payload) if late else None
        return Response(paid, status_code=201, background=task)

    @get("/transfers", operation_id="outsideBankTransfers")
    async def transfers() -> list[Paid]:
        """List what was paid, oldest first."""
        return list(state.done)

    @post("/mood", status_code=204, operation_id="outsideBankMood")
    async def mood(data: JSONBody[SetMood]) -> None:
        """Make the bank behave or misbehave."""
        state.mood = data.mode

    return [api, transfers, mood]
