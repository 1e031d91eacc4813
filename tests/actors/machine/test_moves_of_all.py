"""Every machine's table: whole, reachable, and of events that exist."""

from enum import StrEnum
from types import ModuleType
from typing import Any

import pytest

from actors.gateway import order_life
from actors.gateway.order_life import OrderState
from actors.machine.moves import Moves
from actors.rollout import handoff_table, rollout_state
from actors.rollout.handoff_state import Step
from actors.rollout.handoff_table import ENDED
from actors.rollout.rollout_state import Phase
from actors.slot import events as slot_events
from actors.slot import seat as slot_seat
from actors.supervisor import events as supervisor_events
from actors.supervisor import state as supervisor_state

TABLES: dict[str, tuple[Moves[Any], StrEnum, ModuleType, set[StrEnum]]] = {
    "slot": (slot_seat.PHASES, slot_seat.Phase.CLAIMING, slot_events, {slot_seat.Phase.RETIRED}),
    "supervised slot": (
        supervisor_state.PLACES,
        supervisor_state.Place.UNSEEN,
        supervisor_events,
        set(),
    ),
    "order": (order_life.STATES, OrderState.WRITTEN, order_life, {OrderState.ENDED}),
    "handoff": (handoff_table.STEPS, Step.PLANNED, handoff_table, set(ENDED)),
    "rollout": (rollout_state.PHASES, Phase.CANARY, rollout_state, {Phase.DONE, Phase.STOPPED}),
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
    tables: list[Moves[Any]] = [table for table, *_ in TABLES.values()]
    assert len({table.name for table in tables}) == len(tables)
