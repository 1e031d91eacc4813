"""A gateway or market data that does not answer, or that Ray does not know."""

import pytest

from actors.supervisor.events import CreateShared, GatewaySeen, SharedSilent, Ticked
from actors.supervisor.state import HUNG_AFTER_MS, STARTING_MS, STEADY_MS
from tests.actors.supervisor.test_shared_watch import gateway
from tests.actors.supervisor.test_supervisor_step import Watch, of


def _creations(watch: Watch, seconds: int) -> list[int]:
    """Return the seconds at which a gateway that Ray does not know is created."""
    found = []
    for second in range(1, seconds + 1):
        gone = {"who": "gateway", "missing": True, "reason": "no living actor"}
        if of(watch.after(1_000).apply(SharedSilent, **gone), CreateShared):
            found.append(second)
    return found


def test_what_is_gone_again_is_created_again_soon_and_later_each_time_in_a_row() -> None:
    """Seed 345 of the simulation: the successor was named, and ended by its driver 2 s later."""
    watch = Watch()
    watch.apply(Ticked)
    watch.apply(GatewaySeen, status=gateway())
    assert _creations(watch, 80) == [10, 20, 40, 80]
    watch.after(1_000).apply(GatewaySeen, status=gateway())
    assert _creations(watch, 100) == [79], "it answered once: the row goes on"
    watch.after(STEADY_MS).apply(GatewaySeen, status=gateway())
    assert _creations(watch, 40) == [10, 20, 40], "it had worked for a minute"


def test_missing_gateway_is_created_again_and_a_silent_one_ended_by_id() -> None:
    watch = Watch()
    watch.apply(Ticked)
    gone = {"who": "gateway", "missing": True, "reason": "no living actor"}
    watch.after(STARTING_MS).apply(SharedSilent, **gone)
    effects = watch.apply(SharedSilent, **gone)
    assert of(effects, CreateShared)[0].who == "gateway"
    assert of(watch.apply(SharedSilent, **gone), CreateShared) == [], "it needs time to start"


@pytest.mark.parametrize("who", ["gateway", "market-data"])
def test_a_new_supervisor_creates_what_ray_does_not_know_and_waits_for_what_starts(
    who: str,
) -> None:
    """Seed 124 of the simulation: both were lost; a fleet creates its supervisor last."""
    watch = Watch()
    watch.apply(Ticked)
    watch.apply(SharedSilent, who=who, missing=True, reason="no living actor")
    watch.after(HUNG_AFTER_MS)
    effects = watch.apply(SharedSilent, who=who, missing=True, reason="no living actor")
    assert of(effects, CreateShared)[0].who == who

    watch = Watch()
    watch.apply(Ticked)
    watch.after(STARTING_MS - 1)
    assert watch.apply(SharedSilent, who=who, missing=False, reason="no answer in 3 s") == []
