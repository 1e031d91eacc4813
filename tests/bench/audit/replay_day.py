"""A generated day of sixteen slots, each decision made by the shipped strategy, ready to replay."""

from pathlib import Path
from typing import Final

from actors.slot.facts import Entry, Fact, apply_entry
from actors.slot.rows import row_of
from checkpoints.archive import archive_release
from checkpoints.journal import Journal
from checkpoints.journal_days import compact_day
from checkpoints.storage import LocalStorage
from signals.market import DAY_MS, DEFAULT_SLOTS
from signals.params import params_id
from tests.cluster.audit.builders import CYCLE_MS, DAY, ROOT, Story

CYCLES: Final = DAY_MS // CYCLE_MS
MIDS: Final = (0.5, 0.42, 0.61, 0.35, 0.55, 0.48, 0.7, 0.3)
NEXT_DAY: Final = "2026-01-02"


class DayStory(Story):
    """Keeps its rows and writes them as one flush: the bench is of reading."""

    def _write(self, fact: Fact, market_ms: int) -> None:
        self.now_ms = max(self.now_ms + 1, market_ms)
        entry = Entry(
            sequence=self.state.journal_sequence + 1,
            fence=self.fence,
            market_ms=self.now_ms,
            wire_ms=self.now_ms,
            fact=fact,
        )
        self.state = apply_entry(self.state, entry)
        self.rows.append(row_of(self.who, params_id(self.params), entry, self.state))


def write_day(root: Path, cycles: int = CYCLES) -> int:
    """Write a closed day; return the number of decisions."""
    storage = LocalStorage(root)
    release = archive_release(storage, ROOT).release
    for slot in DEFAULT_SLOTS:
        story = DayStory(storage, release, str(slot))
        for cycle in range(cycles):
            story.decide(mid_up=MIDS[cycle % len(MIDS)])
        Journal(storage, str(slot)).append(story.rows)
    compact_day(storage, DAY, NEXT_DAY)
    return cycles * len(DEFAULT_SLOTS)
