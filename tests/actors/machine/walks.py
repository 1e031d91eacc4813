"""Walking a machine's table at random: what every such machine must hold, whatever comes."""

import random
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Any

import msgspec

from actors.machine.rows import Row, Table
from actors.machine.vocabulary import Answer

Make = Callable[[type[msgspec.Struct], random.Random, float], msgspec.Struct]
STEPS = 25
PAUSES_MS = (1.0, 1.0, 150.0, 3_000.0, 20_000.0, 200_000.0)


def reached(
    table: Table[Any, Any],
    begun: Callable[[random.Random], tuple[Any, tuple[Any, ...]]],
    make: Make,
    seeds: Iterable[int],
) -> set[int]:
    """Walk from a beginning at random; return the places of the rows taken."""
    taken: set[int] = set()
    kinds = {
        phase: sorted({e.event for e in rows_of(table, phase)}, key=lambda kind: kind.__name__)
        for phase in {each.source for each in table}
    }
    places = {id(each): place for place, each in enumerate(table)}
    for seed in seeds:
        taken |= {places[found] for found in _walk(table, begun, make, kinds, random.Random(seed))}
    return taken


def _walk(
    table: Table[Any, Any],
    begun: Callable[[random.Random], tuple[Any, tuple[Any, ...]]],
    make: Make,
    kinds: dict[StrEnum, list[type[msgspec.Struct]]],
    rng: random.Random,
) -> Iterator[int]:
    state, effects = begun(rng)
    if effects:
        judge(table, None, None, state, effects)
    at_ms = 0.0
    asked: set[int] = set()
    for number in range(STEPS):
        if state.phase not in kinds:
            break
        at_ms += rng.choice(PAUSES_MS)
        event = make(rng.choice(kinds[state.phase]), rng, at_ms)
        if hasattr(event, "reply_to"):
            event = msgspec.structs.replace(event, reply_to=number)
            asked.add(number)
        before, found = state, table.row_of(state, event)
        state, effects = table.step(state, event)
        if found is not None:
            judge(table, before, event, state, effects)
        answered = [each.reply_to for each in effects if isinstance(each, Answer)]
        assert len(answered) == len(set(answered)), (before, event, effects)
        assert asked.issuperset(answered), (before, event, effects)
        asked -= set(answered)
        if found is not None:
            yield id(found)
        else:
            assert state == before
            assert not hasattr(event, "reply_to"), f"{before.phase}: nobody answers {event}"
    waiting = set(getattr(state, "replies", ())) | set(getattr(state, "seizes", ()))
    assert asked == waiting, "a caller is answered once, or waits"


def judge(
    table: Table[Any, Any], before: Any, event: Any, state: Any, effects: tuple[Any, ...]
) -> None:
    work = [each for each in effects if not isinstance(each, Answer)]
    assert len(work) <= 1, (state.phase, effects)
    moved = before is None or before.phase is not state.phase
    if moved:
        waits = _awaits(table, state.phase)
        assert bool(work) == waits, f"{state.phase}: {work}, rows wait for its result: {waits}"
    elif hasattr(event, "reply_to"):
        assert not work, f"{state.phase}: the work under way would be broken off: {work}"
    else:
        assert len(work) == 1, f"{state.phase}: nothing is under way any more"


def _awaits(table: Table[Any, Any], phase: StrEnum) -> bool:
    """Tell whether any row of a phase waits for the result of work."""
    return any("reply_to" not in each.event.__struct_fields__ for each in rows_of(table, phase))


def rows_of(table: Table[Any, Any], phase: StrEnum) -> list[Row[Any, Any]]:
    return [each for each in table if each.source is phase]
