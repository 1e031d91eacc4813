"""Two runs held against each other: what differs is found, what came late is only counted."""

from typing import Any, cast

import msgspec

from signals.params import load_params
from signals.snapshot import Candles, Snapshot
from tests.signals.builders import make_snapshot
from tests.taped_runs import INPUTS, Comparison, as_second, compare, decides_the_same

SLOT = "btc-5m"
replace = msgspec.structs.replace


def made(mid_up: float = 0.5) -> Snapshot:
    """Return a snapshot with averages alone, as market data makes them."""
    found = make_snapshot(price_to_beat=60_000.0, mid_up=mid_up)
    return replace(found, ticks=replace(found.ticks, spot=()))


ONE = made()


def compared(other: Snapshot) -> dict[str, Comparison]:
    key = (SLOT, 1)
    return compare(cast("Any", {key: (None, ONE)}), cast("Any", {key: (None, other)}))


def differing(other: Snapshot) -> dict[str, int]:
    return {name: row.other for name, row in compared(other).items() if row.other}


def with_candles(**columns: Any) -> Snapshot:
    """Return the snapshot with columns of its first series replaced."""
    first, *rest = ONE.candles
    return replace(ONE, candles=(replace(first, **columns), *rest))


def shorter(candles: Candles) -> Candles:
    columns = {name: getattr(candles, name) for name in candles.__struct_fields__}
    return Candles(**{n: v if n == "interval" else v[:-1] for n, v in columns.items()})


def test_two_equal_runs_have_each_input_in_common() -> None:
    found = compared(ONE)
    assert found.keys() == INPUTS.keys()
    assert all(row.same and not row.other and not row.alone for row in found.values())


def test_one_candle_one_rate_and_one_strike_that_differ_are_found() -> None:
    volume = ONE.candles[0].volume
    assert differing(with_candles(volume=(volume[0] + 1, *volume[1:]))) == {"candles": 1}
    rate = replace(ONE.funding[0], rate=0.5)
    assert differing(replace(ONE, funding=(rate, *ONE.funding[1:]))) == {"funding": 1}
    market = replace(ONE.markets[0], price_to_beat=1.0)
    assert differing(replace(ONE, markets=(market, *ONE.markets[1:]))) == {"strikes": 1}


def test_a_candle_that_had_not_come_to_one_run_is_counted_and_not_compared() -> None:
    late = replace(ONE, candles=(shorter(ONE.candles[0]), *ONE.candles[1:]))
    row = compared(late)["candles"]
    assert (row.other, row.alone) == (0, 1)
    assert as_second(ONE, late) == ONE
    assert decides_the_same(SLOT, ONE, late, load_params(""))


def test_other_candles_or_averages_lead_to_another_decision_and_other_books_do_not() -> None:
    params = load_params("")
    close = tuple(price * 1.02 for price in ONE.candles[0].close)
    assert not decides_the_same(SLOT, ONE, with_candles(close=close), params)
    twap = tuple(price * 1.02 for price in ONE.ticks.twap)
    averages = replace(ONE, ticks=replace(ONE.ticks, twap=twap))
    assert not decides_the_same(SLOT, ONE, averages, params)
    books = replace(ONE, markets=made(mid_up=0.7).markets)
    assert differing(books) == {"books": len(ONE.markets)}
    assert decides_the_same(SLOT, ONE, books, params)
