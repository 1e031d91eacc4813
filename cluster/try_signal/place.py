"""Where in a strategy's file an error came from."""

import traceback
from pathlib import Path
from typing import Final

STRATEGIES: Final = "strategies"


def place_of(error: BaseException) -> str:
    """Return `` in FILE, line N: CODE`` of the last frame in a strategy's file, else of any."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).parent.name == STRATEGIES]
    if not frames:
        return ""
    frame = (own or list(frames))[-1]
    code = f": {frame.line}" if frame.line else ""
    return f" in {_short(frame.filename)}, line {frame.lineno}{code}"


def _short(filename: str) -> str:
    parts = Path(filename).parts
    return "/".join(parts[-3:]) if STRATEGIES in parts else parts[-1]
