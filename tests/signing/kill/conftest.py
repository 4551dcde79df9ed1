"""One hospital for the kills of this folder: each test kills it and starts it again."""

from collections.abc import Iterator

import pytest

from tests.signing.kill.mortal import Mortal, mortal_hospital


@pytest.fixture(scope="package")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mortal]:
    with mortal_hospital(tmp_path_factory.mktemp("mortal")) as mortal:
        yield mortal
