"""The table of figures: a whole run writes it anew, a named one replaces only its own lines."""

from hospital.commands.bench import HEAD, merged, table_line, taken

OLD = "# Benchmarks\n\nMachine: 2 × X;\ncommit aaa.\n\n"
NEW = OLD.replace("aaa", "bbb")


def line(name: str, value: float) -> str:
    return table_line(name, {"name": "work", "value": value, "unit": "ms CPU", "floor": 1.0, "ratio": value})


def table(*lines: str) -> str:
    return HEAD + "\n".join(lines) + "\n"


def test_a_named_bench_replaces_its_own_lines_and_says_from_which_commit() -> None:
    before = OLD + table(line("audit", 1.0), line("till", 2.0), line("till", 3.0))
    after = merged(before, {"till": [line("till", 4.0)]}, NEW, every=False)
    assert after.endswith(table(line("audit", 1.0), line("till", 4.0)))
    assert "commit aaa." in after
    assert "Measured again at bbb: till." in after


def test_measuring_the_same_again_says_so_once() -> None:
    page = OLD + table(line("till", 1.0))
    for value in (2.0, 3.0):
        page = merged(page, {"till": [line("till", value)]}, NEW, every=False)
    assert page.count("Measured again") == 1
    assert page.endswith(table(line("till", 3.0)))


def test_a_whole_run_begins_anew_but_keeps_the_lines_of_what_could_not_be_measured() -> None:
    before = OLD + "Measured again at ccc: till.\n" + table(line("start", 9.0), line("till", 2.0))
    after = merged(before, {"till": [line("till", 4.0)]}, NEW, every=True, failed=["start"])
    kept = NEW.rstrip() + "\nKept from an earlier run: start.\n\n"
    assert after == kept + table(line("start", 9.0), line("till", 4.0))


def test_a_first_run_writes_the_whole_page() -> None:
    assert merged("", {"till": [line("till", 4.0)]}, NEW, every=False) == NEW + table(line("till", 4.0))


def test_time_that_other_machines_took_is_said_from_a_hundredth_on() -> None:
    assert taken((1_000, 10), (2_000, 19)) == []
    (row,) = taken((1_000, 10), (2_000, 60))
    assert (row["value"], row["unit"]) == (5.0, "% of the processors")
    assert taken((0, 0), (0, 0)) == []
