"""A replay's result in the plan."""

import inspect
from pathlib import Path

import msgspec

from cluster.gate.page import document_page
from cluster.gate.replayed import replay_findings
from cluster.replay.compare import Difference
from cluster.replay.result import Differing, Replayed
from tests.checkpoints.memory_storage import MemoryStorage
from tests.cluster.gate.builders import document


def difference() -> Difference:
    """Fill whatever fields a difference has: what it says is not looked at here."""
    names = [field.name for field in msgspec.structs.fields(Difference) if field.required]
    return Difference(**dict.fromkeys(names, "x"))


def replayed(changed: int) -> Replayed:
    one = Differing(
        slot="btc-5m",
        sequence=1,
        due_ms=5,
        release="a1" * 32,
        difference=difference(),
        recorded="no trade: edge",
        made="trade Up",
    )
    known = {"made": 288, "refused": 2, "differing_count": changed, "differing": (one,) * changed}
    empty = dict.fromkeys(inspect.signature(Replayed).parameters)
    return Replayed(**{**empty, **known})


def test_the_plan_shows_what_replay_changes(tmp_path: Path) -> None:
    found = replay_findings(replayed(3), expected_changed_max=5)
    assert (found.decisions, found.changed, found.not_made) == (288, 3, 2)
    assert len(replay_findings(replayed(50), 5).shown) == 20
    made = msgspec.structs.replace(document(MemoryStorage(), tmp_path), replay=found)
    page = document_page("ab" * 32, made)
    assert "3 of 288 recorded decisions change; the plan declares at most 5; 2 could not" in page
    assert "btc-5m due 5: no trade: edge -> trade Up" in page
