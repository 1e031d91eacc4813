"""Text from outside on a page: bounded, on one line, its full length said."""

from hypothesis import given
from hypothesis import strategies as st

from cluster.web.views.texts import TEXT_LENGTH_MAX, ago, clock, cut, span, utc


@given(st.text())
def test_any_text_comes_out_on_one_line_that_can_be_printed(text: str) -> None:
    assert cut(text).isprintable()


@given(st.one_of(st.integers(), st.floats()))
def test_any_number_is_a_time_or_said_to_be_none(number: float) -> None:
    assert utc(number)
    clock(number)  # type: ignore[arg-type]


def test_a_text_of_a_megabyte_is_cut_and_its_length_is_said() -> None:
    shown = cut("x" * 1_048_576)
    assert shown.endswith("… (1,048,576 characters in all)")
    assert len(shown) < TEXT_LENGTH_MAX + 40
    assert cut("short") == "short"


def test_what_turns_a_line_around_is_written_as_an_escape() -> None:
    assert cut("\u202egnp.exe\x1b[31m") == "\\u202egnp.exe\\x1b[31m"


def test_times_say_what_is_not_known_and_a_clock_set_back_is_no_negative_age() -> None:
    assert utc(None) == utc(0) == "-"
    assert ago(0, 5_000) == "at an unknown time"
    assert ago(9_000, 5_000) == "0 ms ago"
    assert [span(one) for one in (12, 1_500, 61_000, 3_660_000, 90_000_000)] == [
        "12 ms",
        "1.5 s",
        "1 min 1 s",
        "1 h 1 min",
        "1 d 1 h",
    ]
