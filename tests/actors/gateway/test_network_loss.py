"""A network that is lost and comes back: the venue is compared before anything is bought."""

import pytest
from msgspec.structs import replace

from actors.gateway.events import BeatDone, PollVenue, Sign, VenuePolled
from actors.gateway.listing_health import AWAY_MS
from actors.gateway.status import Identity, Latency, status_of
from actors.messages import IntentRefused
from actors.venue.port import Beaten, Unknown
from signals.decision import Style
from signals.market import Side
from tests.actors.gateway.builders import Machine, intent

LOST = Unknown(reason="no route to host")


def poll_in_vain(machine: Machine) -> None:
    machine.apply(
        VenuePolled(orders=LOST, trades=LOST, started_wire_ms=machine.wire_ms, **machine.at)
    )


def lost_for(machine: Machine, wire_ms: int) -> None:
    for _ in range(wire_ms // 1_000):
        machine.wire_ms += 1_000
        poll_in_vain(machine)


def another(number: int) -> object:
    one = intent()
    return replace(one, intent_id=f"{one.intent_id.rsplit('/', 1)[0]}/{number}")


def test_a_short_loss_bars_nothing() -> None:
    machine = Machine().start()
    lost_for(machine, AWAY_MS - 1_000)
    assert machine.state.flight.barred is None


def test_after_a_loss_nothing_is_bought_until_the_venue_was_compared() -> None:
    machine = Machine().start()
    lost_for(machine, 30_000)
    machine.send(another(1))  # type: ignore[arg-type]
    assert not machine.asked(Sign)
    assert machine.outbox() == ["IntentRefused"]
    assert machine.state.flight.barred
    machine.poll()
    assert machine.state.flight.barred is None
    machine.send(another(2))  # type: ignore[arg-type]
    assert machine.asked(Sign)


@pytest.mark.parametrize("half", ["orders", "trades"])
def test_half_a_listing_is_no_comparison(half: str) -> None:
    machine = Machine().start()
    lost_for(machine, 30_000)
    seen = {"orders": (), "trades": (), half: LOST}
    machine.apply(VenuePolled(started_wire_ms=machine.wire_ms, **seen, **machine.at))  # type: ignore[arg-type]
    assert machine.state.flight.barred


def test_the_first_listing_after_a_loss_reaches_back_before_it() -> None:
    machine = Machine().start()
    machine.order()
    began_ms = machine.wire_ms
    lost_for(machine, 30_000)
    machine.tick(20_000)
    [asked] = machine.asked(PollVenue)
    assert isinstance(asked, PollVenue)
    assert asked.after_s <= (began_ms - 30_000) // 1_000


@pytest.mark.parametrize(
    ("silent_ms", "words"),
    [
        (5_000, None),
        (7_000, "no heartbeat was taken for 7 s: the venue cancels all open orders in 3 s"),
        (12_000, "no heartbeat was taken for 12 s: the venue has cancelled all orders"),
    ],
)
def test_status_says_when_the_venue_cancels_by_itself(silent_ms: int, words: str | None) -> None:
    machine = Machine().start()
    machine.apply(BeatDone(outcome=Beaten(heartbeat_id="1"), **machine.at))
    machine.wire_ms += silent_ms
    who = Identity(name="g", pid=1, process_start=1, node_id="n", life="1-1")
    state = machine.state
    status = status_of(
        who, "serving", state.ledger, state.flight, Latency(), machine.wire_ms, machine.market_ms
    )
    assert list(status.trouble) == ([words] if words else [])


@pytest.mark.parametrize("change", [{}, {"side": Side.SELL}, {"style": Style.TAKE}])
@pytest.mark.parametrize("silent_ms", [9_999, 10_000, 60_000])
def test_no_purchase_rests_while_the_venue_would_cancel_it_at_once(
    silent_ms: int, change: dict[str, object]
) -> None:
    """The lists are back a moment before the heartbeat, or the machine slept."""
    machine = Machine().start()
    machine.apply(BeatDone(outcome=Beaten(heartbeat_id="1"), **machine.at))
    machine.wire_ms += silent_ms
    machine.poll()
    machine.send(replace(another(1), **change))  # type: ignore[type-var]
    assert ("heartbeat_late" in codes(machine)) == (silent_ms >= 10_000 and not change)


def test_the_first_heartbeat_that_is_taken_lets_purchases_rest_again() -> None:
    machine = Machine().start()
    machine.apply(BeatDone(outcome=Beaten(heartbeat_id="1"), **machine.at))
    machine.wire_ms += 60_000
    machine.apply(BeatDone(outcome=LOST, **machine.at))
    machine.send(another(1))  # type: ignore[arg-type]
    assert codes(machine) == ["heartbeat_late"]
    machine.apply(BeatDone(outcome=Beaten(heartbeat_id="2"), **machine.at))
    machine.send(another(2))  # type: ignore[arg-type]
    assert machine.asked(Sign)


def codes(machine: Machine) -> list[str]:
    box = machine.state.ledger.outbox.get("btc-5m")
    return [event.code for event in box.events if isinstance(event, IntentRefused)] if box else []
