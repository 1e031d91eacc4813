"""A wrong clock of ours closes no candle early and drops none: the exchange's own one counts."""

import pytest

from actors.market_data.sources.catalogue import exchange_of
from actors.market_data.sources.connected import ExchangeSource
from actors.market_data.sources.crosscheck import end_ms, proven
from actors.market_data.sources.history import candles_of
from actors.market_data.sources.port import Candle, CandlesAsk, Refusal, SourceName
from actors.market_data.sources.rest import ahead_ms
from cluster.sandbox.prices.source import GENERATED_START_MS
from cluster.sandbox.server.serving import HOST
from cluster.sandbox.standins.faults import Fault
from signals.market import Asset
from signals.snapshot import Interval
from tests.actors.market_data.sources.loopback import StandIns, run

BTC = Asset("btc")
MIDDLE_MS = GENERATED_START_MS + 300_000 - 30_000
"""Half a minute before the end of a candle."""


def source_with_clock(stand_ins: StandIns, name: SourceName, ahead_ms: int) -> ExchangeSource:
    rest, socket = f"http://{HOST}:{stand_ins.port}/{name}", f"ws://{HOST}:{stand_ins.port}/{name}"
    return ExchangeSource(exchange_of(name), rest, socket, lambda: stand_ins.now_ms() + ahead_ms)


@pytest.mark.parametrize("ahead_ms", [-600_000, -60_000, 31_000, 600_000])
@pytest.mark.parametrize("name", list(SourceName))
def test_our_clock_closes_no_candle_that_still_forms(name: SourceName, ahead_ms: int) -> None:
    async def work(stand_ins: StandIns) -> None:
        source = source_with_clock(stand_ins, name, ahead_ms)
        await source.instruments((BTC,))  # a fleet asks this first
        found = await source.backfill(CandlesAsk(asset=BTC, interval=Interval.M5, count=20))
        assert isinstance(found, tuple), found
        rows: list[Candle] = candles_of(found)
        taken = proven(rows, stand_ins.now_ms() + ahead_ms)
        assert end_ms(taken[-1]) == GENERATED_START_MS
        assert len(taken) >= 20
        await source.close()

    run(work, StandIns(MIDDLE_MS))


@pytest.mark.parametrize("off_ms", [-3_600_000, 31_000, 10**12])
@pytest.mark.parametrize("name", list(SourceName))
def test_an_exchange_whose_clock_is_wrong_closes_no_candle_that_still_forms(
    name: SourceName, off_ms: int
) -> None:
    async def work(stand_ins: StandIns) -> None:
        stand_ins.switch(name, Fault.CLOCK_OFF, value=off_ms)
        source = source_with_clock(stand_ins, name, 0)
        await source.instruments((BTC,))
        found = await source.backfill(CandlesAsk(asset=BTC, interval=Interval.M5, count=20))
        rows = [] if isinstance(found, Refusal) else candles_of(found)
        taken = proven(rows, stand_ins.now_ms())
        assert all(end_ms(row) <= GENERATED_START_MS for row in taken)
        await source.close()

    run(work, StandIns(MIDDLE_MS))


@pytest.mark.parametrize(
    ("told_ms", "sent_ms", "received_ms", "ahead"),
    [
        (10_000, 10_400, 10_450, 0),  # cut to its second
        (10_000, 9_900, 12_000, 0),
        (10_000, 10_999, 11_200, 0),
        (10_000, 11_500, 11_600, -500),
        (10_000, 70_000, 70_100, -59_000),
        (70_000, 9_000, 10_000, 60_000),
    ],
)
def test_a_clock_is_ahead_only_by_what_no_trip_and_no_cut_explains(
    told_ms: int, sent_ms: int, received_ms: int, ahead: int
) -> None:
    assert ahead_ms(told_ms, sent_ms, received_ms) == ahead
