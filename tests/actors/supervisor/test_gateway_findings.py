"""What the supervisor finds in the gateway's status: orders without an end, gaps of heartbeats."""

import pytest
from msgspec.structs import replace

from actors.config import Timing
from actors.gateway.status import OpenOrder
from actors.supervisor.alarms import HEARTBEAT_LIMIT_MS, ORDER_GRACE_MS, judge_gateway
from actors.supervisor.events import Ticked
from actors.supervisor.state import Rules
from signals.market import Outcome, Side
from signals.market_time import MarketClock
from signals.units import MicroShares, PriceMicroUsd
from tests.actors.supervisor.test_shared_watch import gateway

CLOSE_MS = 600_000
HOUR_MS = 3_600_000


def order(name: str, slot: str = "btc-5m", age_ms: int = 0) -> OpenOrder:
    return OpenOrder(
        slot=slot,
        order_id=name,
        condition_id="0x1",
        outcome=Outcome.UP,
        side=Side.BUY,
        price=PriceMicroUsd(500_000),
        shares=MicroShares(5_000_000),
        filled_shares=MicroShares(0),
        state="open",
        age_ms=age_ms,
        close_ms=CLOSE_MS,
    )


def endless(market_ms: int, *orders: OpenOrder, speed: int = 1) -> dict[str, str] | None:
    """Return the evidence of orders without an end; None: there is no alarm."""
    rules = Rules(timing=Timing(), clock=MarketClock(speed=speed))
    status = gateway(open_orders=orders)
    found = judge_gateway(rules, Ticked(market_ms, market_ms), status)
    (one,) = [finding for finding in found if finding.kind == "order_without_end"]
    assert one.subject == "gateway"
    return one.evidence if one.holds else None


def test_an_order_has_an_end_by_half_a_minute_after_its_market_closed() -> None:
    assert endless(CLOSE_MS, order("a")) is None
    assert endless(CLOSE_MS + ORDER_GRACE_MS, order("a")) is None
    assert endless(CLOSE_MS + ORDER_GRACE_MS + 1, order("a")) == {"btc-5m": "a"}
    assert endless(CLOSE_MS + ORDER_GRACE_MS + 1) is None


def test_the_grace_is_wire_time_whatever_the_speed() -> None:
    assert endless(CLOSE_MS + 30 * ORDER_GRACE_MS, order("a"), speed=30) is None
    assert endless(CLOSE_MS + 30 * ORDER_GRACE_MS + 1, order("a"), speed=30) == {"btc-5m": "a"}


@pytest.mark.parametrize("age_ms", [-HOUR_MS, 0, HOUR_MS])
def test_a_clock_that_was_set_since_an_order_was_signed_hides_nothing(age_ms: int) -> None:
    late_ms = CLOSE_MS + ORDER_GRACE_MS + 1
    assert endless(late_ms, order("a", age_ms=age_ms)) == {"btc-5m": "a"}


def test_every_slot_is_named_with_its_orders() -> None:
    late_ms = CLOSE_MS + ORDER_GRACE_MS + 1
    kept = replace(order("d"), close_ms=late_ms)
    found = endless(late_ms, order("a"), order("b", "eth-5m"), order("c"), kept)
    assert found == {"btc-5m": "a, c", "eth-5m": "b"}


@pytest.mark.parametrize(("gap_ms", "holds"), [(HEARTBEAT_LIMIT_MS, False), (99_999, True)])
def test_a_gap_of_heartbeats_is_named(gap_ms: int, holds: bool) -> None:  # noqa: FBT001
    rules = Rules(timing=Timing(), clock=MarketClock())
    found = judge_gateway(rules, Ticked(1, 1), gateway(heartbeat_gap_ms_max=gap_ms))
    (one,) = [finding for finding in found if finding.kind == "heartbeat_gap"]
    assert one.holds is holds
    assert one.evidence == {"gap_ms": str(gap_ms), "generation": "3"}
