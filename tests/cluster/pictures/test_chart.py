"""Charts: every text escaped, every point inside the frame, extremes never thinned away."""

import re

from hypothesis import given
from hypothesis import strategies as st

from cluster.pictures.chart import (
    HEIGHT,
    POINTS_MAX,
    WIDTH,
    Series,
    bar_chart,
    interval_chart,
    step_chart,
)

numbers = st.floats(-1e9, 1e9)


@given(st.lists(numbers, min_size=1, max_size=50))
def test_a_line_stays_inside_its_frame(values: list[float]) -> None:
    series = Series("a", tuple(map(float, range(len(values)))), tuple(values))
    picture = step_chart("t", [series], str, str)
    (path,) = re.findall(r'class="line line0" d="([^"]+)"', picture)
    assert all(0 <= float(x) <= WIDTH for x in re.findall(r"[MH](-?[\d.]+)", path))
    assert all(0 <= float(y) <= HEIGHT for y in re.findall(r"V(-?[\d.]+)", path))


def test_a_long_line_is_thinned_and_keeps_its_extremes() -> None:
    values = [0.0] * 100_000
    values[54_321], values[77_777] = 9.0, -9.0
    series = Series("a", tuple(map(float, range(100_000))), tuple(values))
    flat = Series("b", (0.0,), (0.0,))
    whole = step_chart("t", [series, flat], str, str)
    assert whole.count("H") < POINTS_MAX * 1.2
    only = Series("a", (0.0, 54_321.0, 77_777.0, 99_999.0), (0.0, 9.0, -9.0, 0.0))
    small = step_chart("t", [only, flat], str, str)

    def heights(picture: str) -> set[str]:
        return set(re.findall(r"V(-?[\d.]+)", picture))

    assert heights(small) <= heights(whole)


def test_foreign_text_is_escaped_in_every_chart() -> None:
    bad = '<script>"&'
    series = Series(bad, (0.0, 1.0), (0.0, 1.0))
    for picture in (
        step_chart(bad, [series], lambda _: bad, lambda _: bad),
        bar_chart(bad, [(bad, -1.0)], lambda _: bad),
        interval_chart(bad, [(bad, 0.0, 0.5, 1.0)], lambda _: bad),
    ):
        assert "<script" not in picture
        assert "&lt;script&gt;" in picture


def test_nothing_to_show_is_said() -> None:
    assert "nothing to show yet" in step_chart("t", [], str, str)
    assert "nothing to show yet" in bar_chart("t", [], str)
    assert "nothing to show yet" in interval_chart("t", [], str)


def test_a_loss_lies_left_of_zero_and_has_a_minus_sign() -> None:
    picture = bar_chart("t", [("a", -2.0), ("b", 2.0)], lambda value: f"{value:+.1f}")
    zero = float(re.findall(r'class="zero" d="M([\d.]+)', picture)[0])
    loss = re.findall(r'rect class="loss" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', picture)[0]
    assert abs(float(loss[0]) + float(loss[1]) - zero) < 0.2
    assert "-2.0" in picture
