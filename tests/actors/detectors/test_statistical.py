"""From journal rows to findings: what was bought, what it paid, how the mix moved."""

import pytest

from actors.detectors.from_journal import Purchases, decided_of
from actors.detectors.from_journal import apply as apply_fill
from actors.detectors.statistical import (
    RELEASES_MAX,
    SETTLEMENT_WAIT_MS,
    Statistics,
    apply,
    findings,
    tick,
)
from checkpoints.journal_rows import JournalRow, RowKind
from signals.market import CYCLE_MS, DEFAULT_SLOTS
from tests.checkpoints.builders import row

OPEN_MS = 1_767_268_800_000
OLD, NEW = "a1" * 32, "b2" * 32


def order_row(sequence: int, action: str, **changes: object) -> JournalRow:
    return row(
        sequence,
        kind=RowKind.ORDER_EVENT,
        action=action,
        condition_id="0xc1",
        window_open_ms=OPEN_MS,
        **changes,
    )


def filled(sequence: int, **changes: object) -> JournalRow:
    values = {
        "fill_id": f"t{sequence}/o1",
        "outcome": "Up",
        "side": "BUY",
        "price_micro_usd": 900_000,
        "shares_micro": 10_000_000,
        "fee_micro_usd": 63_000,
        "release": NEW,
        "opened_release": OLD,
    }
    return order_row(sequence, "filled", **{**values, **changes})


def settled(sequence: int, winner: str = "Up") -> JournalRow:
    return order_row(sequence, "settled", outcome=winner)


def paid(rows: list[JournalRow]) -> list[tuple[str, float, bool]]:
    state, found = Purchases(), []
    for one in rows:
        state, news = apply_fill(state, one)
        found += [(p.release, p.bet.cost, p.bet.won) for p in news]
    return found


def decision(sequence: int, due_ms: int, slot: str, release: str, reason: str) -> JournalRow:
    return row(
        sequence,
        slot=slot,
        release=release,
        due_ms=due_ms,
        action="no_trade",
        reason=reason,
        complete=True,
        probability_up=0.5,
    )


def decide_cycles(
    kept: Statistics, release: str, reason: str, first: int, count: int
) -> Statistics:
    for number in range(first, first + count):
        due_ms = OPEN_MS + number * CYCLE_MS
        for slot in DEFAULT_SLOTS:
            kept = apply(kept, decision(number, due_ms, str(slot), release, reason))
        kept = tick(kept, due_ms + CYCLE_MS)
    return kept


def test_a_bet_costs_price_and_fee_and_belongs_to_the_release_that_opened_it() -> None:
    ((release, cost, won),) = paid([filled(1), settled(2)])
    assert (release, won) == (OLD, True)
    assert cost == pytest.approx(0.9063)


def test_fills_of_one_release_and_outcome_are_one_bet() -> None:
    rows = [filled(1), filled(2, price_micro_usd=800_000, fee_micro_usd=0), settled(3, "Down")]
    ((_, cost, won),) = paid(rows)
    assert won is False
    assert cost == pytest.approx((9.063 + 8.0) / 20)


def test_both_outcomes_bought_are_two_bets() -> None:
    assert len(paid([filled(1), filled(2, outcome="Down"), settled(3)])) == 2


def test_a_reversed_fill_a_sale_and_another_slots_market_are_no_bet() -> None:
    reversed_fill = order_row(2, "fill_failed", fill_id="t1/o1")
    assert paid([filled(1), reversed_fill, settled(3)]) == []
    assert paid([filled(1, side="SELL"), settled(2)]) == []
    assert paid([filled(1, slot="eth-5m"), settled(2)]) == []


def test_a_market_is_scored_once_when_its_settlement_time_is_long_past() -> None:
    kept = Statistics()
    for one in (filled(1), settled(2), settled(3)):
        kept = apply(kept, one)
    close_ms = OPEN_MS + CYCLE_MS
    assert tick(kept, close_ms + SETTLEMENT_WAIT_MS - 1).outcomes[OLD].scores.bets == 0
    assert tick(kept, close_ms + SETTLEMENT_WAIT_MS).outcomes[OLD].scores.bets == 1


def test_a_release_that_decides_otherwise_than_the_one_before_is_found() -> None:
    kept = decide_cycles(Statistics(), OLD, "edge: too small", 0, 30)
    assert not any(finding.holds for finding in findings(kept))
    kept = decide_cycles(kept, NEW, "no_data: book", 30, 15)
    held = [(f.kind, f.subject) for f in findings(kept) if f.holds]
    assert held == [("decisions_changed", NEW[:12])]


def test_a_canary_alone_is_not_compared_with_the_fleet() -> None:
    kept = decide_cycles(Statistics(), OLD, "edge: too small", 0, 30)
    for number in range(30, 60):
        due_ms = OPEN_MS + number * CYCLE_MS
        kept = apply(kept, decision(number, due_ms, "btc-5m", NEW, "no_data: book"))
        kept = tick(kept, due_ms + CYCLE_MS)
    assert kept.mixes[NEW].cycles == 0


def test_what_is_watched_is_bounded_and_empties() -> None:
    kept = Statistics()
    for number in range(2 * RELEASES_MAX):
        kept = decide_cycles(kept, f"{number:064x}", "edge: too small", number, 1)
    assert len(kept.mixes) == len(kept.counts) == RELEASES_MAX
    assert all(not cycles for cycles in kept.open_cycles.values())


def test_rows_that_are_no_decision_are_not_taken_for_one() -> None:
    assert decided_of(filled(1)) is None
    read = decided_of(decision(1, OPEN_MS, "btc-5m", OLD, "stale: ticks"))
    assert read is not None
    assert (read.due_ms, read.has_probability) == (OPEN_MS, True)
