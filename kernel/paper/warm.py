"""Imported by worker processes at their start: reads the fonts, so that no request waits for them."""

from kernel.paper.flow import FACES
from kernel.paper.pdf import srgb

for face in FACES.values():
    face()
srgb()
