"""The server's factory keeps the garbage collector off what stays."""

import gc
from pathlib import Path

import pytest

from hospital.app import from_environment


def test_what_the_server_starts_with_is_never_looked_through_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("hospital.app.configure_logs", lambda **_: None)  # The test runner has its own.
    monkeypatch.setenv("HOSPITAL_DATA_DIR", str(tmp_path))
    try:
        from_environment()
        assert gc.get_freeze_count() > 100_000
    finally:
        gc.unfreeze()
