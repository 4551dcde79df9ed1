"""The phone application of the fake remote signing service: what waits, which documents, approve or decline."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Protocol


class Request(Protocol):
    """What the page shows of a request."""

    handle: str
    credential_id: str
    hashes: list[bytes]
    lines: list[str]
    status: str


_STYLE = """body{font:17px/26px system-ui,sans-serif;margin:0 auto;max-width:420px;padding:16px;color:#0f1b2d;background:#f5f7f9}
h1{font-size:20px}article{background:#fff;border:1px solid #d9e0e7;border-radius:10px;padding:16px;margin:16px 0}
ol{padding-left:24px;margin:8px 0;font-size:14px;line-height:20px;max-height:320px;overflow:auto}
button{min-height:48px;border:0;border-radius:6px;font:600 17px system-ui;padding:0 24px;width:100%;margin-top:8px}
.yes{background:#0b6e6e;color:#fff}.no{background:#fff;color:#b3261e;border:1px solid #b3261e}small,p.m{color:#52606d}
code{font-size:13px}select{min-height:40px;font:inherit;width:100%}"""
_WORDS = {"approved": "Đã phê duyệt", "used": "Đã phê duyệt", "declined": "Đã từ chối"}


def phone_page(
    waiting: Sequence[Request],
    done: Sequence[Request],
    names: Mapping[str, str],
    codes: Mapping[str, str],
    moods: Mapping[str, str],
    mood: str,
) -> str:
    """Return the page; it loads itself again every two seconds."""
    cards = "".join(_card(request, names) for request in waiting)
    otps = "".join(f"<li>{escape(names.get(k, k))}: <b>{code}</b></li>" for k, code in codes.items())
    past = "".join(
        f"<li>{escape(names.get(r.credential_id, ''))}: {len(r.hashes)} văn bản · {_WORDS.get(r.status, '')}</li>"
        for r in reversed(done)
    )
    options = "".join(
        f'<option value="{value}"{" selected" if value == mood else ""}>{escape(words)}</option>'
        for value, words in moods.items()
    )
    return f"""<!doctype html><html lang="vi"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="3"><title>Ký từ xa (chạy thử)</title><style>{_STYLE}</style>
<h1>Ký từ xa <small>BẢN CHẠY THỬ</small></h1>
{cards or '<p class="m">Không có yêu cầu nào chờ phê duyệt.</p>'}
{f"<h2>Mã OTP</h2><ul>{otps}</ul>" if otps else ""}
{f"<h2>Đã trả lời</h2><ul>{past}</ul>" if past else ""}
<details><summary>Cho dịch vụ chạy sai</summary><form method="post" action="/outside/csc/mood">
<label>Cách chạy <select name="mode">{options}</select></label><button class="no">Đặt</button></form></details></html>"""


def _card(request: Request, names: Mapping[str, str]) -> str:
    pairs = zip(request.lines, request.hashes, strict=False)
    items = "".join(f"<li>{escape(line)} <code>{value.hex()[:8]}</code></li>" for line, value in pairs)
    place = f"/outside/csc/app/{request.handle}"
    return f"""<article><b>{escape(names.get(request.credential_id, ""))}</b>
<p>Bệnh viện xin chữ ký của bạn trên <b>{len(request.hashes)} văn bản</b>:</p><ol>{items}</ol>
<form method="post" action="{place}/approve"><button class="yes">Phê duyệt</button></form>
<form method="post" action="{place}/decline"><button class="no">Từ chối</button></form></article>"""
