"""`hospital check` names what is wrong."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from hospital.commands.check import check


def test_a_good_installation_passes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, db_url: str) -> None:
    monkeypatch.setenv("HOSPITAL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", db_url)
    answer = CliRunner().invoke(check)
    assert answer.exit_code == 0, answer.output
    assert "kernel.secret" in answer.output


def test_a_database_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOSPITAL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", f"postgresql://nobody@/none?host={tmp_path}")
    answer = CliRunner().invoke(check)
    assert answer.exit_code == 1
    assert "Không vào được cơ sở dữ liệu" in answer.output


def test_a_folder_that_cannot_be_written_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, db_url: str
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    monkeypatch.setenv("HOSPITAL_DATA_DIR", str(in_the_way / "data"))
    monkeypatch.setenv("DATABASE_URL", db_url)
    answer = CliRunner().invoke(check)
    assert answer.exit_code == 1
    assert "không ghi được" in answer.output


def test_an_unknown_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSPITAL_TYPO", "1")
    answer = CliRunner().invoke(check)
    assert "HOSPITAL_TYPO" in answer.output
    assert answer.exit_code == 1
