"""No container engine runs here: so every command, option, port, folder and variable of docker/ is looked up."""

import importlib
import re
from pathlib import Path
from typing import Any

import click
import yaml

from hospital.__main__ import COMMANDS
from hospital.settings import read_settings

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
DOCKERFILE = (ROOT / "docker/Dockerfile").read_text()
CADDYFILE = (ROOT / "docker/Caddyfile").read_text()
OURS: dict[str, Any] = {
    name: item for name, item in COMPOSE["services"].items() if item.get("image") == "lanh"
}


def command_of(name: str) -> click.Command:
    found: click.Command = getattr(importlib.import_module(f"hospital.commands.{name}"), name)
    return found


def check_command(words: list[str]) -> None:
    """The command exists and takes these options."""
    assert words[0] in COMMANDS
    command_of(words[0]).make_context(words[0], words[1:])


def test_every_service_runs_a_command_that_exists() -> None:
    for service in OURS.values():
        check_command(service["command"])
    check_command(re.findall(r'"([^"]+)"', re.search(r"^CMD (.+)$", DOCKERFILE, re.M)[1]))  # type: ignore[index]  # a failed search fails the test


def test_there_are_two_web_processes_a_worker_a_database_and_a_proxy() -> None:
    assert {"web-1", "web-2", "worker", "migrate", "database", "proxy"} == set(COMPOSE["services"])
    assert OURS["web-1"]["command"] == OURS["web-2"]["command"]


def test_every_variable_is_a_setting() -> None:
    for service in OURS.values():
        filled = {
            name: re.sub(r"\$\{(\w+):\?\}", "x", str(value)) for name, value in service["environment"].items()
        }
        settings = read_settings(filled)
        assert settings.kernel.secure_cookies
        assert settings.kernel.inline_worker is False


def test_secrets_named_in_the_readme_are_the_ones_used() -> None:
    used = set(re.findall(r"\$\{(\w+):\?\}", (ROOT / "docker/compose.yaml").read_text()))
    told = set(re.findall(r"^\s+(LANH_\w+)=", (ROOT / "docker/README.md").read_text(), re.M))
    assert used == told


def test_ports_agree() -> None:
    words = OURS["web-1"]["command"]
    port = words[words.index("--port") + 1]
    assert f"EXPOSE {port}" in DOCKERFILE
    assert CADDYFILE.count(f":{port}") == 2
    assert "health_uri /readyz" in CADDYFILE


def test_everything_copied_into_the_image_exists() -> None:
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.M):
        for source in sources.split():
            assert (ROOT / source).exists(), source
    for package in (
        "hospital",
        "kernel",
        "signing",
        "insurance",
        "emr",
        "billing",
        "patient_portal",
        "kiosk",
    ):
        assert f"COPY {package} {package}" in DOCKERFILE


def test_the_image_installs_versions_that_the_tests_ran_with() -> None:
    def pins(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9-]+)(==\S+)", (ROOT / name).read_text(), re.M))

    everything, image = pins("requirements.lock"), pins("requirements-run.lock")
    assert image
    assert {name: everything.get(name) for name in image} == image
