"""The pages of the bank simulator: plain HTML, no styles of the hospital, since it is somebody else's app."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Protocol

from billing.api import DecodedQr
from kernel.money import format_vnd

_FRAME = """<!doctype html><html lang="vi"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Ngân hàng giả</title><style>
body{{font:17px/26px system-ui,sans-serif;margin:24px auto;max-width:520px;padding:0 16px;color:#0f1b2d;background:#f5f7f9}}
main{{background:#fff;border:1px solid #d9e0e7;border-radius:10px;padding:20px}}h1{{font-size:22px;margin:0 0 4px}}
p{{margin:8px 0}}small{{color:#52606d}}label{{display:block;margin:14px 0 4px}}
textarea,input[type=text],select{{font:inherit;width:100%;box-sizing:border-box;
border:1px solid #8593a1;border-radius:6px;padding:9px}}
button{{font:inherit;font-weight:600;width:100%;min-height:48px;border:0;
border-radius:6px;background:#1d3f8f;color:#fff;margin-top:18px;cursor:pointer}}
dl{{display:grid;grid-template-columns:auto 1fr;gap:6px 20px;margin:16px 0}}dt{{color:#52606d}}
dd{{margin:0;font-weight:600;overflow-wrap:anywhere}}
.amount{{font-size:34px;line-height:44px;font-weight:600}}.bad{{background:#fdecea;color:#b3261e;border-radius:6px;padding:10px}}
.mark{{background:#fff4dc;color:#8a5300;border-radius:4px;padding:2px 8px;font-size:14px;font-weight:600}}a{{color:#1d3f8f}}
pre{{white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px;line-height:20px;background:#edf1f4;border-radius:6px;padding:10px}}
</style></head><body><p><span class="mark">BẢN CHẠY THỬ</span> <small>Ngân hàng giả: không có đồng nào được chuyển.</small></p>
<main>{inside}</main></body></html>"""


class _Sent(Protocol):
    @property
    def body(self) -> str: ...
    @property
    def status(self) -> int: ...


class _Paid(Protocol):
    @property
    def reference(self) -> str: ...
    @property
    def amount(self) -> int: ...
    @property
    def content(self) -> str: ...
    @property
    def sent(self) -> Sequence[_Sent]: ...


def choose_page(last: Sequence[_Paid], *, refusal: str = "") -> str:
    """Ask for a code: pasted or photographed."""
    bad = f'<p class="bad" role="alert">{escape(refusal)}</p>' if refusal else ""
    done = "".join(
        f"<li>{format_vnd(paid.amount)} <small>{escape(paid.content[:60])}</small></li>"
        for paid in reversed(last)
    )
    recent = f"<h2>Đã chuyển</h2><ul>{done}</ul>" if done else ""
    return _FRAME.format(
        inside=f"""<h1>Quét mã VietQR</h1>{bad}<form method="post" action="/outside/bank/scan" enctype="multipart/form-data">
<label for="payload">Nội dung mã (dán vào đây)</label><textarea id="payload" name="payload" rows="4" autofocus></textarea>
<label for="picture">hoặc ảnh chụp mã</label><input id="picture" name="picture" type="file" accept="image/*">
<button>Đọc mã</button></form>{recent}"""
    )


def confirm_page(
    code: DecodedQr, payload: str, *, bank: str, holder: str, moods: Mapping[str, str], chosen: str
) -> str:
    """Show what the code asks, as a bank app does, with the receiver's name from the lookup."""
    name = escape(holder) if holder else "Không tra được tên người nhận"
    amount = (
        f'<p class="amount">{format_vnd(code.amount)}</p>'
        if code.amount
        else '<label for="amount">Số tiền</label><input id="amount" name="amount" type="text" inputmode="numeric" required>'
    )
    options = "".join(
        f'<option value="{key}"{" selected" if key == chosen else ""}>{escape(words)}</option>'
        for key, words in moods.items()
    )
    return _FRAME.format(
        inside=f"""<h1>Chuyển tiền</h1><form method="post" action="/outside/bank/pay" enctype="multipart/form-data">
<input type="hidden" name="payload" value="{escape(payload)}">{amount}
<dl><dt>Người nhận</dt><dd>{name}</dd><dt>Ngân hàng</dt><dd>{escape(bank)}</dd>
<dt>Số tài khoản</dt><dd>{escape(code.account)}</dd>
<dt>Nội dung</dt><dd>{escape(code.purpose) or "–"}</dd></dl>
<label for="mood">Ngân hàng sẽ</label><select id="mood" name="mood">{options}</select>
<button>Chuyển tiền</button></form><p><a href="/outside/bank">Quét mã khác</a></p>"""
    )


def result_page(paid: _Paid, *, late: bool) -> str:
    """Show the transfer and what the hospital answered to each notice."""
    answers = "".join(
        f"<li>Bệnh viện trả lời: <b>{sent.status or 'không nối được'}</b><pre>{escape(sent.body)}</pre></li>"
        for sent in paid.sent
    )
    waiting = "<p>Thông báo sẽ đến bệnh viện sau 20 giây.</p>" if late else ""
    none = "" if answers or late else "<p>Ngân hàng không gửi thông báo nào.</p>"
    return _FRAME.format(
        inside=f"""<h1>Đã chuyển</h1><p class="amount">{format_vnd(paid.amount)}</p>
<p><small>Mã giao dịch {escape(paid.reference)}</small></p>{waiting}{none}<ul>{answers}</ul>
<p><a href="/outside/bank">Quét mã khác</a></p>"""
    )
