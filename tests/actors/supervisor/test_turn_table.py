"""The table of the supervisor's turn, walked at random and along its lives."""

import random
from typing import Any

import msgspec

from actors.machine.vocabulary import Answer, Failed, Waited
from actors.supervisor import turn_machine as on
from actors.supervisor.turn_machine import TABLE, WATCHES, Phase, Turn, begin
from tests.actors.machine.walks import reached

ME, NEXT = "supervisor/1", "supervisor/2"
WALKS = 1_500


def make(kind: type[msgspec.Struct], rng: random.Random, at_ms: float) -> Any:
    fields: dict[str, Any] = {"at_ms": at_ms}
    if "reply_to" in kind.__struct_fields__:
        fields["reply_to"] = 0
    if kind is on.NameRead:
        fields["name"] = rng.choice((None, ME, ME, NEXT))
    if kind is on.HandOverAsked:
        fields |= {"to": rng.choice((NEXT, NEXT, "supervisor/3")), "busy": rng.random() < 0.2}
    if kind is Failed:
        fields["reason"] = "why"
    return kind(**fields)


def begun(rng: random.Random) -> Any:
    state, effects = begin(ME, 0.0)
    if rng.random() < 0.5:
        return state, effects
    return msgspec.structs.replace(state, phase=rng.choice(tuple(Phase)), to=NEXT), ()


def test_every_row_is_walked_and_every_caller_is_answered_once() -> None:
    taken = reached(TABLE, begun, make, range(WALKS))
    left = [each for place, each in enumerate(TABLE) if place not in taken]
    assert [f"{each.source} {each.event.__name__} {each.why}" for each in left] == []
    print(f"{len(TABLE.rows)} rows, all taken in {WALKS} walks")


def run(state: Turn, *events: Any) -> tuple[Turn, list[Any]]:
    effects: list[Any] = []
    for event in events:
        state, asked = TABLE.step(state, event)
        effects += asked
    return state, effects


def test_only_one_that_reads_its_own_name_begins_to_watch() -> None:
    ways_in = [each for each in TABLE if each.leads_to in WATCHES and each.source not in WATCHES]
    assert {(each.source, each.event) for each in ways_in} == {
        (Phase.OPENING, on.Opened),
        (Phase.RECLAIMING, on.NameStored),
    }
    opens = [each for each in TABLE if each.leads_to is Phase.OPENING and each.target is not None]
    assert [(each.event, each.when) for each in opens] == [(on.NameRead, on.is_named)]


def test_a_handover_ends_the_watch_keeps_what_holds_and_names_last() -> None:
    watching = Turn(name=ME, phase=Phase.WATCHING)
    state, effects = run(
        watching,
        on.HandOverAsked(at_ms=1, reply_to=1, to=NEXT, busy=False),
        on.HandOverAsked(at_ms=1, reply_to=2, to=NEXT, busy=False),
        on.Closed(at_ms=2),
        on.Kept(at_ms=3),
        on.NameStored(at_ms=4),
        on.HandOverAsked(at_ms=5, reply_to=3, to=NEXT, busy=False),
    )
    work = [type(each).__name__ for each in effects if not isinstance(each, Answer)]
    assert work == ["Close", "Keep", "StoreName", "Wait"]
    assert {each.reply_to: each.done for each in effects if isinstance(each, Answer)} == {
        1: True,
        2: True,
        3: True,
    }
    assert state.phase is Phase.STANDING_BY


def test_one_that_is_busy_or_cannot_store_keeps_its_turn() -> None:
    watching = Turn(name=ME, phase=Phase.WATCHING)
    state, effects = run(watching, on.HandOverAsked(at_ms=1, reply_to=1, to=NEXT, busy=True))
    assert (state.phase, effects) == (Phase.WATCHING, [Answer(reply_to=1, done=False)])
    state, effects = run(
        watching,
        on.HandOverAsked(at_ms=1, reply_to=1, to=NEXT, busy=False),
        on.Closed(at_ms=2),
        Failed(at_ms=3, reason="disk full"),
        on.NameRead(at_ms=4, name=ME),
        on.Opened(at_ms=5),
    )
    assert state.phase is Phase.WATCHING
    assert Answer(reply_to=1, done=False) in effects


def test_one_that_stands_by_for_nothing_leaves() -> None:
    state, _ = begin(NEXT, 0.0)
    state, _ = run(state, on.NameRead(at_ms=1, name=ME), Waited(at_ms=2))
    state, _ = run(state, on.NameRead(at_ms=on.STANDBY_MS_MAX, name=ME))
    assert state.phase is Phase.GONE
