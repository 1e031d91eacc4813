"""A resolution that comes 44 hours late, or is disputed: the sum waits, and is settled once."""

from actors.gateway.events import AskResolution, ResolutionSeen
from actors.venue.port import TradeStatus, Unknown
from signals.market import Outcome
from tests.actors.gateway.builders import CLOSE_MS, Machine
from tests.actors.gateway.venue_answers import LIVE, alarms, posted, trade

HOURS = 44
STEP_MS = 5_000
CONDITION = "condition-btc-5m"


def holding() -> Machine:
    machine = Machine().start()
    order_id = machine.order()
    posted(machine, order_id, LIVE)
    machine.poll(trades=(trade(order_id, status=TradeStatus.CONFIRMED),))
    return machine


def seen(machine: Machine, outcome: Outcome | Unknown | None) -> None:
    machine.apply(ResolutionSeen(condition_id=CONDITION, outcome=outcome, **machine.at))


def test_a_resolution_that_is_44_hours_late_settles_once_and_nothing_is_forgotten() -> None:
    machine = holding()
    machine.market_ms = CLOSE_MS
    asked, raised = 0, []
    for step in range(HOURS * 3_600_000 // STEP_MS):
        machine.tick(wire_ms=STEP_MS, market_ms=STEP_MS)
        raised += alarms(machine)
        if machine.asked(AskResolution):
            asked += 1
            seen(machine, None if step % 2 else Unknown(reason="HTTP 502"))
        if step % 600 == 0:
            machine.poll()
    assert machine.outbox().count("Settled") == 0
    assert raised.count("market_unsettled") == 1
    assert asked <= HOURS * 3_600_000 // 10_000 + 10, "at most every ten seconds"
    assert machine.state.ledger.holdings, "what is at stake is still in the books"
    for _ in range(3):
        seen(machine, Outcome.UP)
        machine.tick(wire_ms=STEP_MS, market_ms=STEP_MS)
    assert machine.outbox().count("Settled") == 1
