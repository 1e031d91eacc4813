"""The table of a shared actor's replacement, walked at random and along its ways."""

import random
from typing import Any

import msgspec
import pytest

from actors.machine.vocabulary import Failed
from actors.rollout.replacement import events as on
from actors.rollout.replacement.events import Back, Replacement, Seen, SharedStep
from actors.rollout.replacement.machine import READY_MS, SERVE_MS, TABLE, begin
from actors.shared_kind import Kind
from tests.actors.machine.walks import reached

OLD, NEW = "gateway/1", "gateway/2"
RELEASE = "bb" * 32
SICK = Back(kind=Kind.GATEWAY, name=OLD, sick="no answer")
WALKS = 1_500


def seen(*, ready: bool = False, serves: bool = False, release: str = RELEASE) -> Seen:
    return Seen(phase="a phase", release=release, ready=ready, serves=serves)


def make(kind: type[msgspec.Struct], rng: random.Random, at_ms: float) -> Any:
    fields: dict[str, Any] = {"at_ms": at_ms}
    if kind is on.ActorSeen:
        fields["seen"] = seen(
            ready=rng.random() < 0.3,
            serves=rng.random() < 0.3,
            release=rng.choice((RELEASE, RELEASE, RELEASE, "aa" * 32)),
        )
    if kind is Failed:
        fields["reason"] = "why"
    return kind(**fields)


def first(back: Back | None = None) -> Replacement:
    return begin(Kind.GATEWAY, (OLD, NEW), RELEASE, 0.0, back)[0]


def begun(rng: random.Random) -> Any:
    names = (OLD, NEW)
    state, effects = begin(Kind.GATEWAY, names, RELEASE, 0.0, rng.choice((None, SICK)))
    if rng.random() < 0.5:
        return state, effects
    return msgspec.structs.replace(state, phase=rng.choice(tuple(SharedStep))), ()


def test_every_row_is_walked() -> None:
    taken = reached(TABLE, begun, make, range(WALKS))
    left = [each for place, each in enumerate(TABLE) if place not in taken]
    assert [f"{each.source} {each.event.__name__} {each.why}" for each in left] == []
    print(f"{len(TABLE.rows)} rows, all taken in {WALKS} walks")


def run(state: Replacement, *events: Any) -> tuple[Replacement, list[str]]:
    effects: list[str] = []
    for event in events:
        state, asked = TABLE.step(state, event)
        effects += [type(each).__name__ for each in asked]
    return state, effects


NAMED = (
    on.Created(at_ms=1),
    on.ActorSeen(at_ms=2, seen=seen(ready=True)),
    on.Warmed(at_ms=3),
    on.Remembered(at_ms=4),
    on.Named(at_ms=5),
)


def test_forwards_the_old_one_is_ended_only_once_its_successor_serves() -> None:
    state, effects = run(
        first(), *NAMED, on.ActorSeen(at_ms=9, seen=seen(serves=True)), on.ActorEnded(at_ms=10)
    )
    assert effects == ["PollActor", "Warm", "Remember", "Name", "PollActor", "EndActor"]
    assert (state.phase, state.naming_ms) == (SharedStep.DONE, 5.0)


def test_a_sick_one_is_asked_nothing() -> None:
    _, effects = run(first(SICK), NAMED[0], NAMED[1], NAMED[3])
    assert effects == ["PollActor", "Remember", "Seize"]


@pytest.mark.parametrize("last", [Failed(at_ms=6, reason="x"), None])
def test_the_old_one_is_named_again_only_when_the_successor_is_gone(last: Failed | None) -> None:
    late = on.ActorSeen(at_ms=5 + SERVE_MS, seen=seen())
    state, effects = run(first(), *NAMED, late)
    assert (state.phase, effects[-1]) == (SharedStep.TAKING_BACK, "EndActor")
    if last is not None:
        state, effects = run(state, last)
        assert (state.phase, effects) == (SharedStep.STUCK, []), "two might serve"
        return
    state, effects = run(state, on.ActorEnded(at_ms=7))
    assert effects == ["NameBack"]
    state, _ = run(state, on.NamedBack(at_ms=8), on.ActorSeen(at_ms=9, seen=seen(serves=True)))
    assert state.phase is SharedStep.FAILED


def test_before_anybody_is_named_nobody_is_named_back() -> None:
    state, effects = run(first(), NAMED[0], on.ActorSeen(at_ms=READY_MS + 2, seen=seen()))
    assert (state.phase, effects[-1]) == (SharedStep.DISCARDING, "EndActor")
    assert state.failure == "not ready in 60 s: a phase"
    state, effects = run(state, Failed(at_ms=READY_MS + 3, reason="does not end"))
    assert (state.phase, effects) == (SharedStep.AWAITING_OLD, ["PollActor"])


def test_another_release_is_never_named() -> None:
    wrong = seen(ready=True, serves=True, release="aa" * 32)
    state, _ = run(first(), NAMED[0], on.ActorSeen(at_ms=2, seen=wrong))
    assert state.phase is SharedStep.DISCARDING
    naming = {each.source for each in TABLE if each.leads_to is SharedStep.NAMING}
    assert naming == {SharedStep.REMEMBERING}, "what is replaced is stored first"
