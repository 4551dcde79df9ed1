"""`hospital bench`: measure, each figure beside its floor or peer from the same run, and keep the table in docs/."""

import importlib
import inspect
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import click
import msgspec

from hospital.processes import ROOT

BENCH = ROOT / "bench"
TABLE = ROOT / "docs" / "benchmarks.md"
LONGEST_SECONDS = 600
HEAD = "| Bench | Work | Figure | Unit | Floor or peer, same run | Ratio | Budget |\n|---|---|---|---|---|---|---|\n"

Row = dict[str, Any]


@click.command()
@click.argument("names", nargs=-1)
@click.option(
    "--write/--no-write",
    default=True,
    show_default=True,
    help="Ghi vào docs/benchmarks.md; nêu tên thì trộn.",
)
@click.option("--rows", type=click.Path(path_type=Path), hidden=True)
def bench(names: tuple[str, ...], write: bool, rows: Path | None) -> None:
    """Đo tốc độ. Không nêu tên thì đo tất cả."""
    found = sorted(path.stem for path in BENCH.glob("*.py") if not path.stem.startswith("_"))
    unknown = set(names) - set(found)
    if unknown:
        raise click.ClickException(f"Không có phép đo {', '.join(sorted(unknown))}. Có: {', '.join(found)}.")
    if rows is not None:
        rows.write_bytes(msgspec.json.encode(measure(names[0])))
        return
    lines: dict[str, list[str]] = {}
    failed = []
    for name in names or found:
        measured = _in_a_process(name)
        if measured is None:
            failed.append(name)
            continue
        lines[name] = [table_line(name, row) for row in measured]
        click.echo(HEAD + "\n".join(lines[name]) + "\n")
    if write and lines:
        before = TABLE.read_text(encoding="utf-8") if TABLE.exists() else ""
        TABLE.write_text(merged(before, lines, heading(), every=not names, failed=failed), encoding="utf-8")
    if failed:
        raise click.ClickException(f"Không đo được: {', '.join(failed)}. Dòng cũ của chúng được giữ nguyên.")


def measure(name: str) -> list[Row]:
    """Each bench is a module with `main()`, plain or async, that returns one row or several."""
    sys.path.insert(0, str(ROOT))
    main = importlib.import_module(f"bench.{name}").main
    found = anyio.run(main) if inspect.iscoroutinefunction(main) else main()
    return found if isinstance(found, list) else [found]


def _in_a_process(name: str) -> list[Row] | None:
    """Run one bench in a process of its own: what it leaves in memory, or its end, is not the next one's."""
    click.echo(f"· {name}")
    begun, spent, all_before = time.perf_counter(), _cpu_of_children(), _processors()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.json"
        command = [sys.executable, "-m", "hospital", "bench", name, "--rows", str(file)]
        try:
            subprocess.run(command, cwd=ROOT, check=True, timeout=LONGEST_SECONDS)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            click.echo(f"  {name}: {error}", err=True)
            return None
        rows = msgspec.json.decode(file.read_bytes(), type=list[Row])
    seconds = time.perf_counter() - begun
    click.echo(f"  {name}: {seconds:.1f} s, CPU {_cpu_of_children() - spent:.1f} s")
    return rows + taken(all_before, _processors())


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _processors() -> tuple[int, int]:
    """Time of all processors since the machine started, and what of it others on the same iron took (proc(5): steal)."""
    try:
        times = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    except OSError:
        return 0, 0
    return sum(times), times[7]


def taken(before: tuple[int, int], after: tuple[int, int]) -> list[Row]:
    """Return a row that says it when other machines took a hundredth or more of the processors meanwhile."""
    everything, theirs = after[0] - before[0], after[1] - before[1]
    if not everything or (percent := 100 * theirs / everything) < 1:
        return []
    return [{"name": "other machines took meanwhile", "value": percent, "unit": "% of the processors"}]


def _figure(row: Row, *names: str) -> str:
    for name in names:
        if row.get(name) is not None:
            value = row[name]
            return f"{value:.3g}" if isinstance(value, float) else str(value)
    return ""


def table_line(name: str, row: Row) -> str:
    """One figure: what, how much, the floor or peer of the same run, the ratio, the budget."""
    unit = row.get("unit") or (
        "ms CPU" if row.get("cpu_ms") is not None else "ms wall" if row.get("wall_ms") else ""
    )
    cells = [
        name,
        str(row.get("name", "")),
        _figure(row, "value", "cpu_ms", "wall_ms", "wall", "rate"),
        str(unit),
        _figure(row, "floor_text", "floor"),
        _figure(row, "ratio"),
        _figure(row, "budget"),
    ]
    return "| " + " | ".join(cells) + " |"


def merged(
    before: str, lines: dict[str, list[str]], head: str, *, every: bool, failed: Sequence[str] = ()
) -> str:
    """Return the page with these benches' lines in place of their old ones.

    Benches that were not measured now keep their lines, and the heading of the run they are from; a whole run names
    those it could not measure.
    """
    kept: dict[str, list[str]] = {}
    for line in before.splitlines():
        name = line.split("|")[1].strip() if line.startswith("| ") else ""
        if name and name != "Bench":
            kept.setdefault(name, []).append(line)
    opening, _, _ = before.partition("| Bench")
    if every or not opening.strip():
        opening = head
        if failed:
            opening = head.rstrip() + f"\nKept from an earlier run: {', '.join(failed)}.\n\n"
    else:
        commit = head.rstrip().rstrip(".").rsplit("commit ", 1)[-1]
        again = f": {', '.join(sorted(lines))}."
        old = [part for part in opening.rstrip().splitlines() if not part.endswith(again)]
        opening = "\n".join([*old, f"Measured again at {commit}{again}", "", ""])
    shown = kept | lines
    return opening + HEAD + "\n".join(line for name in sorted(shown) for line in shown[name]) + "\n"


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
