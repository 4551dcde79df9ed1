"""`hospital bench`: measure, each figure beside its floor or peer from the same run, and keep the table in docs/."""

import importlib
import inspect
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import click

from hospital.processes import ROOT

BENCH = ROOT / "bench"
TABLE = ROOT / "docs" / "benchmarks.md"


@click.command()
@click.argument("names", nargs=-1)
@click.option(
    "--write/--no-write", default=None, help="Ghi bảng vào docs/benchmarks.md (mặc định: khi đo tất cả)."
)
def bench(names: tuple[str, ...], write: bool | None) -> None:
    """Đo tốc độ. Không nêu tên thì đo tất cả."""
    sys.path.insert(0, str(ROOT))
    found = sorted(path.stem for path in BENCH.glob("*.py") if not path.stem.startswith("_"))
    unknown = set(names) - set(found)
    if unknown:
        raise click.ClickException(f"Không có phép đo {', '.join(sorted(unknown))}. Có: {', '.join(found)}.")
    rows: list[tuple[str, dict[str, Any]]] = []
    for name in names or found:
        click.echo(f"· {name}")
        rows += [(name, row) for row in _run(name)]
    text = table(rows)
    click.echo(text)
    if write or (write is None and not names):
        TABLE.write_text(heading() + text, encoding="utf-8")


def _run(name: str) -> list[dict[str, Any]]:
    """Each bench is a module with `main()`, plain or async, that returns one row or several."""
    main = importlib.import_module(f"bench.{name}").main
    found = anyio.run(main) if inspect.iscoroutinefunction(main) else main()
    return found if isinstance(found, list) else [found]


def _figure(row: dict[str, Any], *names: str) -> str:
    for name in names:
        if row.get(name) is not None:
            value = row[name]
            return f"{value:.3g}" if isinstance(value, float) else str(value)
    return ""


def table(rows: list[tuple[str, dict[str, Any]]]) -> str:
    """One line a figure: what, how much, the floor or peer of the same run, the ratio, the budget."""
    lines = [
        "| Bench | Work | Figure | Unit | Floor or peer, same run | Ratio | Budget |",
        "|---|---|---|---|---|---|---|",
    ]
    for bench_name, row in rows:
        unit = row.get("unit") or (
            "ms CPU" if row.get("cpu_ms") is not None else "ms wall" if row.get("wall_ms") else ""
        )
        cells = [
            bench_name,
            str(row.get("name", "")),
            _figure(row, "value", "cpu_ms", "wall_ms", "wall", "rate"),
            str(unit),
            _figure(row, "floor_text", "floor"),
            _figure(row, "ratio"),
            _figure(row, "budget"),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def heading() -> str:
    """What machine the figures are from."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    processor = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    return f"""# Benchmarks

Written by `make bench`. A figure counts only beside its floor or peer from the same run; "ms CPU" is time of one core.
Machine: {os.cpu_count()} × {processor}, Linux {platform.release()}, Python {platform.python_version()};
commit {commit.stdout.strip()}.

"""
