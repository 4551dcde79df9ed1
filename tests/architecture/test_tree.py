"""What must hold of every file, whoever writes it."""

import re
import subprocess
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

ROOT = Path(__file__).parents[2]
TRACKED = [
    Path(line)
    for line in subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    if (ROOT / line).is_file()
]
TEXTS = [path for path in TRACKED if path.suffix not in {".png", ".pdf", ".woff2", ".ttf", ".icc"}]


def read(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def test_there_are_tracked_files() -> None:
    assert len(TRACKED) > 100


def test_no_file_names_a_machine_or_a_registry() -> None:
    machine = re.compile(
        r"/(?:home|root|work|Users)/\w|files\.python"
        + r"hosted|pypi\.org/sim"
        + r"ple|registry\.npm"
        + "js|deb\\.deb"
        + "ian"
    )
    found = [str(path) for path in TEXTS if path.suffix != ".svg" and machine.search(read(path))]
    assert found == []


def test_what_is_fetched_is_not_committed() -> None:
    fetched = [
        path
        for path in TRACKED
        if "vendor" in path.parts or path.suffix in {".ttf", ".woff2"} or path.name == "uv.lock"
    ]
    assert fetched == []


@pytest.mark.parametrize("suffix", [".py", ".js", ".html"])
def test_files_stay_short(suffix: str) -> None:
    """A migration lists a schema and a test module its cases: those may be longer."""
    lists = ("hospital/migrations/", "tests/")
    long = {
        str(path): lines
        for path in TEXTS
        if path.suffix == suffix
        and (lines := read(path).count("\n")) > (600 if str(path).startswith(lists) else 400)
    }
    assert long == {}


def test_nothing_is_put_off() -> None:
    words = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
    found = [
        str(path)
        for path in TEXTS
        if path.suffix in {".py", ".js", ".html", ".css", ".toml"} and words.search(read(path))
    ]
    assert found == []


def test_every_package_and_feature_says_what_it_is() -> None:
    silent = [
        str(path)
        for path in TRACKED
        if path.name == "__init__.py" and path.parts[0] != "tests" and not read(path).startswith('"""')
    ]
    assert silent == []


def test_links_between_our_pages_lead_somewhere() -> None:
    broken = [
        f"{path} → {target}"
        for path in TRACKED
        if path.suffix == ".md"
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", read(path))
        if not (ROOT / path.parent / target).exists()
    ]
    assert broken == []


async def test_every_rest_handler_has_an_operation_id(app: Litestar) -> None:
    nameless = [
        route.path
        for route in app.routes
        if isinstance(route, HTTPRoute) and route.path.startswith("/api/")
        for handler in route.route_handlers
        if handler.http_methods != {"OPTIONS"} and not handler.operation_id
    ]
    assert nameless == []


async def test_constraints_are_named_once(session: AsyncSession) -> None:
    """A migration that spells the prefix itself gets it twice: ck_table_ck_table_name."""
    rows = await session.execute(
        text("SELECT conname FROM pg_constraint WHERE conname ~ '^(ck|uq|fk|pk)_.*_(ck|uq|fk|pk)_'")
    )
    assert [row[0] for row in rows] == []


async def test_every_table_has_its_package_in_its_name(session: AsyncSession) -> None:
    rows = await session.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
    packages = (
        "kernel_",
        "signing_",
        "insurance_",
        "emr_",
        "billing_",
        "portal_",
        "kiosk_",
        "alembic_version",
    )
    assert [row[0] for row in rows if not row[0].startswith(packages)] == []


async def test_the_application_owns_nothing(session: AsyncSession) -> None:
    owned = await session.scalar(text("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole"))
    assert owned == 0
    powers = await session.execute(
        text("SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
    )
    assert powers.scalar_one() is False
