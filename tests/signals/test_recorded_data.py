"""The signal on recorded data: every candle of the tape, and real settlements of one day."""

import math
import os
from bisect import bisect_right
from itertools import pairwise
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from cluster.try_signal import run_try
from cluster.try_signal.tape import AssetTape, read_tape
from cluster.try_signal.tape_snapshots import closed_by, resampled
from signals.decision import Position
from signals.decision_check import faults
from signals.fair_value import Settlement, closing_moments, probability_up
from signals.market import Timeframe, Window
from signals.params import Params, override
from signals.snapshot import Interval, Snapshot, Ticks
from signals.strategies import five_factor
from signals.units import MICRO, MicroUsd
from tests.recorded import absent
from tests.signals.builders import make_ages, make_market

pytestmark = pytest.mark.data

FOLDER = Path(
    os.environ.get("MIDSTRIDE_DATA")
    or Path(__file__).resolve().parents[2].parent / "shared" / "data"
)
FAIR = override(Params(), {"blend.mid": 0.5, "blend.fair": 0.5, "points.mode": "blend"})
POSITION = Position(allocation_micro_usd=MicroUsd(100 * MICRO))


@pytest.fixture(scope="module")
def folder() -> Path:
    if not (FOLDER / "klines.parquet").exists():
        told = f"no recorded market data in {FOLDER}; name its folder in MIDSTRIDE_DATA"
        absent(told)
    return FOLDER


def candle_snapshots(tape: AssetTape) -> list[Snapshot]:
    """Make a snapshot 20 s after the close of each candle; ticks go straight to its next close."""
    series = tuple(resampled(tape.candles, interval) for interval in Interval)
    funding_ms = [point.time_ms for point in tape.funding]
    interest_ms = [point.time_ms for point in tape.open_interest]
    snapshots = []
    for place, open_ms in enumerate(tape.candles.open_time_ms[1:], start=1):
        due_ms = open_ms + 20_000
        opening, close = tape.candles.open[place], tape.candles.close[place]
        prices = [opening + (close - opening) * second / 300 for second in range(20)]
        markets = tuple(
            make_market(Window.at(due_ms, timeframe), price_to_beat=opening, received_ms=due_ms)
            for timeframe in Timeframe
        )
        interest = bisect_right(interest_ms, due_ms)
        funding = tape.funding[: bisect_right(funding_ms, due_ms)][-12:]
        open_interest = tape.open_interest[max(0, interest - 60) : interest]
        snapshots.append(
            Snapshot(
                asset=tape.asset,
                due_ms=due_ms,
                taken_ms=due_ms,
                candles=tuple(closed_by(one, due_ms) for one in series),
                ticks=Ticks(
                    observed_ms=tuple(open_ms + 1000 * second for second in range(20)),
                    twap=tuple(prices),
                    spot=tuple(prices),
                ),
                funding=funding,
                next_funding_ms=due_ms - due_ms % 28_800_000 + 28_800_000,
                open_interest=open_interest,
                markets=markets,
                ages=make_ages(
                    candles=due_ms - open_ms,
                    funding=due_ms - funding[-1].time_ms if funding else 0,
                    open_interest=due_ms - open_interest[-1].time_ms if open_interest else 0,
                ),
            )
        )
    return snapshots


def test_every_recorded_candle_is_decided_without_a_fault(folder: Path) -> None:
    tape = read_tape(folder)
    assert len(tape.assets) == 7
    decided = 0
    for one in tape.assets:
        memory = five_factor.Memory()
        for snapshot in candle_snapshots(one):
            decision, memory = five_factor.decide(snapshot, Timeframe.M5, POSITION, memory, FAIR)
            decided += 1
            assert faults(decision, snapshot.market(Timeframe.M5)) == ()
            for score in decision.factors:
                if score.bull is not None and score.bear is not None:
                    assert 0 <= score.bull <= score.maximum + 1e-9
                    assert 0 <= score.bear <= score.maximum + 1e-9
                else:
                    assert "no data" in score.reason
            spread = decision.spread_points
            assert spread is None or -100 <= spread <= 100
            # taker-buy volume was not recorded: it must say so, and never count as zero
            assert "no data: taker-buy volume" in decision.factors[1].reason or (
                decision.factors[1].bull is None
            )
    assert decided == sum(len(one.candles) for one in tape.assets) - 7


