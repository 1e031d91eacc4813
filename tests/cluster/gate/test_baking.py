"""When a release has proven itself, and its staged limits end."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.supervisor.baking import Baker, Count, apply, is_good
from checkpoints.approvals import read_gate
from checkpoints.approved_releases import unbaked
from checkpoints.journal import Journal
from checkpoints.journal_rows import JournalRow, RowKind
from checkpoints.storage import LocalStorage
from cluster.gate.admission import Wish, admit, covered
from cluster.gate.document import store_plan
from cluster.gate.keys import store_approval
from signals.market import CYCLE_MS
from tests.checkpoints.builders import row
from tests.cluster.gate.builders import NOW_MS, SLOTS, approval, config, document, statement

OFFSETS = (20_000,)
NEW, OLD = "b2" * 32, "a1" * 32
DUE_MS = NOW_MS - NOW_MS % CYCLE_MS + 20_000


def decision(sequence: int, release: str = NEW, fence: int = 1, **changes: object) -> JournalRow:
    due_ms = DUE_MS + sequence * CYCLE_MS
    made = row(sequence, fence, kind=RowKind.DECISION, release=release, slot="btc-5m")
    told = {"due_ms": due_ms, "market_ms": due_ms + 100, "complete": True, "reason": "edge"}
    return replace(made, **{**told, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"complete": False},
        {"reason": "strategy_error: ValueError"},
        {"market_ms": DUE_MS + 2 * CYCLE_MS},
    ],
)
def test_a_decision_without_inputs_with_an_error_or_too_late_is_not_good(
    changes: dict[str, object],
) -> None:
    assert is_good(decision(1), OFFSETS)
    assert not is_good(decision(1, **changes), OFFSETS)


def test_a_decision_that_the_old_release_made_again_counts_for_nobody_else() -> None:
    count = apply(Count(), [decision(1), decision(2)], frozenset({NEW}), OFFSETS)
    assert count.good(NEW) == 2
    taken_back = [decision(2, OLD, fence=3), decision(2)]
    count = apply(count, taken_back, frozenset({NEW}), OFFSETS)
    assert count.good(NEW) == 1


def test_staged_limits_end_with_the_last_good_decision_and_not_before(tmp_path: Path) -> None:
    storage, fleet = LocalStorage(tmp_path / "storage"), config(staged_decisions=5)
    made = document(storage, tmp_path, fleet)
    plan = store_plan(storage, made)
    store_approval(storage, approval(plan), statement(plan))
    admit(storage, fleet, made, Wish(plan=plan, who="bob", wire_ms=NOW_MS + 1))
    baker = Baker(storage, fleet, lambda: NOW_MS + 2.0)
    for slot in SLOTS:
        rows = [replace(decision(n, made.to_release), slot=slot) for n in (1, 2)]
        Journal(storage, slot).append(rows)
    baker.poll()
    assert unbaked(read_gate(storage)) == {made.to_release: (plan, 5)}
    late = decision(3, made.to_release, market_ms=DUE_MS + 9 * CYCLE_MS)
    Journal(storage, SLOTS[0]).append([late])
    baker.poll()
    assert covered(storage, fleet).size_of(made.to_release) == 250
    Journal(storage, SLOTS[0]).append([decision(4, made.to_release)])
    baker.poll()
    assert covered(storage, fleet).size_of(made.to_release) == 1000
