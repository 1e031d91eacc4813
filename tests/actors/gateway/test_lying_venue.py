"""Answers of the venue that are wrong, not lost: nothing that rests on looking is missed."""

import pytest

from actors.gateway.events import Beat, BeatDone, Cancel, PollVenue, Ticked, TimeSeen, VenuePolled
from actors.gateway.timers import CANCELS_AT_ONCE
from actors.gateway.venue_updates import BEAT_RETRY_MS, STRANGERS_NAMED
from actors.venue.answers import OddRow
from actors.venue.port import Beaten, HeartbeatMismatch
from tests.actors.gateway.builders import WIRE_MS, Machine
from tests.actors.gateway.venue_answers import alarms, held, listed, trade, with_open_order

DAY_S = 86_400


@pytest.mark.parametrize("said_ms", [1_000 * WIRE_MS, 1 << 52, WIRE_MS + 86_400_000])
def test_a_venue_clock_ahead_hides_no_trade_from_a_look(said_ms: int) -> None:
    machine, _ = with_open_order()
    machine.apply(TimeSeen(server_ms=said_ms, round_trip_ms=10, wall_ms=WIRE_MS, **machine.at))
    machine.wire_ms += 20_000
    machine.apply(Ticked(**machine.at))
    [poll] = [effect for effect in machine.effects if isinstance(effect, PollVenue)]
    assert poll.after_s <= WIRE_MS // 1_000


def test_a_venue_clock_of_1970_does_not_ask_for_all_trades_there_ever_were() -> None:
    machine, _ = with_open_order()
    machine.apply(TimeSeen(server_ms=500, round_trip_ms=10, wall_ms=WIRE_MS, **machine.at))
    machine.wire_ms += 20_000
    machine.apply(Ticked(**machine.at))
    [poll] = [effect for effect in machine.effects if isinstance(effect, PollVenue)]
    assert 0 < WIRE_MS // 1_000 - poll.after_s <= DAY_S + 120


def beats(machine: Machine, outcome: object, ms: int) -> int:
    count = 0
    for _ in range(ms // 50):
        machine.wire_ms += 50
        machine.apply(Ticked(**machine.at))
        if any(isinstance(effect, Beat) for effect in machine.effects):
            count += 1
            machine.apply(BeatDone(outcome=outcome, **machine.at))  # type: ignore[arg-type]
    return count


def test_a_venue_that_takes_no_heartbeat_id_is_not_asked_twenty_times_a_second() -> None:
    machine = Machine().start()
    wrong = HeartbeatMismatch(heartbeat_id="another")
    assert beats(machine, wrong, 10 * BEAT_RETRY_MS) <= 12


def test_a_heartbeat_id_that_the_venue_names_is_sent_at_once() -> None:
    machine = Machine().start()
    assert beats(machine, Beaten(heartbeat_id="a"), 100) == 1
    machine.wire_ms += 6_000
    assert beats(machine, HeartbeatMismatch(heartbeat_id="b"), 100) == 2


def test_an_order_that_the_venue_goes_on_listing_is_cancelled_once_a_second() -> None:
    machine = Machine().start()
    asked = 0
    for _ in range(20):
        machine.wire_ms += 150
        machine.poll(orders=(listed("0xstranger"),))
        asked += len(machine.asked(Cancel))
    assert asked == 3, "of 3 s"


def test_thousands_of_foreign_orders_are_one_cancel_and_a_page_of_alarms() -> None:
    machine = Machine().start()
    machine.poll(orders=tuple(listed(f"0x{number}") for number in range(3_000)))
    [cancel] = machine.asked(Cancel)
    assert len(cancel.order_ids) == CANCELS_AT_ONCE
    assert len(alarms(machine)) == STRANGERS_NAMED + 1
    machine.poll(orders=tuple(listed(f"0x{number}") for number in range(3_000)))
    [cancel] = machine.asked(Cancel)
    assert cancel.order_ids[0] == f"0x{CANCELS_AT_ONCE}", "the next ones"
    machine.poll()
    assert not machine.state.flight.cancels


def test_a_trade_in_a_row_that_names_nobody_is_booked_when_the_row_is_mended() -> None:
    machine, order_id = with_open_order()
    machine.wire_ms += 5_000
    first_ms = machine.wire_ms
    odd = (OddRow(listing="trades", row_id="None", why="null"),)
    for _ in range(2):
        seen = VenuePolled(
            orders=(), trades=(), odd=odd, started_wire_ms=machine.wire_ms, **machine.at
        )
        machine.apply(seen)
        machine.wire_ms += 200_000
    machine.apply(Ticked(**machine.at))
    [poll] = [effect for effect in machine.effects if isinstance(effect, PollVenue)]
    assert poll.after_s <= first_ms // 1_000, "it may be of the order that ended meanwhile"
    machine.poll(trades=(trade(order_id),))
    assert held(machine) == 10_000_000
    assert machine.state.flight.odd_since_wire_ms is None
