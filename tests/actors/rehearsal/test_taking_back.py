"""A supervisor that would leave a bad release in place does not pass its rehearsal."""

from typing import Any

import pytest

from actors.rehearsal import taking_back
from actors.rehearsal.room import RehearsalError
from actors.supervisor.step import step


def test_a_supervisor_as_it_is_does_its_duties() -> None:
    for duty in taking_back.DUTIES:
        duty()


@pytest.mark.parametrize(
    ("left_out", "duty"),
    [
        ("OpenSeat", taking_back.fills_a_seat),
        ("CreateSlot", taking_back.fills_a_seat),
        ("OpenSeat", taking_back.takes_a_slot_back),
        ("RaiseAlarm", taking_back.takes_a_slot_back),
        ("CreateShared", taking_back.takes_a_shared_actor_back),
    ],
)
def test_one_that_leaves_out_an_effect_is_refused(
    monkeypatch: pytest.MonkeyPatch, left_out: str, duty: Any
) -> None:
    def lazy(state: Any, event: Any) -> Any:
        state, effects = step(state, event)
        return state, tuple(one for one in effects if type(one).__name__ != left_out)

    monkeypatch.setattr(taking_back, "step", lazy)
    with pytest.raises(RehearsalError):
        duty()
