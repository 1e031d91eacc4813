"""The real adapters against the real stand-ins: back-fill, stream, clock, instruments, faults."""

import pytest

from actors.market_data.sources.port import (
    Candle,
    CandlesAsk,
    Cause,
    Clock,
    Funding,
    FundingAsk,
    Instruments,
    InterestAsk,
    Kind,
    NextFunding,
    OpenInterest,
    PredictedAsk,
    Refusal,
    SourceName,
    StreamEvent,
    StreamLost,
    Value,
)
from actors.market_data.state import CANDLES_KEPT, INTERVAL_MS, last_boundary_ms
from cluster.sandbox.standins.faults import Fault
from signals.market import Asset
from signals.snapshot import Interval
from tests.actors.market_data.sources.every_reader import check
from tests.actors.market_data.sources.loopback import StandIns, run, until

BTC = Asset("btc")
EVERY = list(SourceName)
PERPETUALS = [name for name in SourceName if name not in ("binance_spot", "coinbase")]
M5 = CandlesAsk(asset=BTC, interval=Interval.M5, count=10)


def good(found: tuple[Value, ...] | Refusal) -> tuple[Value, ...]:
    assert not isinstance(found, Refusal), found
    for value in found:
        check(value)
    return found


@pytest.mark.parametrize("name", EVERY)
def test_history_of_every_interval_is_whole_closed_and_on_its_grid(name: SourceName) -> None:
    async def work(stand_ins: StandIns) -> None:
        source = stand_ins.source(name)
        for interval, count in CANDLES_KEPT.items():
            ask = CandlesAsk(asset=BTC, interval=interval, count=count)
            found = good(await source.backfill(ask))
            closed = [one for one in found if isinstance(one, Candle) and one.closed]
            times = [one.open_time_ms for one in closed]
            newest_ms = last_boundary_ms(interval, stand_ins.now_ms()) - INTERVAL_MS[interval]
            wanted = [newest_ms - back * INTERVAL_MS[interval] for back in range(count)][::-1]
            assert times[-count:] == wanted, f"{name} {interval}"
            takers = {one.taker_buy is not None for one in closed}
            assert takers == {name.startswith("binance")}
            assert {one.source for one in closed} == {name}
        await source.close()

    run(work)


@pytest.mark.parametrize("name", PERPETUALS)
def test_funding_and_open_interest_of_every_perpetual(name: SourceName) -> None:
    async def work(stand_ins: StandIns) -> None:
        source = stand_ins.source(name)
        for asset, hours in ((BTC, 8), (Asset("hype"), 4)):
            found = good(await source.backfill(FundingAsk(asset=asset, count=12)))
            *charged, following = found
            assert isinstance(following, NextFunding)
            expected_ms = (1 if name == "hyperliquid" else hours) * 3_600_000
            assert following.interval_ms == expected_ms
            assert following.due_ms is not None
            assert 0 < following.due_ms - stand_ins.now_ms() <= expected_ms
            assert len(charged) == 12
            assert all(isinstance(one, Funding) for one in charged)
        points = good(await source.backfill(InterestAsk(asset=BTC, history=60)))
        assert all(isinstance(one, OpenInterest) for one in points)
        assert len(points) >= (1 if name == "hyperliquid" else 60)
        await source.close()

    run(work)


@pytest.mark.parametrize("name", EVERY)
def test_the_clock_and_what_is_traded(name: SourceName) -> None:
    async def work(stand_ins: StandIns) -> None:
        source = stand_ins.source(name)
        clock = await source.clock()
        assert isinstance(clock, Clock)
        assert abs(clock.time_ms - stand_ins.now_ms()) < 5_000
        found = await source.instruments(tuple(Asset))
        assert isinstance(found, Instruments)
        absent = {one.asset for one in found.absent}
        assert absent == ({Asset("hype")} if name == "binance_spot" else set())
        stand_ins.switch(name, Fault.DELISTED, asset="zec")
        found = await source.instruments(tuple(Asset))
        assert isinstance(found, Instruments)
        assert not found.has(Asset("zec"))
        refusal = await source.backfill(
            CandlesAsk(asset=Asset("zec"), interval=Interval.M5, count=3)
        )
        assert isinstance(refusal, Refusal)
        if name != "hyperliquid":  # it answers 500 for a coin that it does not know
            assert refusal.cause is Cause.ABSENT
        await source.close()

    run(work)


