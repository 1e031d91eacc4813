"""Sources are held against each other: what froze, disagrees or has another clock is left."""

import pytest

from actors.market_data.events import (
    HistoryReplaced,
    KlinesReceived,
)
from actors.market_data.sources import inspection
from cluster.sandbox.prices.source import GENERATED_START_MS
from cluster.sandbox.standins.faults import Fault
from signals.snapshot import Interval
from tests.actors.market_data.sources.loopback import StandIns, run, until
from tests.actors.market_data.sources.rig import M5, PERPETUALS, SOON_AFTER_MS, Rig


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


def test_the_time_of_an_inspection_leaves_room_for_a_switch_before_a_decision() -> None:
    assert inspection.LATE_MS <= 5_000
