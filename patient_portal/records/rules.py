"""Which papers are opened to whom, and how they are pictured."""

ICONS = (
    ("DT", "pill"),
    ("XN", "test-tube"),
    ("CDHA", "scan-line"),
    ("PHK", "calendar-days"),
    ("billing.", "receipt"),
)


def icon_of(kind: str) -> str:
    return next((icon for start, icon in ICONS if kind.startswith(start)), "file-check")


def may_open(kind: str, age: int, *, full_from_age: int, summary_kinds: tuple[str, ...]) -> bool:
    """Tell whether the holder of the phone may open a paper.

    Below the age somebody else holds the phone: a representative gets the summary kinds (Luật KCB Đ69 k4 đ).
    """
    return age >= full_from_age or kind in summary_kinds


def is_money(kind: str) -> bool:
    """Tell a receipt or bill from a clinical paper; the first page leads with the clinical ones."""
    return icon_of(kind) == "receipt"
