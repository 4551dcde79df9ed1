"""Factories of a server that is killed (kill -9) in the middle of a bank notice."""

import os
import signal
from typing import Any

from litestar import Litestar

from billing.webhooks import rest, service
from hospital.app import from_environment


async def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before_match() -> Litestar:
    """Dies after the gateway got its answer and before the money is matched."""
    vars(rest)["match_at_once"] = die
    return from_environment()


def before_read() -> Litestar:
    """Dies after the raw notice is stored and before it is read: the gateway gets no answer."""
    vars(service)["read_notice"] = die
    return from_environment()