def test_a_tape_run_over_recorded_candles_gives_calibration(folder: Path) -> None:
    result = run_try("five_factor", folder, cycles=24, assets=frozenset({"btc", "eth"}))
    assert "recorded candles" in result.source
    names = {row.name for row in result.calibration}
    assert names == {"signal", "market mid (model)", "fair value"}


LOOK_BACK = 60
HELD_S = 3
"""A second without an observation holds the one before, for this long."""


class Recorded(msgspec.Struct):
    """The settlement feed by the second; None in its gaps."""

    first_s: int
    price: list[float | None]

    def mean(self, end_s: int, seconds: int) -> float | None:
        part = self.price[end_s - seconds + 1 - self.first_s : end_s + 1 - self.first_s]
        known = [price for price in part if price is not None]
        return math.fsum(known) / seconds if len(known) == seconds else None

    def variance(self, end_s: int, seconds: int) -> float:
        part = self.price[end_s - seconds - self.first_s : end_s + 1 - self.first_s : 5]
        moves = [(b - a) ** 2 for a, b in pairwise(part) if a and b]
        return math.fsum(moves) / (5 * len(moves))


def read_feed(folder: Path) -> Recorded:
    table = pq.read_table(folder / "chainlink_btcusd_ticks.parquet")
    rows = dict(
        zip(
            (at // 1000 for at in table["ts_ms"].to_pylist()),
            table["value"].to_pylist(),
            strict=True,
        )
    )
    first, last = min(rows), max(rows)
    return Recorded(
        first,
        [
            next((rows[at] for at in range(second, second - HELD_S - 1, -1) if at in rows), None)
            for second in range(first, last + 1)
        ],
    )


def settlements(feed: Recorded, left_s: int) -> list[tuple[Settlement, bool]]:
    """Return what was known `left_s` before each close, and whether Up won by the average."""
    last_s = feed.first_s + len(feed.price) - 1
    found = []
    for open_s in range(feed.first_s + 900 - feed.first_s % 300, last_s - 300, 300):
        now_s = open_s + 300 - left_s
        opening, closing = feed.mean(open_s, LOOK_BACK), feed.mean(open_s + 300, LOOK_BACK)
        seen = feed.mean(now_s, LOOK_BACK - left_s)
        price = feed.price[now_s - feed.first_s]
        if opening is None or closing is None or seen is None or price is None:
            continue
        known = Settlement(
            opening=opening,
            price=price,
            closing_mean=seen,
            sigma=math.sqrt(feed.variance(now_s, 600)),
            tau=float(left_s),
            look_back=float(LOOK_BACK),
        )
        found.append((known, closing >= opening))
    return found


def loss(p: float, up: bool) -> float:  # noqa: FBT001 an outcome
    return -math.log(max(1e-6, p if up else 1 - p))


def test_the_fair_value_knows_real_settlements_20_seconds_before_the_close(folder: Path) -> None:
    cases = settlements(read_feed(folder), 20)
    assert len(cases) > 150
    ours = math.fsum(loss(probability_up(known), up) for known, up in cases) / len(cases)
    naive = 0.0
    for known, up in cases:
        mean, _ = closing_moments(known)
        variance = known.sigma**2 * known.tau / 3  # the wrong law: nothing of the average is known
        p = 0.5 * math.erfc((known.opening - mean) / math.sqrt(2 * variance))
        naive += loss(p, up) / len(cases)
    print(f"\n{len(cases)} windows at T-20 s: log-loss {ours:.4f}, with tau / 3 {naive:.4f}")
    assert ours < 0.06
    assert ours < naive
