"""The pages of the kernel's web part: static files and `/_design`, which shows every component with a story."""

from datetime import date, timedelta
from typing import Any

from litestar import get
from litestar.params import FromQuery
from litestar.response import Template
from markupsafe import Markup

from kernel.clock import utc_now
from kernel.web.assets import static_file


@get("/_design", opt={"public": True}, include_in_schema=False, sync_to_thread=False)
def design() -> Template:
    """Show every component in each of its states."""
    now = utc_now()
    return Template(
        "design/index.html",
        context={
            "born": date(1988, 3, 14),
            "baby": (now - timedelta(days=40)).date(),
            "moment": now,
            "until": now + timedelta(minutes=14, seconds=32),
            "sample_qr": sample_qr(),
        },
    )


@get("/_design/options", opt={"public": True}, include_in_schema=False, sync_to_thread=False)
def design_options(q: FromQuery[str] = "") -> Template:
    """Answer the combobox of the story."""
    known = [("F41.1", "Rối loạn lo âu lan tỏa"), ("F32.1", "Giai đoạn trầm cảm vừa"), ("G47.0", "Mất ngủ")]
    found = [pair for pair in known if q.lower() in f"{pair[0]} {pair[1]}".lower()]
    return Template("design/_options.html", context={"found": found, "text": q})


def sample_qr() -> Markup:
    """Draw a square pattern in the shape of a code; it is no QR and pays nobody."""
    cells = ((x, y) for y in range(33) for x in range(33) if (x * 7 + y * 11 + x * y) % 5 < 2)
    path = "".join(f"M{x} {y}h1v1h-1z" for x, y in cells)
    return Markup('<svg viewBox="0 0 33 33" aria-hidden="true"><path d="{}"/></svg>').format(path)


WEB_ROUTES: list[Any] = [static_file, design, design_options]
