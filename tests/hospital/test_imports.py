"""What a web process must not carry: every megabyte counts once for each worker."""

import subprocess
import sys

import pytest

from hospital.processes import ROOT


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The packages in a fresh process of the web."""
    program = "import hospital.web, sys; print(*(n for n, m in sys.modules.items() if m and '.' not in n))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("package", ["rich", "pygments", "obstore", "pypdfium2"])
def test_the_web_process_leaves_out_what_it_never_calls(package: str, loaded: set[str]) -> None:
    assert package not in loaded
    assert "litestar" in loaded
