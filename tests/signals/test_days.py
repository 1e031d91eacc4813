"""The UTC day of a moment: what the journal's folders are named by."""

import pytest

from signals.market import DAY_MS, day_of, day_start_ms

LEAP_DAY_MS = 1_709_164_800_000
"""2024-02-29, 00:00 UTC."""


@pytest.mark.parametrize(
    ("time_ms", "day"),
    [
        (0, "1970-01-01"),
        (-1, "1969-12-31"),
        (LEAP_DAY_MS - 1, "2024-02-28"),
        (LEAP_DAY_MS, "2024-02-29"),
        (LEAP_DAY_MS + DAY_MS - 1, "2024-02-29"),
        (LEAP_DAY_MS + DAY_MS, "2024-03-01"),
        (4_107_456_000_000, "2100-02-28"),
        (4_107_542_400_000, "2100-03-01"),
    ],
)
def test_a_moment_has_the_calendars_day(time_ms: int, day: str) -> None:
    assert day_of(time_ms) == day


@pytest.mark.parametrize("time_ms", [-1, 0, LEAP_DAY_MS, LEAP_DAY_MS + DAY_MS - 1])
def test_a_day_begins_at_its_midnight(time_ms: int) -> None:
    assert day_start_ms(day_of(time_ms)) == time_ms - time_ms % DAY_MS


@pytest.mark.parametrize("text", ["", "2026-02-29", "2026-3-04", "damaged"])
def test_a_text_that_names_no_day_has_no_begin(text: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|day is out of range"):
        day_start_ms(text)
