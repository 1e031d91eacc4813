"""The table of market data's turn, walked at random and along its ways."""

import random
from collections.abc import Callable
from typing import Any

import msgspec

from actors.machine.vocabulary import Failed, Waited
from actors.market_data import turn as on
from actors.market_data.turn import STANDBY_MS_MAX, TABLE, WARM_MS_MAX, Phase, Turn, begin
from tests.actors.machine.walks import reached

ME, BEFORE, AFTER = "market-data/2", "market-data/1", "market-data/3"
WALKS = 1_500
FIELDS: dict[type[msgspec.Struct], Callable[[random.Random], dict[str, Any]]] = {
    on.NameRead: lambda rng: {"name": rng.choice((None, ME, BEFORE, BEFORE, AFTER))},
    on.WarmthSeen: lambda rng: {"warm": rng.random() < 0.3},
    on.BuffersLost: lambda _: {"reason": "why"},
    Failed: lambda _: {"reason": "why"},
}


def make(kind: type[msgspec.Struct], rng: random.Random, at_ms: float) -> Any:
    fields = FIELDS[kind](rng) if kind in FIELDS else {}
    return kind(at_ms=at_ms, **fields)


def begun(rng: random.Random) -> Any:
    state, effects = begin(ME, 0.0)
    if rng.random() < 0.5:
        return state, effects
    return msgspec.structs.replace(state, phase=rng.choice(tuple(Phase))), ()


def test_every_row_is_walked() -> None:
    taken = reached(TABLE, begun, make, range(WALKS))
    left = [each for place, each in enumerate(TABLE) if place not in taken]
    assert [f"{each.source} {each.event.__name__} {each.why}" for each in left] == []
    print(f"{len(TABLE.rows)} rows, all taken in {WALKS} walks")


def run(*events: Any) -> tuple[Turn, list[str]]:
    effects: list[str] = []
    state, _ = begin(ME, 0.0)
    for event in events:
        state, asked = TABLE.step(state, event)
        effects += [type(each).__name__ for each in asked]
    return state, effects


OLD_SERVES = on.NameRead(at_ms=1, name=BEFORE)


def test_a_successor_starts_from_the_buffers_gets_warm_and_serves_when_it_is_named() -> None:
    state, effects = run(
        OLD_SERVES,
        on.BuffersTaken(at_ms=2),
        on.WarmthSeen(at_ms=3, warm=False),
        on.WarmthSeen(at_ms=4, warm=True),
        Waited(at_ms=5),
        on.NameRead(at_ms=6, name=ME),
    )
    assert effects == ["TakeBuffers", "PollFeeds", "PollFeeds", "Wait", "ReadName"]
    assert state.phase is Phase.SERVING


def test_without_an_earlier_one_that_answers_it_serves_at_once() -> None:
    for events in (
        (on.NameRead(at_ms=1, name=None),),
        (on.NameRead(at_ms=1, name=ME),),
        (OLD_SERVES, on.BuffersLost(at_ms=2, reason="gone")),
    ):
        state, effects = run(*events, on.NameStored(at_ms=3))
        assert (state.phase, effects[-1]) == (Phase.SERVING, "StoreName")


def test_one_that_was_succeeded_never_names_itself() -> None:
    state, effects = run(on.NameRead(at_ms=1, name=AFTER), Waited(at_ms=2))
    assert (state.phase, effects) == (Phase.CHECKING, ["Wait", "ReadName"])
    state, _ = run(
        on.NameRead(at_ms=1, name=AFTER),
        Waited(at_ms=2),
        on.NameRead(at_ms=STANDBY_MS_MAX + 1, name=AFTER),
    )
    assert state.phase is Phase.GONE


def test_feeds_that_stay_stale_hold_up_nobody() -> None:
    late = on.WarmthSeen(at_ms=WARM_MS_MAX + 2, warm=False)
    state, _ = run(OLD_SERVES, on.BuffersTaken(at_ms=2), late)
    assert state.phase is Phase.STANDING_BY
