"""A tape run as one HTML page: reliability with intervals, decisions by code, the model's money."""

from collections import Counter
from collections.abc import Iterator

from cluster.pictures.axes import Series
from cluster.pictures.chart import bar_chart, interval_chart, step_chart
from cluster.pictures.page import html_page, html_table
from cluster.terminal.counting import counted
from cluster.try_signal.result import Calibration, TryResult
from cluster.try_signal.times import clock


def to_html(result: TryResult) -> str:
    """Return the page; nothing in it is loaded from elsewhere."""
    title = f"midstride try: {result.signal}"
    subtitle = (
        f"{result.source}; {clock(result.first_due_ms)} to {clock(result.last_due_ms)} UTC. "
        f"{result.model}"
    )
    return html_page(title, subtitle, _parts(result))


def _parts(result: TryResult) -> Iterator[str]:
    codes = Counter(f"{one.action} {one.reason.split(':')[0]}"[:24] for one in result.decisions)
    bars = [(code, float(count)) for code, count in codes.most_common(12)]
    yield bar_chart(
        f"{counted(len(result.decisions), 'decision')} by code", bars, lambda value: f"{value:g}"
    )
    if result.calibration:
        yield _reliability(result.calibration[0])
        yield _scores(result.calibration)
    yield step_chart(
        "Forecast and market of the last decisions, probability of Up",
        _lines(result),
        lambda x: clock(int(x))[5:16],
        lambda y: f"{y:.2f}",
    )


def _reliability(row: Calibration) -> str:
    rows = [
        (
            f"forecast {part.mean_forecast:.2f} ({part.forecasts})",
            part.share_up if part.share_up_low is None else part.share_up_low,
            part.share_up,
            part.share_up if part.share_up_high is None else part.share_up_high,
        )
        for part in row.reliability
    ]
    title = "How often Up happened, by what was forecast; lines are 95 % intervals"
    return interval_chart(title, rows, lambda value: f"{value:.2f}")


def _scores(rows: tuple[Calibration, ...]) -> str:
    names = ("", "log-loss", "Brier", "better than the market by", "95 % from", "to")
    return html_table(
        names,
        (
            (
                row.name,
                f"{row.log_loss:.4f}",
                f"{row.brier:.4f}",
                _number(row.beats_market),
                _number(row.beats_market_low),
                _number(row.beats_market_high),
            )
            for row in rows
        ),
    )


def _lines(result: TryResult) -> list[Series]:
    """Follow the first slot that has forecasts."""
    slot = next((one.slot for one in result.decisions if one.probability_up is not None), None)
    lines = []
    for name, field in (("forecast", "probability_up"), ("market (model)", "market_mid_up")):
        points = [
            (float(one.due_ms), float(getattr(one, field)))
            for one in result.decisions
            if one.slot == slot and getattr(one, field) is not None
        ]
        lines.append(
            Series(f"{slot} {name}", tuple(x for x, _ in points), tuple(y for _, y in points))
        )
    return lines


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:+.4f}"
