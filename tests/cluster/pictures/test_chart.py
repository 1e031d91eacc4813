"""Charts: every text escaped, every point inside the frame, extremes never thinned away."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from cluster.pictures.axes import HEIGHT, POINTS_MAX, WIDTH, Series
from cluster.pictures.band import Band, band_chart
from cluster.pictures.chart import bar_chart, interval_chart, step_chart
from cluster.pictures.strip import Cell, CellKind, strip_chart
from cluster.pictures.timeline import Dot, Mark, Timeline, timeline_chart

numbers = st.floats(-1e9, 1e9)


@given(st.lists(numbers, min_size=1, max_size=50))
@example([5e-324])
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
        band_chart(
            bad,
            Band(name=bad, x=(0.0, 1.0), low=(0.0, 0.0), value=(0.5, 0.5), high=(1.0, 1.0)),
            lambda _: bad,
            lambda _: bad,
        ),
        strip_chart(bad, [Cell(at=0.0, kind=CellKind.ACTED, text=bad)], lambda _: bad),
        timeline_chart(
            Timeline(
                title=bad,
                series=(series,),
                marks=(Mark(at=0.5, name=bad),),
                dots=(Dot(at=0.5, value=0.5, up=True, text=bad),),
            ),
            lambda _: bad,
            lambda _: bad,
        ),
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


def test_a_line_of_prices_has_no_zero_on_its_axis_and_dots_tell_their_kind_by_shape() -> None:
    series = Series("btc", (0.0, 1.0), (60_000.0, 60_010.0))
    dots = (
        Dot(at=0.2, value=60_001.0, up=True, text="bought Up"),
        Dot(at=0.4, value=60_002.0, up=False, text="bought Down"),
    )
    picture = timeline_chart(Timeline(title="t", series=(series,), dots=dots), str, str)
    assert 'class="zero"' not in picture
    shapes = re.findall(r'class="fill (\w+)" d="([^"]+)"', picture)
    assert [kind for kind, _ in shapes] == ["up", "down"]
    assert shapes[0][1] != shapes[1][1]


def test_marks_and_dots_outside_of_the_lines_time_are_left_out() -> None:
    series = Series("a", (10.0, 20.0), (0.0, 1.0))
    line = Timeline(
        title="t",
        series=(series,),
        marks=(Mark(at=5.0, name="before"), Mark(at=15.0, name="inside")),
        dots=(Dot(at=25.0, value=0.5, up=True, text="after"),),
    )
    picture = timeline_chart(line, str, str)
    assert "inside" in picture
    assert "before" not in picture
    assert "after" not in picture


def test_cells_of_a_strip_differ_in_height_and_not_in_colour_alone() -> None:
    cells = [Cell(at=float(n), kind=kind, text=str(kind)) for n, kind in enumerate(CellKind)]
    picture = strip_chart("t", cells, str)
    rows = re.findall(r'<rect class="cell \w+" x="[\d.]+" y="([\d.]+)"', picture)
    assert len(set(rows)) == len(CellKind)
    assert "nothing to show yet" in strip_chart("t", [], str)


def test_intervals_on_both_sides_of_zero_have_its_line() -> None:
    def drawn(low: float) -> str:
        return interval_chart("t", [("a", low, 0.2, 0.5)], str)

    assert 'class="zero"' in drawn(-0.1)
    assert 'class="zero"' not in drawn(0.1)
