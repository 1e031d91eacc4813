"""One window of a tape, decided and settled: fills, fees, winnings, and a strategy that fails."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from cluster.try_signal import SignalError
from cluster.try_signal.model_market import ModelMarket
from cluster.try_signal.price_path import PricePath
from cluster.try_signal.slot_run import SlotRun
from cluster.try_signal.tape import AssetTape, generate_tape
from cluster.try_signal.tape_snapshots import TapeSnapshots
from signals.decision import Action, Decision, Leg, Position, Style
from signals.market import DecisionPoint, Outcome, Side, Slot, Timeframe, Window
from signals.params import Params
from signals.snapshot import Snapshot
from signals.strategies.five_factor import Memory
from signals.units import MICRO, MicroShares, PriceMicroUsd

TIMEFRAMES = (Timeframe.M5, Timeframe.M15)


@pytest.fixture(scope="module")
def tape() -> AssetTape:
    return generate_tape(3).assets[0]


@pytest.fixture(scope="module")
def market(tape: AssetTape) -> ModelMarket:
    return ModelMarket(tape, PricePath(tape, 3), 3)


def scripted(*legs: Leg) -> tuple[Any, list[Position]]:
    """Return a strategy that sends the legs one decision at a time, and the positions it saw."""
    waiting = list(legs)
    seen: list[Position] = []

    def decide(
        snapshot: Snapshot, timeframe: Timeframe, position: Position, memory: Memory, params: Params
    ) -> tuple[Decision, Memory]:
        seen.append(position)
        if not waiting:
            return Decision(action=Action.NO_TRADE, reason="edge: none"), memory
        leg = waiting.pop(0)
        return Decision(action=Action.TRADE, reason="edge: test", legs=(leg,)), memory

    return SimpleNamespace(MEMORY_VERSION=1, Memory=Memory, decide=decide), seen


def leg(style: Style, price: int, *, shares: int = 10, side: Side = Side.BUY) -> Leg:
    return Leg(
        outcome=Outcome.UP,
        side=side,
        style=style,
        price=PriceMicroUsd(price),
        shares=MicroShares(shares * MICRO),
    )


def run_window(tape: AssetTape, market: ModelMarket, strategy: Any, window: Window) -> SlotRun:
    """Decide three times in a 15m window and settle it."""
    run = SlotRun(Slot(tape.asset, window.timeframe), strategy, Params(), market)
    snapshots = TapeSnapshots(tape, PricePath(tape, 3), market, TIMEFRAMES)
    for cycle in range(3):
        due_ms = window.open_ms + cycle * 300_000 + 20_000
        snapshot = snapshots.at(due_ms)
        assert snapshot is not None
        run.decide(DecisionPoint(due_ms, window), snapshot)
    run.settle()
    return run


def windows(tape: AssetTape, market: ModelMarket, winner: Outcome) -> list[Window]:
    """Return the last 15m windows with this winner whose first book is near the middle."""
    end_ms = tape.candles.open_time_ms[-1] // 900_000 * 900_000
    found = []
    for back in range(2, 60):
        window = Window(end_ms - back * 900_000, Timeframe.M15)
        mid = market.mid_up(window, window.open_ms + 20_000)
        if market.winner(window) is winner and mid is not None and 0.3 < mid < 0.7:
            found.append(window)
    return found


def test_a_take_pays_book_and_fee_and_a_winner_pays_one(
    tape: AssetTape, market: ModelMarket
) -> None:
    window = windows(tape, market, Outcome.UP)[0]
    strategy, seen = scripted(leg(Style.TAKE, 990_000))
    run = run_window(tape, market, strategy, window)
    (trade,) = run.trades
    view = market.view(window, window.open_ms + 20_000)
    assert view is not None
    assert view.up_book is not None
    price = view.up_book.asks[0].price
    assert trade.price == price
    fee = 10 * 0.07 * price / MICRO * (1 - price / MICRO)
    assert trade.fee_micro_usd == pytest.approx(fee * MICRO, abs=10)
    assert run.pnl_micro_usd == 10 * MICRO - 10 * price - trade.fee_micro_usd
    assert [position.up_shares for position in seen] == [0, 10 * MICRO, 10 * MICRO]


def test_a_loser_pays_nothing(tape: AssetTape, market: ModelMarket) -> None:
    window = windows(tape, market, Outcome.DOWN)[0]
    run = run_window(tape, market, scripted(leg(Style.TAKE, 990_000))[0], window)
    (trade,) = run.trades
    assert run.pnl_micro_usd == -10 * trade.price - trade.fee_micro_usd


def test_an_order_rests_until_the_book_comes_to_it(tape: AssetTape, market: ModelMarket) -> None:
    filled = 0
    for window in windows(tape, market, Outcome.DOWN)[:5]:
        strategy, seen = scripted(leg(Style.REST, 100_000))
        run = run_window(tape, market, strategy, window)
        for trade in run.trades:  # Up falls to nothing, so the bid at 0.10 is met on the way
            filled += 1
            assert (trade.price, trade.fee_micro_usd) == (100_000, 0)
            assert run.pnl_micro_usd == -1 * MICRO
        assert seen[0].resting_up_shares == 0
        assert seen[1].resting_up_shares + seen[1].up_shares == 10 * MICRO
    assert filled > 0
    strategy, _ = scripted(leg(Style.REST, 10_000))
    window = windows(tape, market, Outcome.UP)[0]
    assert run_window(tape, market, strategy, window).trades == []


def test_nothing_is_sold_that_is_not_held(tape: AssetTape, market: ModelMarket) -> None:
    window = windows(tape, market, Outcome.UP)[0]
    short = scripted(leg(Style.TAKE, 10_000, side=Side.SELL))[0]
    assert run_window(tape, market, short, window).trades == []
    back = scripted(leg(Style.TAKE, 990_000), leg(Style.TAKE, 10_000, side=Side.SELL, shares=20))
    run = run_window(tape, market, back[0], window)
    assert [trade.side for trade in run.trades] == [Side.BUY, Side.SELL]
    assert [trade.shares for trade in run.trades] == [10 * MICRO, 10 * MICRO]
    bought, sold = run.trades
    fees = bought.fee_micro_usd + sold.fee_micro_usd
    assert run.pnl_micro_usd == 10 * (sold.price - bought.price) - fees  # nothing is left to win


def failing(answer: object) -> Any:
    def decide(*_: object) -> object:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return SimpleNamespace(MEMORY_VERSION=1, Memory=Memory, decide=decide)


NAN = Decision(action=Action.NO_TRADE, reason="edge: ?", probability_up=math.nan)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (RuntimeError("boom"), "decide raised RuntimeError('boom')"),
        (SystemExit(0), "decide raised SystemExit(0)"),
        ((NAN, Memory()), "probability_up is nan"),
        ((Decision(action=Action.NO_TRADE, reason="edge: ?"), {}), "memory is a dict"),
    ],
)
def test_a_strategy_that_breaks_its_contract_is_named_with_slot_and_time(
    tape: AssetTape, market: ModelMarket, answer: object, told: str
) -> None:
    window = windows(tape, market, Outcome.UP)[0]
    with pytest.raises(SignalError) as refusal:
        run_window(tape, market, failing(answer), window)
    assert told in str(refusal.value)
    assert f"btc-15m at {window.open_ms + 20_000}" in str(refusal.value)


def test_a_tape_with_gaps_is_decided_on_what_it_has_and_the_gap_is_named_once() -> None:
    whole = generate_tape(3).assets[0]
    bare = msgspec.structs.replace(whole, open_interest=(), funding=whole.funding[:3])
    market = ModelMarket(bare, PricePath(bare, 3), 3)
    snapshots = TapeSnapshots(bare, PricePath(bare, 3), market, TIMEFRAMES)
    end_ms = bare.candles.open_time_ms[-1] + 300_000
    for cycle in range(1, 13):
        snapshot = snapshots.at(end_ms - cycle * 300_000 + 20_000)
        assert snapshot is not None
        assert snapshot.complete
        assert snapshot.open_interest == snapshot.funding == ()
    assert snapshots.lacking == {"open_interest": 12, "funding": 12}


def test_an_error_in_decide_names_file_line_and_input(
    tape: AssetTape, market: ModelMarket, tmp_path: Path
) -> None:
    file = tmp_path / "strategies" / "broken.py"
    file.parent.mkdir()
    file.write_text("def decide(*_):\n    x = 1\n    return y + x\n")
    space: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec"), space)
    broken = SimpleNamespace(MEMORY_VERSION=1, Memory=Memory, decide=space["decide"])
    with pytest.raises(SignalError) as refusal:
        run_window(tape, market, broken, windows(tape, market, Outcome.UP)[0])
    text = str(refusal.value)
    assert "strategies/broken.py, line 3: return y + x" in text
    assert "its input: market btc-updown-15m" in text
