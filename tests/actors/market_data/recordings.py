"""Recorded bodies, and the instant that the hand-written ones are of."""

import os
from pathlib import Path

from signals.market import Timeframe, Window
from tests.recorded import absent

FIXTURES = Path(os.environ.get("MIDSTRIDE_DATA", "../shared/data")) / "fixtures"
OPEN_S = 1_767_225_600
WINDOW = Window(OPEN_S * 1000, Timeframe.M5)
NOW_MS = OPEN_S * 1000 + 7_000


def fixture(name: str) -> Path:
    path = FIXTURES / name
    if not path.exists():
        absent(f"no recorded data at {path.resolve()}: set MIDSTRIDE_DATA to its folder")
    return path
