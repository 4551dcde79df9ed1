"""Read every setting from the environment: HOSPITAL_<NAME>, HOSPITAL_FACILITY_<NAME>, HOSPITAL_<PACKAGE>_<NAME>."""

import os
import secrets
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct, field
from msgspec.structs import asdict, fields, replace

from billing.settings import BillingSettings
from emr.settings import EmrSettings
from insurance.settings import InsuranceSettings
from kernel.facility import Facility
from kernel.settings import KernelSettings
from kiosk.settings import KioskSettings
from patient_portal.settings import PortalSettings
from signing.settings import SigningSettings

PREFIX = "HOSPITAL_"
SECRET_WORDS = ("secret", "password", "key", "pin", "token")


class Settings(Struct, frozen=True):
    kernel: KernelSettings = field(default_factory=KernelSettings)
    signing: SigningSettings = field(default_factory=SigningSettings)
    insurance: InsuranceSettings = field(default_factory=InsuranceSettings)
    emr: EmrSettings = field(default_factory=EmrSettings)
    billing: BillingSettings = field(default_factory=BillingSettings)
    portal: PortalSettings = field(default_factory=PortalSettings)
    kiosk: KioskSettings = field(default_factory=KioskSettings)
    database_url: str = ""
    """The application's database; empty: the embedded server."""
    owner_url: str = ""
    """The owner's URL for migrations; empty: database_url."""


class BadSetting(ValueError):
    """A variable that isn't ours or doesn't fit; the text names it."""


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Build the settings from the environment. Raises BadSetting for an unknown or unfitting HOSPITAL_ variable."""
    left = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    owner_url = left.pop("HOSPITAL_OWNER_URL", "")
    packages = {
        "signing": SigningSettings,
        "insurance": InsuranceSettings,
        "emr": EmrSettings,
        "billing": BillingSettings,
        "portal": PortalSettings,
        "kiosk": KioskSettings,
    }
    parts: dict[str, Any] = {
        name: _take(kind, f"{PREFIX}{name.upper()}_", left) for name, kind in packages.items()
    }
    facility = _take(Facility, f"{PREFIX}FACILITY_", left)
    kernel = replace(_take(KernelSettings, PREFIX, left), facility=facility)
    if left:
        raise BadSetting("Biến môi trường không có trong Lành: " + ", ".join(sorted(left)))
    url = environment.get("DATABASE_URL", "").replace("postgres://", "postgresql://", 1)
    return Settings(kernel=kernel, database_url=_asyncpg(url), owner_url=_asyncpg(owner_url), **parts)


def _asyncpg(url: str) -> str:
    return url.replace("postgresql://", "postgresql+asyncpg://", 1)


def _take(kind: type[Any], prefix: str, left: dict[str, str]) -> Any:
    """Build one Struct from the variables with its prefix and take them out of `left`."""
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for item in fields(kind):
        name = f"{prefix}{item.name.upper()}"
        if name not in left or item.name == "facility":
            continue
        text = left.pop(name)
        try:
            plain = _plain(text, hints[item.name])
            values[item.name] = msgspec.convert(plain, hints[item.name], strict=False, dec_hook=_path)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise BadSetting(f"{name}: giá trị không hợp lệ ({error}).") from None
    return kind(**values)


def _plain(text: str, hint: Any) -> Any:
    """A list or a Struct is written as JSON; everything else as it is."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        hint = next((part for part in get_args(hint) if part is not type(None)), hint)
        origin = get_origin(hint)
    if hint is Path:
        return Path(text)
    if origin in (list, tuple, dict, frozenset, set):
        return msgspec.json.decode(text)
    return text


def _path(kind: type[Any], value: Any) -> Any:
    """Read a path, alone or inside a list."""
    if kind is Path and isinstance(value, str | Path):
        return Path(value)
    raise msgspec.ValidationError(f"Expected {kind.__name__}, got {type(value).__name__}")


def shown(settings: Settings) -> dict[str, str]:
    """The effective settings for people, without secrets."""
    lines: dict[str, str] = {}
    for package in (item.name for item in fields(Settings)):
        part = getattr(settings, package)
        values = asdict(part) if isinstance(part, Struct) else {"": part}
        for name, value in values.items():
            hidden = (any(word in name for word in SECRET_WORDS) and value) or ("url" in package and value)
            lines[f"{package}.{name}".rstrip(".")] = "••••" if hidden else str(value)
    return lines


def with_secret(settings: Settings) -> Settings:
    """Make the installation's secret on the first start and keep it in the data folder, readable by us alone."""
    if settings.kernel.secret:
        return settings
    path = settings.kernel.data_dir / "secret"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
    return replace(settings, kernel=replace(settings.kernel, secret=path.read_text()))
