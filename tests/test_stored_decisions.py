"""Every stored decision is read back with its own snapshot, of the slots that are asked for."""

from pathlib import Path

import pytest

from checkpoints.storage import LocalStorage
from tests.cluster.audit.builders import Story
from tests.stored_decisions import stored_decisions

SLOTS = ("btc-5m", "eth-5m", "btc-15m")


@pytest.mark.parametrize("asked", [SLOTS, SLOTS[1:], ("sol-5m",)])
def test_each_decision_is_read_with_its_snapshot(asked: tuple[str, ...], tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    for slot in SLOTS:
        story = Story(storage, "r1", slot)
        story.decide(mid_up=0.4)
        story.decide(mid_up=0.6)
    found = list(stored_decisions(storage, asked))
    assert [row.slot for _, row, _ in found] == [
        slot for slot in asked if slot in SLOTS for _ in "12"
    ]
    for due_ms, row, snapshot in found:
        assert due_ms == row.due_ms == snapshot.due_ms
        assert row.slot.startswith(str(snapshot.asset))
