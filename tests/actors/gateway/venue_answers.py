"""What the tests of venue news share: an open order and the ways to hear about it."""

from actors.gateway.events import (
    PostDone,
    RaiseAlarm,
    ResolutionSeen,
    StreamUpdated,
)
from actors.messages import OrderEnd
from actors.venue.port import (
    Accepted,
    AcceptedStatus,
    PostOutcome,
    TradeStatus,
    VenueOrder,
    VenueTrade,
)
from signals.market import Outcome, Side
from signals.units import MicroShares, MicroUsd, PriceMicroUsd
from tests.actors.gateway.builders import WIRE_MS, Machine, intent

CONDITION = "condition-btc-5m"
LIVE = Accepted(status=AcceptedStatus.LIVE)


def listed(order_id: str) -> VenueOrder:
    return VenueOrder(
        order_id=order_id,
        condition_id="condition-btc-5m",
        token_id="up-btc-5m",
        side=Side.BUY,
        price=PriceMicroUsd(500_000),
        shares=MicroShares(10_000_000),
        filled_shares=MicroShares(0),
        status="LIVE",
        created_wire_ms=WIRE_MS,
    )


def trade(
    order_id: str,
    shares: int = 10_000_000,
    status: TradeStatus = TradeStatus.MATCHED,
    name: str = "t1",
) -> VenueTrade:
    return VenueTrade(
        fill_id=f"{name}/{order_id}",
        order_id=order_id,
        condition_id="condition-btc-5m",
        token_id="up-btc-5m",
        side=Side.BUY,
        price=PriceMicroUsd(500_000),
        shares=MicroShares(shares),
        maker=True,
        fee_micro_usd=MicroUsd(0),
        status=status,
        matched_wire_ms=WIRE_MS,
    )


def posted(machine: Machine, order_id: str, outcome: PostOutcome) -> None:
    machine.apply(PostDone(order_id=order_id, outcome=outcome, **machine.at))


def end_of(machine: Machine, order_id: str) -> OrderEnd | None:
    ended = machine.state.ledger.ended.get(order_id)
    return ended.end if ended else None


def with_open_order(name: str = "one", **changes: object) -> tuple[Machine, str]:
    machine = Machine().start()
    order_id = machine.order(intent(**changes), name)
    posted(machine, order_id, LIVE)
    return machine, order_id


def stream(machine: Machine, event: object) -> None:
    machine.apply(StreamUpdated(event=event, **machine.at))  # type: ignore[arg-type]


def resolve(machine: Machine, winner: object = Outcome.UP) -> None:
    machine.apply(ResolutionSeen(condition_id=CONDITION, outcome=winner, **machine.at))  # type: ignore[arg-type]


def alarm_of(machine: Machine, kind: str) -> RaiseAlarm:
    found = [e for e in machine.effects if isinstance(e, RaiseAlarm) and e.kind == kind]
    assert len(found) == 1, machine.effects
    return found[0]


def alarms(machine: Machine) -> list[str]:
    return [effect.kind for effect in machine.effects if isinstance(effect, RaiseAlarm)]


def held(machine: Machine) -> int:
    return sum(holding.held_shares for holding in machine.state.ledger.holdings.values())
