"""What a web process loads: the application, without what only a terminal needs. Nothing else imports this module."""

import sys

# structlog and httpx bring rich and Pygments along where they are installed, as Litestar's own commands want them, to
# colour tracebacks and a command line. Our lines are JSON: they would be 5 MB of every web process for nothing.
for name in ("rich", "pygments"):
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None: "not installed", as imports take it

from hospital.app import from_environment  # noqa: E402  (after the line above, on purpose)

__all__ = ["from_environment"]
