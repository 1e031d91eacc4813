"""Fetches go through the source that serves: faults of it lead to the next, without a gap."""

import asyncio
from itertools import pairwise

import pytest

from actors.market_data.events import (
    Event,
    FetchFailed,
    FetchFunding,
    FetchKlines,
    FetchOpenInterest,
    FundingReceived,
    HistoryReplaced,
    KlinesReceived,
    OpenInterestReceived,
)
from actors.market_data.sources import inspection
from actors.market_data.sources.connected import ExchangeSource
from actors.market_data.sources.feeds import SourceFeeds
from actors.market_data.sources.own_clock import Judged
from actors.market_data.sources.port import Ask, Refusal, SourceName, Value
from actors.market_data.sources.roster import Roster
from actors.market_data.sources.selection import SourceSwitch
from actors.market_data.state import CANDLES_KEPT
from cluster.sandbox.prices.source import GENERATED_START_MS
from cluster.sandbox.standins.faults import Fault
from signals.market import Asset
from signals.snapshot import Interval
from tests.actors.market_data.sources.loopback import StandIns, run, until

BTC, HYPE = Asset("btc"), Asset("hype")
PERPETUALS = (
    SourceName.BINANCE_USDM,
    SourceName.OKX,
    SourceName.BYBIT,
    SourceName.HYPERLIQUID,
)
M5 = FetchKlines(job="m5", asset=BTC, interval=Interval.M5, limit=10)
SOON_AFTER_MS = GENERATED_START_MS + 1_000
"""A second after a boundary."""


class Told:
    def __init__(self) -> None:
        self.switches: list[SourceSwitch] = []
        self.odd: list[tuple[SourceName, str]] = []
        self.refused: list[Refusal] = []
        self.none: list[Asset] = []
        self.again: list[Asset] = []
        self.clock: list[Judged] = []

    def switched(self, switch: SourceSwitch) -> None:
        self.switches.append(switch)

    def source_odd(self, source: SourceName, _asset: Asset | None, cause: str) -> None:
        self.odd.append((source, cause))

    def source_refused(self, refusal: Refusal) -> None:
        self.refused.append(refusal)

    def none_serves(self, asset: Asset, _reason: str) -> None:
        self.none.append(asset)

    def own_clock(self, judged: Judged) -> None:
        self.clock.append(judged)

    def serves_again(self, asset: Asset) -> None:
        self.again.append(asset)


class Rig:
    def __init__(
        self,
        stand_ins: StandIns,
        order: tuple[SourceName, ...] = PERPETUALS,
        assets: tuple[Asset, ...] = (BTC,),
    ) -> None:
        self.told = Told()
        self.delivered: list[Event] = []
        sources = {name: stand_ins.source(name) for name in order}
        self.roster = Roster(sources, assets, stand_ins.now_ms, self.delivered.append, self.told)
        self.feeds = SourceFeeds(self.roster, 1)

    def serving(self, asset: Asset = BTC) -> SourceName | None:
        return self.roster.selection.serving.get(asset)

    async def fetch_until_good(self, fetch: FetchKlines = M5) -> KlinesReceived:
        """Ask again as market data's job does."""
        async with asyncio.timeout(30):
            while True:
                found = await self.feeds.perform(fetch)
                if isinstance(found, KlinesReceived):
                    return found
                await asyncio.sleep(0.25)


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


def test_a_source_that_froze_is_left_before_anyone_decides_from_it() -> None:
    async def work(stand_ins: StandIns) -> None:
        rig = Rig(stand_ins)
        await rig.feeds.perform(M5)
        stand_ins.move_to(SOON_AFTER_MS + 290_000)
        stand_ins.switch("binance_usdm", Fault.FREEZE)
        stand_ins.move_to(SOON_AFTER_MS + 300_000)
        found = await rig.feeds.perform(M5)
        assert isinstance(found, KlinesReceived)
        part_ms = GENERATED_START_MS
        assert found.candles.open_time_ms[-1] < part_ms, "the part of a candle is not taken"
        await until(lambda: rig.serving() == "okx")
        replaced = rig.delivered[-1]
        assert isinstance(replaced, HistoryReplaced)
        newest = next(one for one in replaced.candles if one.interval is Interval.M5)
        assert newest.open_time_ms[-1] == GENERATED_START_MS
        assert stand_ins.now_ms() < GENERATED_START_MS + 300_000 + 20_000, "before the decision"
        assert rig.told.odd[0][0] == "binance_usdm"
        assert rig.told.switches[-1].reason.startswith("frozen")
        await rig.feeds.close()

    run(work, StandIns(SOON_AFTER_MS))


@pytest.mark.parametrize(("odd", "serves"), [("binance_usdm", "okx"), ("okx", "binance_usdm")])
def test_the_one_of_three_whose_closes_disagree_is_named_and_left(odd: str, serves: str) -> None:
    async def work(stand_ins: StandIns) -> None:
        stand_ins.switch(odd, Fault.WRONG_PRICE, value=30)
        rig = Rig(stand_ins)
        await rig.feeds.perform(M5)
        await until(lambda: bool(rig.told.odd))
        assert rig.told.odd[0][0] == odd
        await until(lambda: rig.serving() == serves)
        assert "okx/btc" in rig.roster.selection.left or serves == "okx"
        await rig.feeds.close()

    run(work, StandIns(SOON_AFTER_MS))


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


def test_a_clock_away_from_the_others_is_named_and_its_source_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inspection, "CLOCKS_S", 0.05)

    async def work(stand_ins: StandIns) -> None:
        rig = Rig(stand_ins)
        await rig.feeds.perform(M5)
        stand_ins.switch("binance_usdm", Fault.CLOCK_OFF, value=60_000)
        rig.feeds.begin()
        await until(lambda: rig.serving() == "okx")
        assert "its clock" in rig.told.switches[-1].reason
        await rig.feeds.close()

    run(work)


def test_a_clock_that_is_away_once_leaves_its_source_where_it_is() -> None:
    async def work(stand_ins: StandIns) -> None:
        rig = Rig(stand_ins)
        await rig.feeds.perform(M5)
        stand_ins.switch("binance_usdm", Fault.CLOCK_OFF, value=60_000)
        rig.feeds.begin()
        await until(lambda: bool(rig.told.clock))
        assert (rig.serving(), rig.told.odd) == ("binance_usdm", [])
        await rig.feeds.close()

    run(work)


def test_our_own_clock_is_held_against_the_exchanges_while_the_fleet_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inspection, "CLOCKS_S", 0.05)

    async def work(stand_ins: StandIns) -> None:
        rig = Rig(stand_ins)
        rig.feeds.begin()
        await until(lambda: len(rig.told.clock) > 2)
        assert not any(one.away for one in rig.told.clock)
        for name in PERPETUALS:
            stand_ins.switch(name, Fault.CLOCK_OFF, value=3_000)
        await until(lambda: "ahead of this machine" in rig.told.clock[-1].away)
        await until(lambda: any("went back by" in one.jumped for one in rig.told.clock))
        assert rig.told.odd == []
        for name in PERPETUALS:
            stand_ins.switch(name, Fault.CLOCK_OFF, on=False)
        await until(lambda: not rig.told.clock[-1].away)
        await rig.feeds.close()

    run(work)


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


def test_the_time_of_an_inspection_leaves_room_for_a_switch_before_a_decision() -> None:
    assert inspection.LATE_MS <= 5_000
