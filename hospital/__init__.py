"""Assembles the rest: app factory, settings, command line, migrations, demo hospital."""

import sys

# structlog and httpx bring rich and Pygments along where they are installed, as Litestar's own commands want them, to
# colour tracebacks and a command line. Our lines are JSON: they would be 5 MB of every process for nothing.
for name in ("rich", "pygments"):
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None: "not installed", as imports take it
