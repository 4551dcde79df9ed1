"""docs/proof.md names tests that exist, for every promise it makes."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = re.findall(r"^\| (?!Promise|---)(.+?) \| (.+?) \|$", (ROOT / "docs/proof.md").read_text("utf-8"), re.M)


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@pytest.mark.parametrize(("promise", "proof"), ROWS, ids=[promise[:60] for promise, _ in ROWS])
def test_every_promise_has_a_test(promise: str, proof: str) -> None:
    names = [name.partition("::") for name in proof.split()]
    assert names, promise
    for path, _, name in names:
        assert name in names_in(path), f"{promise}: {path}::{name}"


def test_the_page_keeps_all_its_promises() -> None:
    assert len(ROWS) > 45
