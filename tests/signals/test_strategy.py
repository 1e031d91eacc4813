"""Strategies by name, and what a decision must look like whoever wrote it."""

import math
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from signals import strategies
from signals.decision import Action, Decision, Leg, Position, Style
from signals.decision_check import faults
from signals.market import Outcome, Side, Timeframe
from signals.offers import fee_rate
from signals.params import Params
from signals.snapshot import Feed, InputAge
from signals.strategy import StrategyError, load_strategy, strategy_names
from signals.units import MICRO, MicroShares, MicroUsd, PriceMicroUsd, taker_fee_micro_usd
from tests.signals.builders import make_book, make_snapshot

GOOD = """
import msgspec
MEMORY_VERSION = 1
class Memory(msgspec.Struct, frozen=True):
    seen: int = 0
def decide(snapshot, timeframe, position, memory, params):
    raise NotImplementedError
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that strategies are also found in."""
    monkeypatch.setattr(strategies, "__path__", [*strategies.__path__, str(tmp_path)])
    yield tmp_path
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(f"signals.strategies.{path.stem}", None)


def test_the_shipped_strategies_load_and_decide() -> None:
    assert {"five_factor", "late_favourite"} <= set(strategy_names())
    snapshot = make_snapshot(price_to_beat=59_950.0)
    position = Position(allocation_micro_usd=MicroUsd(100 * MICRO))
    for name in ("five_factor", "late_favourite"):
        strategy = load_strategy(name)
        decision, memory = strategy.decide(
            snapshot, Timeframe.M5, position, strategy.Memory(), Params()
        )
        assert faults(decision, snapshot.market(Timeframe.M5)) == ()
        assert isinstance(memory, strategy.Memory)


def test_the_example_buys_once_in_a_window() -> None:
    strategy = load_strategy("late_favourite")
    snapshot = make_snapshot(price_to_beat=59_950.0)
    position = Position(allocation_micro_usd=MicroUsd(100 * MICRO))
    first, memory = strategy.decide(snapshot, Timeframe.M5, position, strategy.Memory(), Params())
    assert first.legs[0].style is Style.REST
    second, _ = strategy.decide(snapshot, Timeframe.M5, position, memory, Params())
    assert second.action is Action.NO_TRADE


def test_a_new_file_is_found_by_its_name(folder: Path) -> None:
    (folder / "mine.py").write_text(GOOD)
    assert load_strategy("mine").MEMORY_VERSION == 1


@pytest.mark.parametrize("name", ["../five", "Five", "a.b", "", "os;", "__init__"])
def test_a_name_that_is_no_module_name_is_refused(name: str) -> None:
    with pytest.raises(StrategyError, match="lower case letters"):
        load_strategy(name)


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(StrategyError, match="the nearest is five_factor"):
        load_strategy("five_factors")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def decide(:", "does not import: line 1: "),
        ("import no_such_thing", "does not import: ModuleNotFoundError"),
        ("1 / 0", "does not import: ZeroDivisionError"),
        ("import sys; sys.exit(0)", "does not import: SystemExit: 0"),
        ("raise GeneratorExit", "does not import: GeneratorExit"),
        ("class E(Exception):\n    def __str__(self): raise ValueError\nraise E", "cannot be made"),
        (GOOD.replace("MEMORY_VERSION", "OTHER"), "defines no MEMORY_VERSION"),
        (GOOD.replace("def decide", "def choose"), "defines no decide"),
        (GOOD.replace("def decide", "decide = 3\ndef choose"), "decide that is not a function"),
        (GOOD.replace("= 1", "= 'one'"), "MEMORY_VERSION 'one'"),
        (GOOD.replace("= 1", "= True"), "MEMORY_VERSION True"),
        (GOOD.replace("(msgspec.Struct, frozen=True)", ""), "not a msgspec.Struct"),
        (GOOD.replace(", frozen=True", ""), "not frozen"),
        (GOOD.replace(" = 0", ""), "field seen has no default"),
    ],
)
def test_a_broken_file_is_refused_with_what_to_mend(folder: Path, text: str, told: str) -> None:
    (folder / "broken.py").write_text(text)
    with pytest.raises(StrategyError, match="signals/strategies/broken") as refusal:
        load_strategy("broken")
    assert told in str(refusal.value)


def test_what_an_import_prints_reaches_no_screen(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "loud.py").write_text(f"import sys\nprint('\\x1b[2J')\nsys.stderr.write('x')\n{GOOD}")
    assert load_strategy("loud").MEMORY_VERSION == 1
    assert capfd.readouterr() == ("", "")


