"""Words of the pages: times, ages, money, and text from outside, bounded. Pure."""

from typing import Final

from markupsafe import Markup

from cluster.audit.screens import when
from cluster.terminal.plain_text import plain

TEXT_LENGTH_MAX: Final = 300
"""Of one foreign text on a page; the record has the whole of it."""
SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
NO_VALUE: Final = "-"
RELEASE_LETTERS: Final = 10


def cut(text: str, length_max: int = TEXT_LENGTH_MAX) -> str:
    """Return foreign text on one line, cut with its full length said; the template escapes it."""
    if len(text) <= length_max:
        return plain(text, length_max)
    return f"{plain(text[:length_max], length_max)} … ({len(text):,} characters in all)"


def drawn(svg: str) -> Markup:
    """Let a chart of `cluster.pictures` into a page as it is: every text in it is escaped."""
    return Markup(svg)  # noqa: S704 the one place, and only for charts


def utc(time_ms: float | None) -> str:
    """Write a moment as UTC; 0 and None are moments that nobody knows."""
    if not time_ms:
        return NO_VALUE
    said = _when(time_ms)
    return f"{said} UTC" if said else "an impossible time"


def clock(time_ms: int) -> str:
    """Write the time of day of a moment, UTC."""
    return _when(time_ms)[11:]


def _when(time_ms: float) -> str:
    """Write a moment; empty for what is no time that a calendar has."""
    try:
        return when(int(time_ms))
    except (ValueError, OverflowError, OSError):
        return ""


def span(length_ms: float) -> str:
    """Write how long something took or is ago, in the two units that matter."""
    if length_ms < SECOND_MS:
        return f"{length_ms:.0f} ms"
    if length_ms < MINUTE_MS:
        return f"{length_ms / SECOND_MS:.1f} s"
    if length_ms < HOUR_MS:
        return f"{length_ms // MINUTE_MS:.0f} min {length_ms % MINUTE_MS // SECOND_MS:.0f} s"
    if length_ms < DAY_MS:
        return f"{length_ms // HOUR_MS:.0f} h {length_ms % HOUR_MS // MINUTE_MS:.0f} min"
    return f"{length_ms // DAY_MS:.0f} d {length_ms % DAY_MS // HOUR_MS:.0f} h"


def ago(then_ms: float, now_ms: float) -> str:
    """Write the age of something; a clock that was set back makes it just now."""
    return f"{span(max(0.0, now_ms - then_ms))} ago" if then_ms else "at an unknown time"


def short(release: str | None) -> str:
    return (release or "")[:RELEASE_LETTERS] or "not recorded"
