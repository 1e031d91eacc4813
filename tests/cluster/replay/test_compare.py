"""The first field that differs, and what a slot held back."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cluster.replay.compare import Difference, as_held, first_difference
from signals.decision import Action, Decision, FactorScore
from tests.actors.slot.builders import hold, leg, trade

FACTOR = FactorScore(name="volume", maximum=25, bull=1.0, bear=0.0, reason="quiet")


def test_equal_decisions_do_not_differ() -> None:
    assert first_difference(trade(), trade()) is None


def test_a_field_deep_inside_is_named_by_its_path() -> None:
    one = msgspec.structs.replace(trade(), factors=(FACTOR,))
    factor = msgspec.structs.replace(FACTOR, bear=0.25)
    other = msgspec.structs.replace(one, factors=(factor,))
    found = first_difference(one, other)
    assert found == Difference(field="factors.volume.bear", recorded="0.0", made="0.25")


def test_a_leg_that_is_missing_is_named_by_its_place() -> None:
    found = first_difference(trade(leg()), msgspec.structs.replace(trade(leg()), legs=()))
    assert found is not None
    assert (found.field, found.made) == ("legs.0", '"absent"')


def test_the_last_bit_of_a_float_counts() -> None:
    one = msgspec.structs.replace(trade(), probability_up=0.1 + 0.2)
    other = msgspec.structs.replace(trade(), probability_up=0.3)
    found = first_difference(one, other)
    assert found is not None
    assert found.field == "probability_up"


def test_a_decision_that_the_slot_held_back_is_held_back_again() -> None:
    wish = trade()
    held = msgspec.structs.replace(
        wish,
        action=Action.NO_TRADE,
        legs=(),
        reason=f"held: 3 outbox pages with a gap; wanted: {wish.reason}",
    )
    assert first_difference(held, as_held(held, wish)) is None
    assert as_held(held, hold()) == hold()
    assert as_held(wish, wish) == wish


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_two_decisions_differ_exactly_where_their_bytes_do(left: float, right: float) -> None:
    one, other = (
        Decision(action=Action.NO_TRADE, reason="r", probability_up=value)
        for value in (left, right)
    )
    assert (first_difference(one, other) is None) == (left == right)
