"""Refusals in a row, listings that cannot be read, odd rows: each told once, ended when over."""

import pytest

from actors.gateway.events import EndAlarm, Post, RaiseAlarm, VenuePolled
from actors.messages import OrderEnd
from actors.venue.answers import OddRow
from actors.venue.port import Rejected, Unknown
from signals.units import PriceMicroUsd
from tests.actors.gateway.builders import Machine, intent
from tests.actors.gateway.venue_answers import LIVE, end_of, listed, posted


def raised(machine: Machine, kind: str) -> list[RaiseAlarm]:
    return [e for e in machine.effects if isinstance(e, RaiseAlarm) and e.kind == kind]


def ended(machine: Machine, kind: str) -> bool:
    return any(isinstance(e, EndAlarm) and e.kind == kind for e in machine.effects)


def order(machine: Machine, number: int) -> str:
    price = PriceMicroUsd(500_000 - 10_000 * (number % 10))
    return machine.order(intent(leg=number, price=price), f"o{number}")


def refuse(machine: Machine, number: int, code: str, words: str = "no") -> list[RaiseAlarm]:
    posted(machine, order(machine, number), Rejected(code=code, message=words))
    return raised(machine, "orders_refused")


ACCOUNT = {
    "not_enough_balance": "not enough balance / allowance",
    "region": "Trading restricted in your region",
    "wallet_not_allowed": "maker address not allowed, please use the deposit wallet flow",
    "signer_not_key": "the order signer address has to be the address of the API KEY",
    "closed_only": "account is in closed only mode",
    "refused": "a sentence that nobody here has ever read",
}


@pytest.mark.parametrize(("code", "words"), ACCOUNT.items(), ids=ACCOUNT)
def test_an_account_whose_orders_are_all_refused_is_told_once_with_the_venues_words(
    code: str, words: str
) -> None:
    machine = Machine().start()
    found = [refuse(machine, number, code, words) for number in range(5)]
    assert [len(alarms) for alarms in found] == [0, 0, 1, 0, 0]
    alarm = found[2][0]
    assert alarm.subject == code
    assert words in alarm.evidence
    assert alarm.action


def test_kinds_that_alternate_are_told_too() -> None:
    machine = Machine().start()
    codes = ("not_enough_balance", "region", "refused", "not_enough_balance", "region")
    found = [refuse(machine, number, code) for number, code in enumerate(codes)]
    assert [len(alarms) for alarms in found] == [0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    "code", ["fak_not_filled", "post_only_would_cross", "market_closed", "market_not_ready"]
)
def test_an_order_that_only_met_its_market_badly_says_nothing_of_the_account(code: str) -> None:
    machine = Machine().start()
    assert not any(refuse(machine, number, code) for number in range(8))
    assert machine.state.flight.refusals is None


def test_an_order_that_passes_ends_the_row_and_its_alarm() -> None:
    machine = Machine().start()
    for number in range(3):
        refuse(machine, number, "region")
    posted(machine, order(machine, 3), LIVE)
    assert ended(machine, "orders_refused")
    assert machine.state.flight.refusals is None
    found = [refuse(machine, number, "region") for number in range(4, 7)]
    assert [len(alarms) for alarms in found] == [0, 0, 1], "and it may come again"


def test_the_first_order_that_passes_ends_what_a_former_process_had_raised() -> None:
    machine = Machine().start()
    posted(machine, order(machine, 0), LIVE)
    assert ended(machine, "orders_refused")
    posted(machine, order(machine, 1), LIVE)
    assert not ended(machine, "orders_refused"), "asked once"


def test_an_unauthorized_in_passing_is_posted_again_and_told_only_when_it_stays() -> None:
    machine = Machine().start()
    order_id = order(machine, 0)
    no = Rejected(code="unauthorized", message="Unauthorized/Invalid api key")
    for _ in range(3):
        posted(machine, order_id, no)
        assert end_of(machine, order_id) is None
        machine.tick(wire_ms=4_000)
        assert machine.asked(Post)
    posted(machine, order_id, no)
    assert end_of(machine, order_id) is OrderEnd.REJECTED
    assert machine.state.flight.refusals is not None


# ---- listings -----------------------------------------------------------------------------------

LOST = Unknown(reason="HTTP 502")


def poll(machine: Machine, **changes: object) -> None:
    fields = {"orders": (), "trades": (), "started_wire_ms": machine.wire_ms, **changes}
    machine.apply(VenuePolled(**fields, **machine.at))  # type: ignore[arg-type]


@pytest.mark.parametrize("which", ["orders", "trades"])
def test_a_listing_that_cannot_be_read_for_half_a_minute_is_told_until_it_can(which: str) -> None:
    machine = Machine().start()
    counts = []
    for _ in range(7):
        machine.wire_ms += 5_000
        poll(machine, **{which: LOST})
        counts.append(len(raised(machine, "listing_unreadable")))
    assert counts == [0, 0, 0, 0, 0, 1, 0]
    assert machine.state.flight.look_trouble == f"{which}: HTTP 502"
    poll(machine)
    assert ended(machine, "listing_unreadable")
    assert machine.state.flight.look_trouble == ""


def test_a_machine_that_slept_wakes_to_no_alarm() -> None:
    machine = Machine().start()
    machine.wire_ms += 3_600_000
    poll(machine, trades=LOST)
    assert not raised(machine, "listing_unreadable")


def odd(name: str, *, counted: bool = False, orders: tuple[str, ...] = ()) -> OddRow:
    return OddRow(
        listing="trades", row_id=name, why="status 'NEW'", counted=counted, order_ids=orders
    )


def test_an_odd_row_is_named_once_and_new_ones_a_minute_later() -> None:
    machine = Machine().start()
    poll(machine, odd=(odd("t1"), odd("t2", counted=True)))
    (alarm,) = raised(machine, "odd_rows")
    assert "t1: status 'NEW'" in alarm.evidence
    assert "2 odd rows, 1 not counted" in alarm.evidence
    for _ in range(3):
        poll(machine, odd=(odd("t1"), odd("t2", counted=True)))
        assert not raised(machine, "odd_rows")
    machine.wire_ms += 60_000
    poll(machine, odd=(odd("t3"),))
    assert raised(machine, "odd_rows")
    assert len(machine.state.flight.odd_rows) == 3


def test_an_order_whose_trade_cannot_be_read_is_not_ended_without_it() -> None:
    machine = Machine().start()
    order_id = order(machine, 0)
    posted(machine, order_id, LIVE)
    machine.wire_ms += 60_000
    poll(machine, odd=(odd("t1", orders=(order_id,)),))
    assert order_id in machine.state.ledger.orders
    poll(machine, orders=(listed(order_id),))
    poll(machine, odd=(odd("t1", counted=True, orders=(order_id,)),))
    assert end_of(machine, order_id) is OrderEnd.CANCELLED
