"""The views of the status page show the actors' own fields, under the same names."""

import msgspec
import pytest

from actors.gateway.status import GatewayStatus
from actors.market_data.status import FeedStatus
from actors.slot.state import Counts, LastDecision, Opening, PositionRecord
from actors.slot.status import SlotStatus
from cluster.status.page import (
    CountsView,
    FeedView,
    GatewayView,
    LastDecisionView,
    PositionView,
    SlotView,
    slot_view,
)
from signals.market import Timeframe
from signals.units import MicroShares, MicroUsd


@pytest.mark.parametrize(
    ("view", "source"),
    [
        (SlotView, SlotStatus),
        (PositionView, PositionRecord),
        (LastDecisionView, LastDecision),
        (CountsView, Counts),
        (GatewayView, GatewayStatus),
        (FeedView, FeedStatus),
    ],
)
def test_each_field_of_a_view_is_one_of_its_actors(
    view: type[msgspec.Struct], source: type[msgspec.Struct]
) -> None:
    assert [name for name in view.__struct_fields__ if not hasattr(source, name)] == []


def test_a_slot_is_shown_with_its_own_figures() -> None:
    opened = Opening(release="r1", commit="c1", params="p1", snapshot="s", due_ms=1)
    position = PositionRecord(
        condition_id="0x1",
        window_open_ms=300_000,
        timeframe=Timeframe.M5,
        close_ms=600_000,
        expected_resolution_ms=700_000,
        up_shares=MicroShares(5_000_000),
        bought_micro_usd=MicroUsd(2_000_000),
        fees_micro_usd=MicroUsd(30_000),
        opened=opened,
    )
    last = LastDecision(
        due_ms=1, journaled_ms=2, action="buy", reason="edge", snapshot=None, release="r1"
    )
    status = SlotStatus(
        slot="btc-5m",
        state="active",
        incarnation=3,
        fence=4,
        life="7-9",
        release="r1",
        commit="c1",
        params="p1",
        strategy="five_factor",
        window_open_ms=300_000,
        position=(position,),
        last_decision=last,
        counts=Counts(decisions=8, missed=2, fills=5),
        open_orders=1,
        unanswered_intents=0,
        oldest_intent_due_ms=None,
        provisional_fills=0,
        overdue_settlements=0,
        realized_pnl_micro_usd=MicroUsd(-5),
        cash_micro_usd=MicroUsd(-6),
        regime="normal",
        journal_sequence=1,
        durable_sequence=1,
        outbox_sequence=1,
        checkpoint_sequence=1,
        decided_due_ms=1,
        started_ms=1,
        journal_failure=None,
        outbox_gaps=0,
        recovery_damage=(),
        blocked_ms=0,
        market_ms=310_000,
        wire_ms=1,
        pid=7,
        process_start=9,
        node_id="n",
    )
    shown = msgspec.json.decode(msgspec.json.encode(slot_view("btc-5m", None, status)))
    assert shown == {
        "slot": "btc-5m",
        "state": "active",
        "incarnation": 3,
        "fence": 4,
        "release": "r1",
        "commit": "c1",
        "params": "p1",
        "window": 300_000,
        "position": [
            {
                "condition_id": "0x1",
                "close_ms": 600_000,
                "up_shares": 5_000_000,
                "down_shares": 0,
                "cash_micro_usd": -2_030_000,
            }
        ],
        "last_decision": {"due_ms": 1, "journaled_ms": 2, "action": "buy", "reason": "edge"},
        "counts": {"decisions": 8, "missed": 2},
        "open_orders": 1,
        "realized_pnl_micro_usd": -5,
        "regime": "normal",
    }