LEG = Leg(
    outcome=Outcome.UP,
    side=Side.BUY,
    style=Style.REST,
    price=PriceMicroUsd(500_000),
    shares=MicroShares(5 * MICRO),
)
TRADE = Decision(action=Action.TRADE, reason="edge: 0.1", legs=(LEG,), probability_up=0.6)
MARKET = make_snapshot().market(Timeframe.M5)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"probability_up": math.nan}, "probability_up is nan"),
        ({"probability_up": 1.0}, "probability_up is 1.0"),
        ({"probability_up": 0.0}, "probability_up is 0.0"),
        ({"spread_points": math.inf}, "spread_points is inf"),
        ({"reason": ""}, "reason is empty"),
        ({"legs": ()}, "action trade with 0 legs"),
        ({"action": Action.NO_TRADE}, "action no_trade with 1 legs"),
        ({"legs": (msgspec.structs.replace(LEG, shares=0),)}, "shares 0"),
        ({"legs": (msgspec.structs.replace(LEG, shares=5_000_001),)}, "shares 5000001"),
        ({"legs": (msgspec.structs.replace(LEG, shares=math.nan),)}, "shares nan"),
        (
            {
                "legs": (
                    msgspec.structs.replace(LEG, style=Style.TAKE, price=510_000, shares=10_000),
                )
            },
            "whole cents",
        ),
        ({"legs": (msgspec.structs.replace(LEG, price=505_000),)}, "price 505000"),
        ({"legs": (msgspec.structs.replace(LEG, price=1_000_000),)}, "price 1000000"),
    ],
)
def test_a_decision_that_cannot_be_used_is_said_to_be_so(
    change: dict[str, object], told: str
) -> None:
    assert faults(TRADE, MARKET) == ()
    found = faults(msgspec.structs.replace(TRADE, **change), MARKET)
    assert any(told in fault for fault in found), found


def test_a_price_needs_no_tick_where_no_book_says_one() -> None:
    assert MARKET is not None
    bare = msgspec.structs.replace(MARKET, up_book=None, down_book=None)
    odd = msgspec.structs.replace(LEG, price=PriceMicroUsd(500_001))
    assert faults(msgspec.structs.replace(TRADE, legs=(odd,)), bare) == ()
    assert faults(msgspec.structs.replace(TRADE, legs=(odd,)), MARKET) != ()


def test_each_outcome_has_its_own_token_and_book() -> None:
    assert MARKET is not None
    up, down = make_book(0.6), make_book(0.4)
    two = msgspec.structs.replace(MARKET, up_book=up, down_book=down)
    assert (two.book(Outcome.UP), two.book(Outcome.DOWN)) == (up, down)
    assert up != down
    named = msgspec.structs.replace(MARKET, up_token_id="1", down_token_id="2")
    assert (named.token_id(Outcome.UP), named.token_id(Outcome.DOWN)) == ("1", "2")


@pytest.mark.parametrize(
    ("text", "rate"),
    [("0", 0.0), ("0.07", 0.07), ("1", 1.0), ("1.01", None), ("-0.01", None), ("NaN", None)],
)
def test_a_fee_rate_is_a_share(text: str, rate: float | None) -> None:
    assert MARKET is not None
    assert fee_rate(msgspec.structs.replace(MARKET, fee_rate=text)) == rate


def test_who_is_charged_no_rate_pays_nothing() -> None:
    half = PriceMicroUsd(500_000)
    assert taker_fee_micro_usd(half, MicroShares(100 * MICRO), Decimal(0)) == 0
    assert taker_fee_micro_usd(half, MicroShares(0), Decimal("0.07")) == 0
    assert taker_fee_micro_usd(half, MicroShares(1), Decimal("0.07")) == 10, "the least fee"


def test_an_input_is_fresh_up_to_its_limit() -> None:
    age = InputAge(feed=Feed.TICKS, age_ms=5_000, limit_ms=5_000)
    assert age.fresh
    assert not msgspec.structs.replace(age, age_ms=5_001).fresh


def test_an_empty_position_holds_nothing() -> None:
    assert set(msgspec.structs.astuple(Position())) == {0}


def test_anything_else_than_a_decision_is_a_fault() -> None:
    assert faults(None, MARKET) == ("decide returned NoneType, not a Decision",)
    assert faults(TRADE, None) == ("leg 0: there is no market to trade in",)
