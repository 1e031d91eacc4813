"""Who is passed over on a way back, and who is asked for a handoff."""

import msgspec
import pytest

from actors.gateway.records import GenerationTaken
from actors.rollout.gateway_restarts import WITHIN_MS, judge_restarts
from actors.rollout.sickness import BLOCKED_MS, SILENT_CYCLES, sickness
from actors.slot.status import SlotNotRunning, SlotStatus
from signals.market import CYCLE_MS
from tests.actors.slot.builders import DUE_MS
from tests.actors.supervisor.test_supervisor_step import status


def slot(**fields: object) -> SlotStatus:
    seen = status(DUE_MS + 1_000)
    return msgspec.structs.replace(
        seen, state="active", decided_due_ms=DUE_MS, market_ms=DUE_MS + 1_000, **fields
    )


def test_an_owner_that_acts_and_decides_is_asked() -> None:
    assert sickness(slot()) is None
    assert sickness(slot(blocked_ms=BLOCKED_MS)) is None


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"blocked_ms": BLOCKED_MS + 1}, "has not returned"),
        ({"journal_failure": "No space left on device"}, "No space left"),
    ],
)
def test_an_owner_that_cannot_hand_over_is_passed_over(fields: dict[str, object], why: str) -> None:
    assert why in str(sickness(slot(**fields)))


@pytest.mark.parametrize("state", ["claiming", "recovering", "standby", "retired", "stopped"])
def test_who_does_not_act_for_its_slot_is_passed_over(state: str) -> None:
    assert sickness(msgspec.structs.replace(slot(), state=state)) == f"it is {state}"


def test_who_answers_and_has_not_decided_for_two_points_is_passed_over() -> None:
    late = DUE_MS + SILENT_CYCLES * CYCLE_MS
    assert sickness(msgspec.structs.replace(slot(), market_ms=late)) is None
    assert "no decision" in str(sickness(msgspec.structs.replace(slot(), market_ms=late + 1)))


def test_a_process_whose_slot_does_not_run_is_passed_over() -> None:
    assert "no disk" in str(sickness(SlotNotRunning(slot="btc-5m", reason="no disk")))


def taken(name: str, *at_ms: int) -> list[GenerationTaken]:
    return [
        GenerationTaken(generation=number, name=name, life="1-1", wire_ms=at)
        for number, at in enumerate(at_ms)
    ]


def test_a_gateway_that_starts_again_and_again_is_sick_by_its_log() -> None:
    now_ms = 1_000_000
    twice = taken("gateway/2", now_ms - 90_000, now_ms - 1_000)
    assert judge_restarts(twice, "gateway/2", now_ms) is None
    often = [*twice, *taken("gateway/2", now_ms - 500)]
    assert "started 3 times" in str(judge_restarts(often, "gateway/2", now_ms))
    assert judge_restarts(often, "gateway/3", now_ms) is None, "its predecessor's starts"
    assert judge_restarts(often, "gateway/2", now_ms + WITHIN_MS) is None, "long over"
