"""Snapshots that say that old inputs are fresh."""

import msgspec

from actors.detectors import snapshot_ages
from actors.detectors.snapshot_ages import AgesWatch
from signals.market import CYCLE_MS
from tests.signals.builders import make_snapshot

HONEST = make_snapshot()
OLD = msgspec.structs.replace(HONEST, taken_ms=HONEST.taken_ms + CYCLE_MS)


def holds(*cycles: tuple[msgspec.Struct, ...]) -> bool:
    watch = AgesWatch()
    for cycle in cycles:
        watch = snapshot_ages.advance(watch, cycle)  # type: ignore[arg-type]
    (finding,) = snapshot_ages.findings(watch)
    return finding.holds


def test_two_cycles_in_a_row_with_an_understated_age_are_found() -> None:
    assert not holds((HONEST,), (OLD,))
    assert holds((OLD,), (HONEST, OLD))
    assert not holds((OLD,), (HONEST,), (OLD,))


def test_a_cycle_without_snapshots_proves_nothing() -> None:
    assert holds((OLD,), (), (OLD,))
    assert not holds((), ())
