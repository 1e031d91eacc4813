"""A paper fleet's recording run as a tape by `run --tape`: which inputs and decisions are the same.

Both runs have the same seed, so that the simulated venue and exchanges make the same path of prices
inside each recorded candle. The second run begins where the recording does, hours earlier.
"""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from actors.runtime import load_config
from checkpoints.journal import Journal
from checkpoints.journal_rows import JournalRow, RowKind
from checkpoints.snapshots import SnapshotStore, decode_snapshot
from cluster.local.jobs import WORKING_TREE
from signals.market import Slot
from signals.snapshot import MarketView, Snapshot
from signals.strategies.five_factor import Memory, decide
from tests.nemesis.test_paper_fleet import paper_fleet
from tests.rolling_update.fleet import SIXTEEN, Fleet
from tests.tape_decisions import HELD, replayed

pytestmark = [
    pytest.mark.ray,
    pytest.mark.exchange,
    pytest.mark.nemesis,
    pytest.mark.timeout(3_600),
]
SPEED = 60
"""Of both: the feed's grid of averages follows it."""
POINTS = 12
"""Of each slot: half an hour of market time."""
REACH_SECONDS = 900.0
"""Wire. A recording begins five hours before its first decision: five minutes at this speed."""


def seldom(folder: Path) -> Path:
    """Return the stand-ins' configuration with two decisions each five minutes."""
    text = (WORKING_TREE / "cluster/configs/paper-standins.toml").read_text()
    text, count = re.subn(
        r"^decision_offsets_ms = .*$",
        "decision_offsets_ms = [80_000, 200_000]",
        text,
        flags=re.MULTILINE,
    )
    assert count == 1
    file = folder / "seldom.toml"
    file.write_text(text)
    return file


Made = dict[tuple[str, int], tuple[JournalRow, Snapshot]]


def made(fleet: Fleet) -> Made:
    """Return every decision of a fleet with the snapshot it was made from."""
    store = SnapshotStore(fleet.storage)
    return {
        (slot, row.due_ms): (row, decode_snapshot(store.get(row.snapshot)))
        for slot in SIXTEEN
        for row in Journal(fleet.storage, slot).rows_after(0).rows
        if row.kind is RowKind.DECISION and row.snapshot is not None and row.due_ms is not None
    }


def averages(snapshot: Snapshot) -> object:
    return snapshot.ticks


def strikes(snapshot: Snapshot) -> object:
    return tuple(market.price_to_beat for market in snapshot.markets)


def rules(snapshot: Snapshot) -> object:
    """Return the markets without their books and without ids, which each venue gives anew."""
    return tuple(
        (m.window, m.accepting_orders, m.fee_rate, m.min_order_shares, m.twap_lookback_seconds)
        for m in snapshot.markets
    )


def levels(market: MarketView) -> object:
    books = (market.up_book, market.down_book)
    return tuple(book and (book.bids, book.asks, book.tick_micro_usd) for book in books)


INPUTS: dict[str, Callable[[Snapshot], object]] = {
    "candles": lambda one: one.candles,
    "funding": lambda one: (one.funding, one.next_funding_ms),
    "open interest": lambda one: one.open_interest,
    "averages": averages,
    "strikes": strikes,
    "rules of the markets": rules,
    "books": lambda one: tuple(levels(market) for market in one.markets),
}


def with_books_of(books: Snapshot, other: Snapshot) -> Snapshot:
    """Return a snapshot of the second run with the first one's books and ids of markets."""
    found = {market.window: market for market in books.markets}
    return msgspec.structs.replace(
        other,
        taken_ms=books.taken_ms,
        ages=books.ages,
        markets=tuple(
            msgspec.structs.replace(
                market,
                condition_id=found[market.window].condition_id,
                up_token_id=found[market.window].up_token_id,
                down_token_id=found[market.window].down_token_id,
                up_book=found[market.window].up_book,
                down_book=found[market.window].down_book,
            )
            for market in other.markets
            if market.window in found
        ),
    )


def test_a_recording_of_sixteen_slots_run_as_a_tape_decides_the_same(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    config = seldom(tmp_path)
    with paper_fleet(tmp_path / "first", SPEED, config=config) as fleet:
        fleet.await_decisions(POINTS)
        fleet.stop()
        params = load_config(str(fleet.state.storage)).params
        first, tape = made(fleet), Path(f"{fleet.state.storage}-tape")
        again = list(replayed(fleet.state.storage, tape, SIXTEEN))
        alike = sum(one.same(params) for one in again)
        print(f"\nby the tape's files: {alike} of {len(again)} decisions of {len(first)} the same")
    last_ms = max(due_ms for _, due_ms in first)
    words = (f"--tape={tape}",)
    with paper_fleet(tmp_path / "second", SPEED, config=config, words=words) as fleet:
        fleet.await_decisions(1)
        fleet.wait(
            lambda: all((fleet.decisions(slot)[-1].due_ms or 0) >= last_ms for slot in SIXTEEN),
            "the recording's last point",
            REACH_SECONDS,
        )
        fleet.stop()
        second = made(fleet)
    both = sorted(first.keys() & second.keys())
    same, decided = Counter[str](), 0
    for slot, due_ms in both:
        one, other = first[slot, due_ms][1], second[slot, due_ms][1]
        same.update(name for name, part in INPUTS.items() if part(one) == part(other))
        timeframe = Slot.parse(slot).timeframe
        mixed = with_books_of(one, other)
        decided += decide(one, timeframe, HELD, Memory(), params) == decide(
            mixed, timeframe, HELD, Memory(), params
        )
    acted = sum(first[key][0].action == second[key][0].action for key in both)
    print(f"run as a tape: {len(both)} of {len(first)} points were met again")
    for name in INPUTS:
        print(f"{name:<24} {same[name]:>5} of {len(both)} the same")
    print(f"{'with the same books':<24} {decided:>5} of {len(both)} decide the same")
    print(f"{'action taken':<24} {acted:>5} of {len(both)} the same, each by its own books")
    assert len(both) == len(first)
    assert alike == len(again) == len(first)
    assert decided == len(both)
