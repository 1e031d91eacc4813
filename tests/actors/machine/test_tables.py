"""Every machine's table: whole, reachable, and of events that exist."""

import pytest

from actors.machine.table import Table
from actors.slot import events as slot_events
from actors.slot import seat as slot_seat
from actors.supervisor import events as supervisor_events
from actors.supervisor import state as supervisor_state

TABLES = {
    "slot": (slot_seat.PHASES, slot_seat.Phase.CLAIMING, slot_events, {slot_seat.Phase.RETIRED}),
    "supervised slot": (
        supervisor_state.PLACES,
        supervisor_state.Place.UNSEEN,
        supervisor_events,
        set(),
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_every_state_is_reached_and_only_the_ends_are_left_by_nothing(name: str) -> None:
    table, start, _, ends = TABLES[name]
    states = set(type(start))
    assert table.reachable(start) == states
    assert table.ends(states) == ends


@pytest.mark.parametrize("name", TABLES)
def test_every_move_is_of_an_event_that_exists(name: str) -> None:
    table, _, events, _ = TABLES[name]
    kinds = {move.event for move in table.moves if move.event}
    assert all(hasattr(events, kind) for kind in kinds)


def test_no_machine_has_two_tables() -> None:
    tables: list[Table] = [table for table, *_ in TABLES.values()]
    assert len({table.name for table in tables}) == len(tables)
