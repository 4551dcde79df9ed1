"""`make screens`: a picture of every page in docs/screens, from a throw-away demo hospital.

Names given on the command line take only those pictures.
"""

import io
import sys
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.tour import STOPS, Tour, browser, throw_away_hospital

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "screens"


def keep(picture: bytes, path: Path) -> None:
    """Write a picture with 256 colours: pages have few, and the folder travels with every clone."""
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
        path, optimize=True
    )


def main(wanted: list[str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with throw_away_hospital() as hospital, browser() as chromium:
        tour = Tour(chromium, hospital)
        for stop in STOPS:
            if wanted and stop.name not in wanted:
                continue
            page = tour.visit(stop)
            keep(page.screenshot(), FOLDER / f"{stop.name}.png")
            page.close()
            print(f"{stop.name:<24}{stop.path}")


if __name__ == "__main__":
    main(sys.argv[1:])
