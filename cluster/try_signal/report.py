"""The result of a tape run as text for people."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from cluster.terminal.counting import counted
from cluster.try_signal.result import Bin, Calibration, TriedDecision, TriedTrade, TryResult
from cluster.try_signal.times import clock
from signals.units import MICRO

SHOWN: Final = 12
"""Rows of decisions and of trades; --json has all of them."""


def to_text(result: TryResult) -> str:
    """Write decisions, trades and calibration, the last rows of each, with what they rest on."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: TryResult) -> Iterator[str]:
    yield f"signal    {result.signal}, params {result.params[:12]}"
    yield f"tape      {result.source}"
    yield f"          {result.model}"
    yield from _lacking(result)
    yield f"slots     {result.configuration}"
    yield f"period    {clock(result.first_due_ms)} .. {clock(result.last_due_ms)} UTC"
    yield f"decide    {result.decide_ms_mean:.2f} ms mean, {result.decide_ms_max:.2f} ms max"
    yield ""
    yield from _decisions(result.decisions)
    yield ""
    yield from _trades(result)
    yield ""
    yield from _calibration(result.calibration)


def _lacking(result: TryResult) -> Iterator[str]:
    """Name each asset and input that the tape lacks, once."""
    if result.not_on_tape:
        yield f"          not on the tape, so not tried: {', '.join(result.not_on_tape)}"
    for feed, count in sorted(result.lacking.items()):
        name = feed.replace("_", " ")
        yield (
            f"          no fresh {name} on the tape at {count} of {result.points} decision points: "
            "decided without it; the fleet would call it stale"
        )


def _decisions(decisions: tuple[TriedDecision, ...]) -> Iterator[str]:
    codes = Counter(f"{one.action} {one.reason.split(':')[0]}" for one in decisions)
    yield f"DECISIONS {len(decisions)}: " + ", ".join(
        f"{count} {code}" for code, count in codes.most_common()
    )
    for one in decisions[-SHOWN:]:
        numbers = (
            f"p {_number(one.probability_up)} mid {_number(one.market_mid_up)} "
            f"fair {_number(one.fair_up)}"
        )
        yield f"  {clock(one.due_ms)}  {one.slot:<9} {numbers}  {one.action:<8} {one.reason}"


def _trades(result: TryResult) -> Iterator[str]:
    yield f"TRADES    {counted(len(result.trades), 'fill')} of {counted(result.orders, 'order')}"
    for one in result.trades[-SHOWN:]:
        yield f"  {clock(one.due_ms)}  {one.slot:<9} {_trade(one)}"
    pnl = result.pnl_micro_usd / MICRO
    yield f"  profit in the model market {pnl:+.2f} USD: it means nothing, see above"


def _trade(one: TriedTrade) -> str:
    told = f"{one.side:<4} {one.outcome:<4} {one.shares / MICRO:8.2f} at {one.price / MICRO:.3f}"
    return f"{told} {one.style}, fee {one.fee_micro_usd / MICRO:.4f}"


def _calibration(rows: tuple[Calibration, ...]) -> Iterator[str]:
    if not rows:
        yield "CALIBRATION  no decision with a probability settled"
        return
    first = rows[0]
    yield (
        f"CALIBRATION  {counted(first.forecasts, 'forecast')}, {counted(first.windows, 'window')}, "
        f"{first.settlement_times} settlement times (windows that settle together are nearly one)"
    )
    yield "  lower is better; a coin has 0.6931 and 0.2500"
    for row in rows:
        yield f"  {row.name:<20} log-loss {row.log_loss:.4f}  Brier {row.brier:.4f}{_beats(row)}"
    yield f"  reliability of {first.name}:"
    for part in first.reliability:
        yield (
            f"    {part.low:.1f}-{part.high:.1f}  forecast {part.mean_forecast:.3f}  "
            f"happened {part.share_up:.3f} {_interval(part)}  ({part.forecasts})"
        )


def _beats(row: Calibration) -> str:
    if row.beats_market is None:
        return ""
    if row.beats_market_low is None or row.beats_market_high is None:
        return f"  better than the market by {row.beats_market:+.4f} (too few to tell)"
    told = f"{row.beats_market_low:+.4f} to {row.beats_market_high:+.4f}"
    shown = "" if row.beats_market_low > 0 or row.beats_market_high < 0 else ", not shown"
    return f"  better than the market by {row.beats_market:+.4f} (95 %: {told}{shown})"


def _interval(part: Bin) -> str:
    if part.share_up_low is None or part.share_up_high is None:
        return "[too few]     "
    return f"[{part.share_up_low:.3f}, {part.share_up_high:.3f}]"


def _number(value: float | None) -> str:
    return "  -  " if value is None else f"{value:.3f}"
