"""What keeps a way back from starting, and which release it leads to without being told."""

from pathlib import Path

import msgspec
import pytest

from actors.rollout.handoff_state import Step
from actors.rollout.plan import way_back_refusals
from actors.rollout.record import encode_state
from actors.rollout.rollout_state import Options, Rollout
from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.rolling_update.planning import previous_release
from tests.actors.rollout.plans import plan
from tests.actors.rollout.rollouts import begun, begun_back

SLOTS = ("btc-5m", "eth-5m")


def test_only_what_would_help_nobody_refuses_a_way_back() -> None:
    good = plan(SLOTS)
    assert way_back_refusals(good, (), ()) == ()
    other = msgspec.structs.replace(good, not_installed=("one 2 (has 1)",))
    assert "requirements.lock names one 2 (has 1)." in way_back_refusals(other, (), ())[0]
    assert "sol-5m" in way_back_refusals(good, ("sol-5m",), ())[0]
    back = msgspec.structs.replace(good, to_release="old")
    assert "already" in way_back_refusals(back, (), ())[0]
    assert way_back_refusals(back, (), ("gateway/2",)) == ()


def keep(storage: LocalStorage, name: str, rollout: Rollout, *done: str) -> None:
    handoffs = {
        slot: msgspec.structs.replace(handoff, step=Step.DONE) if slot in done else handoff
        for slot, handoff in rollout.handoffs.items()
    }
    kept = msgspec.structs.replace(rollout, handoffs=handoffs)
    storage.write(f"rollouts/{name}/state.json", encode_state(kept))


def test_a_rollback_leads_to_what_the_last_roll_replaced_and_never_to_and_fro(
    tmp_path: Path,
) -> None:
    storage = LocalStorage(tmp_path)
    with pytest.raises(FleetError, match="--to"):
        previous_release(storage)
    keep(storage, "r0001", begun(Options(), SLOTS), *SLOTS)
    assert previous_release(storage) == "old"
    keep(storage, "r0002", begun(Options(), SLOTS))
    assert previous_release(storage) == "old", "it switched nothing"
    keep(storage, "r0003", begun_back({}, SLOTS), "btc-5m")
    assert previous_release(storage) == "new", "asked again it goes on to the same release"
