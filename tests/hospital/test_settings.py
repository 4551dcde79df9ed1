"""Settings come from the environment, and a wrong one is told by its name."""

from pathlib import Path

import pytest

from hospital.settings import BadSetting, Settings, read_settings, shown, with_secret
from kernel.settings import KernelSettings


def test_the_environment_fills_every_part() -> None:
    settings = read_settings(
        {
            "HOSPITAL_DEMO": "true",
            "HOSPITAL_FACILITY_NAME": "BV A",
            "DATABASE_URL": "postgres://x@h/d",
            "PATH": "/bin",
        }
    )
    assert settings.kernel.demo is True
    assert settings.kernel.facility.name == "BV A"
    assert settings.database_url == "postgresql+asyncpg://x@h/d"


@pytest.mark.parametrize(
    ("name", "value"),
    [("HOSPITAL_DEMOO", "1"), ("HOSPITAL_SESSION_HOURS", "mười"), ("HOSPITAL_FACILITY_BEDS", "x")],
)
def test_an_unknown_or_unfitting_variable_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name):
        read_settings({name: value})


def test_secrets_are_not_shown() -> None:
    lines = shown(
        Settings(
            kernel=KernelSettings(secret="abc", s3_secret_key="def"), database_url="postgresql://u:p@h/d"
        )
    )
    assert not [value for value in lines.values() if value in ("abc", "def") or "u:p" in value]


def test_the_secret_is_made_once_and_kept(settings: Settings) -> None:
    bare = Settings(kernel=KernelSettings(data_dir=settings.kernel.data_dir))
    first, again = with_secret(bare), with_secret(bare)
    assert first.kernel.secret == again.kernel.secret
    assert len(first.kernel.secret) == 64
    assert (settings.kernel.data_dir / "secret").stat().st_mode & 0o777 == 0o600


def test_a_list_of_paths_is_read() -> None:
    given = {"HOSPITAL_SIGNING_PKCS11_MODULES": '["/usr/lib/a.so", "/usr/lib/b.so"]'}
    settings = read_settings(given)
    assert settings.signing.pkcs11_modules == (Path("/usr/lib/a.so"), Path("/usr/lib/b.so"))
    with pytest.raises(BadSetting, match="PKCS11_MODULES"):
        read_settings({"HOSPITAL_SIGNING_PKCS11_MODULES": "[7]"})
