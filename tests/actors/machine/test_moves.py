"""Moves: what is not among them cannot happen."""

from enum import StrEnum

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.machine.moves import Move, MoveRefusedError, Moves


class Door(StrEnum):
    OPEN = "open"
    SHUT = "shut"
    LOCKED = "locked"
    WALLED = "walled"


class Pushed(msgspec.Struct):
    pass


class Turned(msgspec.Struct):
    pass


MOVES = (
    Move(Door.OPEN, "Pushed", Door.SHUT, "it falls shut"),
    Move(Door.SHUT, "Pushed", Door.OPEN, "it is not locked"),
    Move(Door.SHUT, "Turned", Door.LOCKED, "the key is in it"),
    Move(Door.LOCKED, "", Door.WALLED, "whatever comes"),
)
DOORS = Moves("door", "A door.", MOVES)
EVENTS = {"Pushed": Pushed(), "Turned": Turned()}


@given(
    source=st.sampled_from(Door), event=st.sampled_from(sorted(EVENTS)), to=st.sampled_from(Door)
)
def test_a_move_happens_if_and_only_if_it_is_in_the_table(
    source: Door, event: str, to: Door
) -> None:
    allowed = any(
        move.source is source and move.event in (event, "") and move.target is to for move in MOVES
    )
    if source is to or allowed:
        assert DOORS.move(source, to, EVENTS[event]) is to
    else:
        with pytest.raises(MoveRefusedError, match=f"door: {source} -> {to} on {event}"):
            DOORS.move(source, to, EVENTS[event])


def test_a_refused_move_is_a_fault_that_no_handler_of_expected_errors_takes() -> None:
    assert issubclass(MoveRefusedError, AssertionError)


def test_a_move_stands_in_the_table_once() -> None:
    with pytest.raises(AssertionError, match="twice"):
        Moves("door", "", (*MOVES, Move(Door.OPEN, "Pushed", Door.SHUT, "again")))


def test_a_table_says_where_states_lead_and_which_are_ends() -> None:
    assert DOORS.targets(Door.SHUT) == {Door.OPEN, Door.LOCKED}
    assert DOORS.ends(Door) == {Door.WALLED}
    assert DOORS.reachable(Door.OPEN) == set(Door)
    assert DOORS.reachable(Door.LOCKED) == {Door.LOCKED, Door.WALLED}


def test_a_table_of_targets_lets_any_event_bring_a_move() -> None:
    table = Moves.of_targets("door", "", {Door.OPEN: (Door.SHUT,), Door.SHUT: ()})
    assert table.move(Door.OPEN, Door.SHUT, Turned()) is Door.SHUT
    with pytest.raises(MoveRefusedError):
        table.move(Door.SHUT, Door.OPEN, Pushed())
