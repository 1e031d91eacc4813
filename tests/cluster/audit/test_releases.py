"""Reports by release: whose trades they are, and what is cut from the series."""

from pathlib import Path

import pytest

from checkpoints.storage import LocalStorage
from cluster.audit.journal_view import JournalView
from cluster.audit.release_screen import flat_release, releases_screen, windows_screen
from cluster.audit.releases import release_reports
from cluster.audit.screens import show
from cluster.audit.windows import window_reports
from signals.market import Outcome
from tests.cluster.audit.builders import CYCLE_MS, OPEN_MS, Story

OLD, NEW = "ab" * 32, "cd" * 32


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(LocalStorage(tmp_path), OLD)


def test_each_release_has_its_own_trades_money_and_time_live(story: Story, tmp_path: Path) -> None:
    for _ in range(3):
        fact = story.want()
        story.confirm(story.fill(story.sign(fact)))
        story.settle(fact, fact.intents[0].outcome)
    before = story.state.realized_pnl_micro_usd
    old_decisions = story.state.counts.decisions
    story.claim(NEW, "beef")
    fact = story.want()
    story.fill(story.sign(fact), price=1_000_000 // 2)
    story.settle(fact, fact.intents[0].outcome.opposite)
    old, new = release_reports(JournalView(tmp_path))
    assert (old.release, new.release) == (OLD, NEW)
    assert (old.commit, new.commit) == ("c0ffee", "beef")
    assert old.pnl_micro_usd == before > 0
    assert old.pnl_micro_usd + new.pnl_micro_usd == story.state.realized_pnl_micro_usd
    assert old.decisions == old_decisions
    assert (old.trades, old.settled, new.trades) == (3, 3, 1)
    assert old.win_rate is not None
    assert new.win_rate is not None
    assert (old.win_rate.estimate, new.win_rate.estimate) == (1.0, 0.0)
    assert (old.unconfirmed_share, new.unconfirmed_share) == (0.0, 1.0)
    assert old.live_ms["btc-5m"] > 2 * CYCLE_MS
    assert new.drawdown.depth_micro_usd == -new.pnl_micro_usd
    assert old.slippage_micro_usd == 0
    assert old.edge is not None
    assert old.edge.low <= old.edge.estimate <= old.edge.high


def test_our_scores_stand_beside_the_markets_on_the_same_decisions(
    story: Story, tmp_path: Path
) -> None:
    story.trade(Outcome.UP)
    (report,) = release_reports(JournalView(tmp_path))
    assert report.scores.decisions == 1
    assert report.scores.log_loss != report.scores.market_log_loss
    assert report.scores.brier is not None


def test_slippage_is_worse_when_more_was_paid_than_decided(story: Story, tmp_path: Path) -> None:
    fact = story.want()
    intent = fact.intents[0]
    story.fill(story.sign(fact), price=intent.price + 10_000)
    (report,) = release_reports(JournalView(tmp_path))
    assert report.slippage_micro_usd == pytest.approx(10_000)


def test_what_settles_together_is_one_observation(tmp_path: Path) -> None:
    for slot in ("btc-5m", "eth-5m"):
        story = Story(LocalStorage(tmp_path), OLD, slot)
        for _ in range(2):
            fact = story.decide(mid_up=0.3)
            if fact.intents:
                story.fill(story.sign(fact))
                story.settle(fact, Outcome.UP)
    (report,) = release_reports(JournalView(tmp_path))
    assert report.edge is not None
    assert report.edge.n <= 2 <= report.settled


def test_a_window_of_two_releases_is_marked_and_its_trades_cut_from_the_series(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    story = Story(LocalStorage(tmp_path), OLD, "btc-15m")
    fact = story.want()
    assert fact.window_open_ms == OPEN_MS
    story.fill(story.sign(fact))
    story.claim(NEW)
    story.decide()
    story.settle(fact, Outcome.UP)
    view = JournalView(tmp_path)
    old, new = release_reports(view)
    assert (old.settled, old.cut, old.win_rate, old.edge) == (1, 1, None, None)
    assert old.pnl_cut_micro_usd == old.pnl_micro_usd == story.state.realized_pnl_micro_usd
    assert new.settled == 0
    assert old.scores.decisions == new.scores.decisions == 0
    (window,) = window_reports(view)
    assert window.mixed
    assert window.releases == (OLD, NEW)
    assert window.mixed_slots == ("btc-15m",)
    assert window_reports(view, mixed_only=True) == (window,)
    show(releases_screen((old, new)), windows_screen((window,)))
    page = capsys.readouterr().out
    assert "MIXED" in page
    assert "left out of the statistics" in page
    assert flat_release(old).keys() >= {"drawdown_depth_micro_usd", "edge_low", "live_total_ms"}


def test_two_slots_on_two_releases_make_the_window_mixed_but_no_slot_of_it(tmp_path: Path) -> None:
    Story(LocalStorage(tmp_path), OLD, "btc-5m").decide()
    Story(LocalStorage(tmp_path), NEW, "eth-5m").decide()
    (window,) = window_reports(JournalView(tmp_path))
    assert window.mixed
    assert window.mixed_slots == ()