@pytest.mark.parametrize("name", EVERY)
def test_a_stream_brings_news_of_every_asset_that_it_follows(name: SourceName) -> None:
    async def work(stand_ins: StandIns) -> None:
        source = stand_ins.source(name)
        heard: list[StreamEvent] = []
        assets = (BTC, Asset("eth"))
        source.stream(assets, heard.append)
        await until(
            lambda: {one.asset for one in heard if not isinstance(one, StreamLost)} == set(assets)
        )
        for value in heard:
            assert not isinstance(value, StreamLost), value
            check(value)
        await source.close()

    run(work)


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (Fault.KILL, Cause.UNREACHABLE),
        (Fault.TOO_MANY, Cause.LIMITED),
        (Fault.BANNED, Cause.BANNED),
        (Fault.COUNTRY, Cause.BLOCKED),
        (Fault.FORBIDDEN, Cause.BANNED),
        (Fault.CLIENT, Cause.BLOCKED),
        (Fault.HTML, Cause.MALFORMED),
        (Fault.EMPTY, Cause.MALFORMED),
        (Fault.OLD_FORMAT, Cause.MALFORMED),
        (Fault.SECONDS, Cause.MALFORMED),
        (Fault.ENVELOPE, None),
    ],
)
def test_each_fault_is_named_and_the_source_works_again_after_it(
    fault: Fault, cause: Cause | None
) -> None:
    async def work(stand_ins: StandIns) -> None:
        for name in EVERY:
            stand_ins.switch(name, fault, value=7)
            source = stand_ins.source(name)
            refusal = await source.backfill(M5)
            assert isinstance(refusal, Refusal), f"{name}: {refusal}"
            assert refusal.source == name
            wanted = {cause} if cause else {Cause.REFUSED, Cause.UNREACHABLE}
            assert refusal.cause in wanted, f"{name}: {refusal}"
            if fault in (Fault.TOO_MANY, Fault.BANNED):
                assert refusal.wait_ms == 7_000
            again = await source.backfill(M5)
            assert isinstance(again, Refusal)
            assert again.cause is Cause.HELD_BACK, "it is not asked at once again"
            stand_ins.switch(name, fault, on=False)
            await source.close()
            source = stand_ins.source(name)
            good(await source.backfill(M5))
            await source.close()

    run(work)


@pytest.mark.parametrize("name", EVERY)
def test_rows_in_the_other_order_are_the_same_rows(name: SourceName) -> None:
    async def work(stand_ins: StandIns) -> None:
        source = stand_ins.source(name)
        usual = good(await source.backfill(M5))
        stand_ins.switch(name, Fault.REVERSED)
        other = good(await source.backfill(M5))
        assert usual[:-1] == other[:-1]
        await source.close()

    run(work)


@pytest.mark.parametrize("name", ["okx", "bybit", "binance_usdm"])
def test_a_flag_that_closes_a_candle_before_its_end_is_not_believed(name: str) -> None:
    async def work(stand_ins: StandIns) -> None:
        source = stand_ins.source(SourceName(name))
        stand_ins.switch(name, Fault.FLAG_LIES)
        found = await source.backfill(M5)
        if isinstance(found, Refusal):
            assert "called closed" in found.reason
        else:  # no flag on its REST side
            assert not isinstance(found[-1], Candle) or not found[-1].closed
        values: list[StreamEvent] = []
        source.stream((BTC, Asset("eth")), values.append)
        if name != "okx":  # its frames have no stamp to hold the flag against
            await until(lambda: len(values) >= 6)
        ends = [
            one.open_time_ms + 300_000 for one in values if isinstance(one, Candle) and one.closed
        ]
        assert name == "okx" or not [end_ms for end_ms in ends if end_ms > stand_ins.now_ms()]
        await source.close()

    run(work)


def test_every_source_closes_the_same_hour_within_five_basis_points() -> None:
    async def work(stand_ins: StandIns) -> None:
        for kind in Kind:
            closes = []
            for name in EVERY:
                source = stand_ins.source(name)
                if source.kind is kind:
                    ask = CandlesAsk(asset=BTC, interval=Interval.H1, count=2)
                    found = good(await source.backfill(ask))
                    closes.append(
                        [one.close for one in found if isinstance(one, Candle) and one.closed][-1]
                    )
                await source.close()
            assert max(closes) / min(closes) - 1 < 5e-4

    run(work)


def test_one_source_tells_what_others_will_charge_but_not_of_every_coin() -> None:
    async def work(stand_ins: StandIns) -> None:
        source = stand_ins.source(SourceName.HYPERLIQUID)
        found = good(await source.backfill(PredictedAsk(asset=BTC)))
        assert {one.source for one in found} == {"binance_usdm", "bybit", "hyperliquid"}
        own = stand_ins.source(SourceName.BINANCE_USDM)
        *_, told = good(await own.backfill(FundingAsk(asset=BTC, count=1)))
        assert isinstance(told, NextFunding)
        (predicted,) = [
            one for one in found if isinstance(one, NextFunding) and one.source == own.name
        ]
        assert predicted.rate == told.rate
        hype = good(await source.backfill(PredictedAsk(asset=Asset("hype"))))
        assert {one.source for one in hype} == {"hyperliquid"}
        await source.close()
        await own.close()

    run(work)
