"""Fetches go through the source that serves: faults of it lead to the next, without a gap."""

import asyncio
from itertools import pairwise

import pytest

from actors.market_data.events import (
    FetchFailed,
    FetchFunding,
    FetchKlines,
    FetchOpenInterest,
    FundingReceived,
    HistoryReplaced,
    KlinesReceived,
    OpenInterestReceived,
)
from actors.market_data.sources.connected import ExchangeSource
from actors.market_data.sources.port import Ask, Refusal, SourceName, Value
from actors.market_data.state import CANDLES_KEPT
from cluster.sandbox.standins.faults import Fault
from signals.snapshot import Interval
from tests.actors.market_data.sources.loopback import StandIns, run, until
from tests.actors.market_data.sources.rig import BTC, HYPE, M5, PERPETUALS, SOON_AFTER_MS, Rig


def test_the_first_source_answers_every_kind_of_fetch() -> None:
    async def work(stand_ins: StandIns) -> None:
        rig = Rig(stand_ins)
        klines = await rig.feeds.perform(M5)
        assert isinstance(klines, KlinesReceived)
        assert len(klines.candles) >= 10
        funding = await rig.feeds.perform(FetchFunding(job="f", asset=BTC))
        assert isinstance(funding, FundingReceived)
        interest = await rig.feeds.perform(FetchOpenInterest(job="o", asset=BTC, history=True))
        assert isinstance(interest, OpenInterestReceived)
        assert len(interest.points) == 61
        assert rig.serving() == "binance_usdm"
        assert [one.reason for one in rig.told.switches] == ["first in the configured order"]
        await rig.feeds.close()

    run(work)


@pytest.mark.parametrize(
    "fault",
    [
        Fault.KILL,
        Fault.TOO_MANY,
        Fault.BANNED,
        Fault.COUNTRY,
        Fault.CLIENT,
        Fault.HTML,
        Fault.EMPTY,
        Fault.OLD_FORMAT,
        Fault.SECONDS,
        Fault.ENVELOPE,
    ],
)
def test_a_source_that_fails_is_left_with_the_whole_history_of_the_next(fault: Fault) -> None:
    async def work(stand_ins: StandIns) -> None:
        rig = Rig(stand_ins)
        await rig.feeds.perform(M5)
        stand_ins.switch("binance_usdm", fault)
        await rig.fetch_until_good()
        assert rig.serving() == "okx"
        replaced = rig.delivered[-1]
        assert isinstance(replaced, HistoryReplaced)
        assert replaced.source == "okx"
        assert {
            one.interval: len(one) >= CANDLES_KEPT[one.interval] for one in replaced.candles
        } == (dict.fromkeys(Interval, True))
        assert replaced.funding
        assert replaced.open_interest
        _, second = rig.told.switches
        assert (second.before, second.source) == ("binance_usdm", "okx")
        assert second.reason
        if fault in (Fault.BANNED, Fault.COUNTRY, Fault.CLIENT):
            assert {one.source for one in rig.told.refused} == {"binance_usdm"}
        await rig.feeds.close()

    run(work)


def test_a_delisted_asset_moves_alone() -> None:
    async def work(stand_ins: StandIns) -> None:
        rig = Rig(stand_ins, assets=(BTC, HYPE))
        hype = FetchKlines(job="h", asset=HYPE, interval=Interval.M5, limit=10)
        await rig.feeds.perform(M5)
        await rig.feeds.perform(hype)
        stand_ins.switch("binance_usdm", Fault.DELISTED, asset="hype")
        await rig.fetch_until_good(hype)
        await rig.feeds.perform(M5)
        assert (rig.serving(HYPE), rig.serving(BTC)) == ("okx", "binance_usdm")
        assert rig.told.switches[-1].reason.startswith("absent: ")
        await rig.feeds.close()

    run(work)


def test_what_a_source_does_not_trade_is_served_by_another_from_the_start() -> None:
    async def work(stand_ins: StandIns) -> None:
        order = (SourceName.BINANCE_SPOT, SourceName.COINBASE)
        rig = Rig(stand_ins, order=order, assets=(BTC, HYPE))
        await rig.feeds.perform(M5)
        await rig.feeds.perform(FetchKlines(job="h", asset=HYPE, interval=Interval.M5, limit=3))
        assert (rig.serving(BTC), rig.serving(HYPE)) == order
        failed = await rig.feeds.perform(FetchFunding(job="f", asset=BTC))
        assert isinstance(failed, FetchFailed)
        assert "has neither funding nor open interest" in failed.reason
        assert rig.serving(BTC) == "binance_spot", "spot has none: no reason to leave"
        await rig.feeds.close()

    run(work)


