"""Market time as people read it."""

from signals.market import DAY_MS, day_of


def clock(time_ms: int) -> str:
    """Return ``YYYY-MM-DD HH:MM:SS``."""
    seconds = time_ms % DAY_MS // 1000
    return f"{day_of(time_ms)} {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
