"""Trades: exact money, the code behind each, and what the filters choose."""

from pathlib import Path

import pytest

from actors.messages import FillFailed, OrderEnd
from checkpoints.archive import record_commit
from checkpoints.journal_days import compact_day
from checkpoints.storage import LocalStorage
from cluster.audit.journal_view import JournalView
from cluster.audit.releases import release_reports
from cluster.audit.trades import Trade, TradeFilter, find_trades
from cluster.audit.windows import window_reports
from signals.market import Outcome
from tests.cluster.audit.builders import DAY, GATEWAY, Story

OLD, NEW = "ab" * 32, "cd" * 32


def trades_in(root: Path, **chosen: object) -> tuple[Trade, ...]:
    return find_trades(JournalView(root), TradeFilter(**chosen))  # type: ignore[arg-type]


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(LocalStorage(tmp_path), OLD)


def test_the_sum_of_all_trades_is_the_slots_own_profit(story: Story, tmp_path: Path) -> None:
    for winner in (Outcome.UP, Outcome.DOWN, Outcome.UP, Outcome.DOWN):
        story.trade(winner)
    found = trades_in(tmp_path)
    assert len(found) == 4
    assert {one.status for one in found} == {"won", "lost"}
    assert sum(one.pnl_micro_usd or 0 for one in found) == story.state.realized_pnl_micro_usd != 0


def test_fees_partial_fills_and_failed_fills_count_as_in_the_slots_books(
    story: Story, tmp_path: Path
) -> None:
    fact = story.want()
    order_id = story.sign(fact)
    story.confirm(story.fill(order_id, shares=1_230_000, price=333_333, fee=1_230))
    failed = story.fill(order_id, shares=2_000_000)
    story.apply(FillFailed, fill_id=failed)
    open_fill = story.fill(order_id, shares=3_000_000)
    story.end(order_id, OrderEnd.CANCELLED)
    story.settle(fact, fact.intents[0].outcome)
    (one,) = trades_in(tmp_path)
    assert (one.shares_micro, one.fee_micro_usd, one.fills) == (4_230_000, 1_230, 3)
    assert (one.failed_fills, one.unconfirmed_fills) == (1, 1)
    assert one.pnl_micro_usd == story.state.realized_pnl_micro_usd
    story.confirm(open_fill)
    assert trades_in(tmp_path)[0].unconfirmed_fills == 0


def test_a_trade_settled_under_another_release_keeps_its_opener(
    story: Story, tmp_path: Path
) -> None:
    fact = story.want()
    order_id = story.sign(fact)
    story.claim(NEW, "beef")
    story.fill(order_id)
    story.settle(fact, Outcome.UP)
    (one,) = trades_in(tmp_path)
    assert (one.release, one.signed_under, one.settled_release) == (OLD, OLD, NEW)
    assert (one.commit, one.params) == ("c0ffee", fact.params)


def test_what_is_not_settled_is_open_and_what_never_filled_says_why(
    story: Story, tmp_path: Path
) -> None:
    unfilled = story.sign(story.want())
    story.end(unfilled, OrderEnd.CANCELLED)
    held = story.sign(story.want())
    story.fill(held)
    by_id = {one.order_id: one for one in trades_in(tmp_path)}
    assert (by_id[unfilled].status, by_id[unfilled].ended) == ("unfilled", "cancelled: done")
    assert (by_id[held].status, by_id[held].pnl_micro_usd) == ("open", None)


def test_filters_choose_by_slot_day_release_and_outcome(story: Story, tmp_path: Path) -> None:
    other = Story(LocalStorage(tmp_path), NEW, slot="eth-15m")
    story.trade(Outcome.UP)
    other.trade(Outcome.DOWN)
    assert [one.slot for one in trades_in(tmp_path, slot="eth-15m")] == ["eth-15m"]
    assert [one.slot for one in trades_in(tmp_path, release=OLD[:6])] == ["btc-5m"]
    assert len(trades_in(tmp_path, day=DAY)) == 2
    assert trades_in(tmp_path, day="2026-01-02") == ()
    won = trades_in(tmp_path, outcome="won")
    lost = trades_in(tmp_path, outcome="lost")
    assert len(won) + len(lost) == 2
    up, down = trades_in(tmp_path, outcome="up"), trades_in(tmp_path, outcome="down")
    assert {one.outcome for one in up} <= {"Up"}
    assert len(up) + len(down) == 2
    assert len(trades_in(tmp_path, filled_only=True)) == 2


def test_closed_and_open_days_give_the_same_trades(story: Story, tmp_path: Path) -> None:
    for winner in (Outcome.UP, Outcome.DOWN):
        story.trade(winner)
    before = trades_in(tmp_path)
    compact_day(story.storage, DAY, "2026-01-02")
    assert trades_in(tmp_path) == before
    story.trade(Outcome.UP)
    assert trades_in(tmp_path)[:2] == before


def test_a_commit_that_became_known_later_is_on_the_rows_of_before(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    story = Story(storage, OLD, commit="unknown")
    story.trade(Outcome.UP)
    story.claim(NEW, "beef")
    story.trade(Outcome.UP)
    assert [one.commit for one in trades_in(tmp_path)] == ["unknown", "beef"]
    record_commit(storage, OLD, "c0ffee")
    assert [one.commit for one in trades_in(tmp_path)] == ["c0ffee", "beef"]
    commits = {one.release: one.commit for one in release_reports(JournalView(tmp_path))}
    assert commits == {OLD: "c0ffee", NEW: "beef"}


def test_each_trade_says_which_release_of_the_gateway_signed_it(
    story: Story, tmp_path: Path
) -> None:
    story.trade(Outcome.UP)
    assert [one.signed_by for one in trades_in(tmp_path)] == [GATEWAY]


@pytest.mark.parametrize(
    ("slot", "length_ms"), [("btc-4h", 14_400_000), ("ton-15m", 900_000), ("ton-5m", 300_000)]
)
def test_trades_and_windows_of_any_slot_have_their_own_length(
    tmp_path: Path, slot: str, length_ms: int
) -> None:
    told = Story(LocalStorage(tmp_path), OLD, slot=slot)
    told.trade(Outcome.UP)
    (one,) = trades_in(tmp_path)
    assert one.close_ms - one.window_open_ms == length_ms
    assert one.window_open_ms % length_ms == 0
    assert {report.timeframe for report in window_reports(JournalView(tmp_path))} == {
        slot.partition("-")[2]
    }
