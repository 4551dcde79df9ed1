"""The program's own window: what is signed, the PIN, yes or no. No script; the PIN goes from here to the token only."""

from html import escape

from hospital.token_agent.asks import Ask

_STYLE = """body{font:14px/20px system-ui,sans-serif;margin:0;color:#0f1b2d;background:#f5f7f9}
main{max-width:640px;margin:0 auto;padding:16px}
h1{font-size:20px;line-height:28px;margin:0 0 8px}
table{width:100%;border-collapse:collapse;background:#fff;border:1px solid #d9e0e7}
th,td{text-align:left;padding:8px;border-bottom:1px solid #d9e0e7;vertical-align:top}
th{color:#52606d;font-weight:600}
.list{max-height:44vh;overflow:auto;margin:8px 0 16px}
code{font-size:14px}
label{display:block;font-weight:600;margin-bottom:4px}
input{font:inherit;font-size:17px;height:40px;width:100%;box-sizing:border-box;padding:0 12px;
border:1px solid #8593a1;border-radius:6px}
.acts{display:flex;gap:8px;justify-content:flex-end;margin-top:16px}
button{font:600 14px system-ui;min-height:40px;padding:0 24px;border-radius:6px}
button:focus-visible,input:focus-visible{outline:3px solid #0b6e6e;outline-offset:2px}
.yes{background:#0b6e6e;color:#fff;border:0}
.no{background:#fff;color:#0f1b2d;border:1px solid #8593a1}
.bad{background:#fdecea;color:#b3261e;padding:12px;border-radius:6px;margin:0 0 12px}
.good{background:#e3f3e8;color:#116b3d;padding:12px;border-radius:6px}
.m{color:#52606d;margin:0 0 8px}"""


def policy(nonce: str) -> str:
    """Return the content security policy of the window: our own style and form, nothing else."""
    return f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


def ask_window(ask: Ask, origin: str, nonce: str, *, refusal: str = "") -> str:
    """Show what is signed and ask for the PIN."""
    rows = "".join(
        f"<tr><td>{escape(d.title)}</td><td>{escape(d.patient) or '–'}</td><td>{d.pages}</td>"
        f"<td><code>{d.sha256[:8]}</code></td><td><code>{d.mark}</code></td></tr>"
        for d in ask.job.documents
    )
    count = len(ask.job.documents)
    said = f'<p class="bad" role="alert">{escape(refusal)}</p>' if refusal else ""
    body = f"""<h1>Ký {count} văn bản bằng token</h1>
<p class="m">{escape(ask.job.signer)} · theo yêu cầu của {escape(origin)}</p>{said}
<div class="list"><table><thead><tr><th>Văn bản</th><th>Người bệnh</th><th>Trang</th>
<th>Dấu băm</th><th>Mã đối chiếu</th></tr></thead>
<tbody>{rows}</tbody></table></div>
<form method="post" autocomplete="off"><label for="pin">Mã PIN của token</label>
<input id="pin" name="pin" type="password" autocomplete="off" autofocus>
<div class="acts"><button class="yes" name="act" value="sign">Ký {count} văn bản</button>
<button class="no" name="act" value="decline">Từ chối</button></div></form>"""
    return _page("Ký bằng token", body, nonce)


def end_window(words: str, nonce: str) -> str:
    """Say how it ended."""
    return _page(
        "Ký bằng token", f'<h1>Ký bằng token</h1><p class="good" role="status">{escape(words)}</p>', nonce
    )


def _page(title: str, body: str, nonce: str) -> str:
    return f"""<!doctype html><html lang="vi"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title} · Lành</title>
<style nonce="{nonce}">{_STYLE}</style></head><body><main>{body}</main></body></html>"""