def test_a_hole_is_left_for_a_source_without_one() -> None:
    async def work(stand_ins: StandIns) -> None:
        stand_ins.switch("binance_usdm", Fault.HOLE)
        rig = Rig(stand_ins)
        found = await rig.fetch_until_good(
            FetchKlines(job="m5", asset=BTC, interval=Interval.M5, limit=60)
        )
        times = found.candles.open_time_ms
        assert {later - one for one, later in pairwise(times)} == {300_000}
        assert rig.serving() == "okx"
        assert "a hole of 1 5m candles" in rig.told.switches[-1].reason
        await rig.feeds.close()

    run(work)


def test_with_no_source_left_it_is_said_and_comes_back_by_itself() -> None:
    async def work(stand_ins: StandIns) -> None:
        for name in PERPETUALS:
            stand_ins.switch(name, Fault.KILL)
        rig = Rig(stand_ins)
        async with asyncio.timeout(30):
            while not rig.told.none:
                failed = await rig.feeds.perform(M5)
                assert isinstance(failed, FetchFailed)
                await asyncio.sleep(0.1)
        for name in PERPETUALS:
            stand_ins.switch(name, Fault.KILL, on=False)
        await rig.fetch_until_good()
        assert rig.serving() is not None
        await rig.feeds.close()

    run(work)


def test_the_same_source_that_serves_again_ends_the_alarm_and_the_next_outage_is_told() -> None:
    async def work(stand_ins: StandIns) -> None:
        only = SourceName.BINANCE_USDM
        rig = Rig(stand_ins, (only,))
        rig.roster.adopt({BTC: only})
        await rig.fetch_until_good()
        assert rig.told.again == [BTC], "an alarm of an earlier life ends"
        for outage in (1, 2):
            stand_ins.switch(only, Fault.KILL)
            async with asyncio.timeout(30):
                while len(rig.told.none) < outage:
                    await rig.feeds.perform(M5)
                    await asyncio.sleep(0.1)
            assert rig.told.again == [BTC] * outage
            stand_ins.switch(only, Fault.KILL, on=False)
            await rig.fetch_until_good()
            assert rig.told.again == [BTC] * (outage + 1)
        await rig.feeds.close()

    run(work)


def test_what_a_source_answers_after_it_was_left_is_not_mixed_with_anothers() -> None:
    async def work(stand_ins: StandIns) -> None:
        rig = Rig(stand_ins)
        await rig.feeds.perform(M5)
        first = rig.roster.sources[SourceName.BINANCE_USDM]
        assert isinstance(first, ExchangeSource)
        asked, answer = first.backfill, asyncio.Event()

        async def late(ask: Ask) -> tuple[Value, ...] | Refusal:
            found = await asked(ask)
            await answer.wait()
            return found

        first.backfill = late  # type: ignore[method-assign]
        fetching = asyncio.create_task(rig.feeds.perform(M5))
        await asyncio.sleep(0)
        assert await rig.roster.switch(BTC, SourceName.BINANCE_USDM, "odd")
        answer.set()
        found = await fetching
        assert isinstance(found, KlinesReceived)
        assert None in found.candles.taker_buy, "it is of the source that serves now"
        await rig.feeds.close()

    run(work)


def test_an_earlier_source_serves_again_once_it_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.market_data.sources.selection.RETURN_MS", 0)

    async def work(stand_ins: StandIns) -> None:
        rig = Rig(stand_ins)
        stand_ins.switch("binance_usdm", Fault.KILL)
        await rig.fetch_until_good()
        assert rig.serving() == "okx"
        stand_ins.switch("binance_usdm", Fault.KILL, on=False)
        await until(lambda: "binance_usdm" not in rig.roster.sick())
        stand_ins.move_to(SOON_AFTER_MS + 300_000)
        await rig.fetch_until_good()
        await until(lambda: rig.serving() == "binance_usdm")
        assert rig.told.switches[-1].reason.startswith("an earlier one")
        await rig.feeds.close()

    run(work, StandIns(SOON_AFTER_MS))


def test_a_successor_goes_on_with_its_predecessors_source() -> None:
    async def work(stand_ins: StandIns) -> None:
        rig = Rig(stand_ins, assets=(BTC, HYPE))
        rig.roster.adopt({BTC: "okx", HYPE: "another service"})
        await rig.feeds.perform(M5)
        assert rig.serving() == "okx"
        assert rig.told.switches == []
        await rig.feeds.perform(FetchKlines(job="h", asset=HYPE, interval=Interval.M5, limit=3))
        assert rig.serving(HYPE) == "binance_usdm"
        replaced = rig.delivered[-1]
        assert isinstance(replaced, HistoryReplaced)
        assert len(replaced.candles) == len(Interval), "the other's history does not stay"
        await rig.feeds.close()

    run(work)
