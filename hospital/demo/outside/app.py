"""The fake outside world as one HTTP server. Each part misbehaves on command: POST /outside/<part>/mood {"mode": ...}."""

import importlib
import importlib.util
import os
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Litestar, get
from litestar.datastructures import State
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig
from msgspec import Struct

PARTS = ("pki", "ca", "sms", "people", "invoice_provider", "bank", "csc")
TEMPLATES = Path(__file__).parent / "templates"


class OutsideSettings(Struct, frozen=True):
    """Where the fakes find the hospital and its demo keys."""

    data_dir: Path
    base_url: str
    """The hospital."""
    outside_url: str
    """Ourselves."""


@get("/healthz", sync_to_thread=False)
def healthz() -> dict[str, str]:
    return {"status": "ok"}


def create_outside(settings: OutsideSettings) -> Litestar:
    """Assemble the parts that exist; each module has `routes(settings)`."""
    handlers: list[Any] = [healthz]
    for part in PARTS:
        name = f"hospital.demo.outside.{part}"
        if importlib.util.find_spec(name):
            handlers += importlib.import_module(name).routes(settings)
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    return Litestar(
        handlers,
        state=State({"outside": settings}),
        template_config=TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment)),
        logging_config=None,
        openapi_config=None,
    )


def from_environment() -> Litestar:
    return create_outside(
        OutsideSettings(
            data_dir=Path(os.environ["HOSPITAL_DATA_DIR"]),
            base_url=os.environ["HOSPITAL_BASE_URL"],
            outside_url=os.environ["LANH_OUTSIDE_URL"],
        )
    )
