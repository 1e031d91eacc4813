"""Trades for people: one line a trade in 80 columns, sums at the end, columns of one's choice."""

from pathlib import Path

import pytest

from checkpoints.storage import LocalStorage
from cluster.audit.journal_view import JournalView
from cluster.audit.trade_lines import CELLS, ROWS_MAX, columns_of, trade_lines
from cluster.audit.trades import Trade, TradeFilter, find_trades
from cluster.errors import ClusterError
from signals.market import Outcome
from tests.cluster.audit.builders import Story


@pytest.fixture
def trades(tmp_path: Path) -> tuple[Trade, ...]:
    story = Story(LocalStorage(tmp_path), "ab" * 32)
    for winner in (Outcome.UP, Outcome.DOWN, Outcome.UP):
        story.trade(winner)
    return find_trades(JournalView(tmp_path), TradeFilter())


def test_a_trade_is_one_line_of_at_most_80_columns(trades: tuple[Trade, ...]) -> None:
    lines = list(trade_lines(trades))
    assert len(lines) == 1 + len(trades) + 2
    assert max(map(len, lines)) <= 80
    assert lines[1].startswith("01-01 ")


def test_the_sums_are_those_of_all_trades(trades: tuple[Trade, ...]) -> None:
    text = "\n".join(trade_lines(trades))
    won = sum(one.status == "won" for one in trades)
    assert f"3 orders: {won} won, {3 - won} lost, 0 open, 0 unfilled" in text
    total = sum(one.pnl_micro_usd or 0 for one in trades) / 1e6
    assert f"settled P&L {total:+,.2f} USD" in text
    many = trades * ROWS_MAX
    assert f"(the last {ROWS_MAX} of {len(many)}" in "\n".join(trade_lines(many))


def test_columns_are_chosen_by_name_and_a_wrong_one_is_named(trades: tuple[Trade, ...]) -> None:
    assert columns_of("slot, intent") == ("slot", "intent")
    assert trades[0].intent_id in "\n".join(trade_lines(trades, ("slot", "intent")))
    for words in ("slot,nope", "", ","):
        with pytest.raises(ClusterError, match="unknown column"):
            columns_of(words)
    assert set(columns_of(None)) <= set(CELLS)


def test_nothing_found_is_said() -> None:
    assert list(trade_lines(())) == ["no trade matches"]
