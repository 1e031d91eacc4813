"""A thousand approvals that are not: each refused where it is applied and where it would trade."""

import random
from pathlib import Path

import pytest
from msgspec.structs import replace

from checkpoints.approvals import GateFiles
from checkpoints.approved_releases import coverage
from checkpoints.records import canonical_json
from cluster.gate.document import PlanDocument, store_plan
from cluster.gate.policy import Allowed, Denied, judge
from tests.checkpoints.memory_storage import MemoryStorage
from tests.cluster.gate.builders import KEYS, approval, document
from tests.cluster.gate.forgeries import COUNT, FORGERIES, SEED, applied_by_hand, asked, refusals

OTHER = "ab" * 32


@pytest.fixture
def planned(tmp_path: Path) -> tuple[str, PlanDocument, bytes]:
    storage = MemoryStorage()
    made = document(storage, tmp_path)
    plan = store_plan(storage, made)
    return plan, made, canonical_json(made)


def test_a_thousand_forged_approvals_are_refused_twice(
    planned: tuple[str, PlanDocument, bytes],
) -> None:
    plan, made, _ = planned
    refused = refusals(SEED, COUNT, plan, made)
    print(f"\n{refused.total()} of {COUNT} forged approvals refused, seed {SEED}:")
    for name, count in refused.items():
        print(f"  {name:<18} {count}")
    assert refused.total() == COUNT


def test_the_same_thousand_judges_let_the_true_one_in(
    planned: tuple[str, PlanDocument, bytes],
) -> None:
    plan, made, text = planned
    files = GateFiles(plans={plan: text}, approvals={"good": approval(plan)})
    assert isinstance(judge(asked(plan, made, files)), Allowed)
    used = replace(files, applied={plan: applied_by_hand(plan, made, approval(plan))})
    assert coverage(used, KEYS).releases == {made.to_release}


def test_a_replayed_approval_is_refused(planned: tuple[str, PlanDocument, bytes]) -> None:
    """The same file again after its roll; and its record copied beside another plan."""
    plan, made, text = planned
    record = applied_by_hand(plan, made, approval(plan))
    rng = random.Random(SEED)
    for _ in range(100):
        again = replace(made, made_wire_ms=made.made_wire_ms + rng.randint(1, 10**9))
        signed = {"a": approval(plan)}
        used = GateFiles(plans={plan: text}, approvals=signed, applied={plan: record})
        assert isinstance(judge(asked(plan, again, used)), Denied)
        other = GateFiles(
            plans={OTHER: canonical_json(again)},
            approvals=signed,
            applied={OTHER: record},
        )
        assert coverage(other, KEYS).releases == frozenset()


def test_a_forgery_beside_the_true_approval_takes_nothing_away(
    planned: tuple[str, PlanDocument, bytes],
) -> None:
    plan, made, text = planned
    rng = random.Random(SEED)
    for number in range(90):
        bad = FORGERIES[number % len(FORGERIES)](rng, plan)
        files = GateFiles(plans={plan: text}, approvals={"a": bad, "b": approval(plan)})
        assert isinstance(judge(asked(plan, made, files)), Allowed)
