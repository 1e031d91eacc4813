"""Which source serves an asset: the first that can, and every switch has its reason."""

import msgspec

from actors.market_data.sources.port import Absent, Instrument, Instruments, SourceName
from actors.market_data.sources.selection import (
    RETURN_MS,
    Selection,
    SourceSwitch,
    better,
    candidates,
    leave,
    note_instruments,
    serve,
)
from signals.market import Asset

BTC, HYPE = Asset("btc"), Asset("hype")
A, B, C = SourceName.BINANCE_USDM, SourceName.OKX, SourceName.BYBIT
NEW = Selection(order=(A, B, C))


def serving(source: SourceName, asset: Asset = BTC, selection: Selection = NEW) -> Selection:
    return serve(selection, asset, source, "first", (0, 0))[0]


def test_the_first_of_the_order_is_chosen_and_a_switch_says_why() -> None:
    assert candidates(NEW, BTC, (), 0) == (A, B, C)
    selection, first = serve(NEW, BTC, A, "first", (7, 9))
    assert (first.before, first.source) == (None, A)
    _, second = serve(selection, BTC, B, "frozen", (8, 10))
    assert second == SourceSwitch(
        asset=BTC, source=B, before=A, reason="frozen", market_ms=8, wire_ms=10
    )
    assert msgspec.json.decode(msgspec.json.encode(second), type=SourceSwitch) == second


def test_who_is_sick_absent_or_was_left_does_not_serve() -> None:
    assert candidates(serving(A), BTC, (B,), 0) == (C,)
    lists = Instruments(source=B, found=(), absent=(Absent(source=B, asset=BTC, reason="no pair"),))
    without = note_instruments(serving(A), lists)
    assert candidates(without, BTC, (), 0) == (C,)
    assert candidates(without, HYPE, (), 0) == (A, B, C), "another asset is another matter"
    left = leave(serving(A), B, BTC, "frozen", 0)
    assert candidates(left, BTC, (), 1) == (C,)
    assert candidates(left, BTC, (), RETURN_MS) == (B, C)


def test_one_that_was_left_serves_where_no_one_else_can() -> None:
    left = leave(serving(A), B, BTC, "frozen", 0)
    assert candidates(left, BTC, (C,), 1) == (B,)


def test_an_instrument_that_is_listed_again_is_no_longer_absent() -> None:
    gone = Instruments(source=B, found=(), absent=(Absent(source=B, asset=BTC, reason="gone"),))
    back = Instruments(source=B, found=(Instrument(source=B, asset=BTC, symbol="BTC"),), absent=())
    selection = note_instruments(note_instruments(serving(A), gone), back)
    assert candidates(selection, BTC, (), 0) == (B, C)


def test_an_earlier_source_comes_back_after_a_while() -> None:
    selection = leave(serving(C), A, BTC, "unreachable", 0)
    assert better(selection, BTC, (B,), 1) is None
    assert better(selection, BTC, (), 1) is B
    assert better(selection, BTC, (B,), RETURN_MS) is A
    assert better(serving(A), BTC, (), 0) is None
    assert better(NEW, BTC, (), 0) is None
