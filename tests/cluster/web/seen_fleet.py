"""Answers of a fleet of sixteen slots, as the console's reader sends them."""

from msgspec.structs import replace

from actors.gateway.status import OpenOrder
from cluster.status.page import (
    SILENT,
    CountsView,
    FeedView,
    GatewayView,
    LastDecisionView,
    PositionView,
    SlotView,
    StatusReport,
)
from cluster.web.fleet_seen import Account, Seen
from signals.market import DEFAULT_SLOTS, Outcome, Side
from signals.units import MicroShares, PriceMicroUsd

NOW_MS = 1_900_000_000_000
MARKET_MS = 1_780_000_123_000


def slot_view(slot: str, number: int) -> SlotView:
    return SlotView(
        slot=slot,
        state="active",
        incarnation=number + 1,
        fence=10 + number,
        release="9f86d081884c7d659a2feaa0c55ad015",
        commit="c5b6e61",
        params="abcdef",
        window_open_ms=MARKET_MS - MARKET_MS % 300_000,
        position=(
            PositionView(
                condition_id=f"0x{number:064x}",
                close_ms=MARKET_MS + 100_000,
                up_shares=2_500_000 * (number % 3),
                down_shares=0,
                cash_micro_usd=-1_000_000,
            ),
        ),
        last_decision=LastDecisionView(
            due_ms=MARKET_MS - 20_000,
            journaled_ms=MARKET_MS - 19_880,
            action="buy_up" if number % 3 else "hold",
            reason="edge 0.034 beyond the collar: <b>fair</b> 0.61 against mid 0.57, five factors",
        ),
        counts=CountsView(decisions=200, missed=int(number == 5)),
        open_orders=number % 3,
        realized_pnl_micro_usd=1_230_000 * (number - 6),
        regime="calm" if number % 4 else "volatile",
    )


def report_of_sixteen() -> StatusReport:
    slots = tuple(slot_view(str(slot), number) for number, slot in enumerate(DEFAULT_SLOTS))
    return StatusReport(
        slots=slots,
        alarms=(),
        gateway=GatewayView(
            name="gateway",
            phase="serving",
            trading_state="active",
            trading_reason="start",
            heartbeat_gap_ms_max=5_200,
            fleet_exposure_micro_usd=12_345_678,
            day_realized_micro_usd=-4_560_000,
            end_counts={"filled": 12, "cancelled": 30},
        ),
        feeds=tuple(
            FeedView(feed=feed, age_ms=age_ms, worst="btc", limit_ms=10_000, fresh=True)
            for feed, age_ms in (("candles", 800), ("books", 300), ("prices", 1_200))
        ),
        supervisor="watching",
        market_data="sandbox",
        trouble=(),
        market_ms=MARKET_MS,
        labels={"sandbox": "Sandbox: simulated exchange and generated prices."},
        gate="gate: open, 0 of 6 rolls today",
    )


def seen_at(wire_ms: int, *silent: str) -> Seen:
    """Return a round of answers in which some slots do not answer."""
    full = report_of_sixteen()
    slots = tuple(
        SlotView(slot=one.slot, state=SILENT, incarnation=one.incarnation, fence=one.fence)
        if one.slot in silent
        else one
        for one in full.slots
    )
    return Seen(wire_ms=wire_ms, report=replace(full, slots=slots), account=account())


def dead_gateway(seen: Seen) -> Seen:
    report = replace(seen.report, gateway=GatewayView(name="gateway", phase=SILENT), feeds=())
    return replace(seen, report=report, account=None)


def account() -> Account:
    return Account(
        trading_who="ann",
        heartbeat_age_ms=1_400,
        cash_micro_usd=987_650_000,
        listed_age_ms=900,
        open_orders=(
            OpenOrder(
                slot="btc-5m",
                order_id="0x" + "ab" * 32,
                condition_id="0x" + "cd" * 32,
                outcome=Outcome.UP,
                side=Side.BUY,
                price=PriceMicroUsd(570_000),
                shares=MicroShares(5_000_000),
                filled_shares=MicroShares(1_000_000),
                state="live",
                age_ms=4_000,
                close_ms=MARKET_MS + 100_000,
            ),
        ),
    )
