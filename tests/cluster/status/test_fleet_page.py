"""The live table: at 80 columns and 24 lines nothing that matters is cut; wider shows more."""

import io

import msgspec
import pytest
from rich.console import Console

from checkpoints.alarms import Alarm
from checkpoints.severity import Severity
from cluster.status.fleet_page import FleetPage, that_fit
from cluster.status.page import (
    CountsView,
    FeedView,
    GatewayView,
    LastDecisionView,
    PositionView,
    SlotView,
    StatusReport,
)
from signals.market import DEFAULT_SLOTS, Asset, Slot, Timeframe

OPEN_MS = 1_790_000_100_000 - 1_790_000_100_000 % 900_000
RELEASE = "0e68fc48c8f7" + "0" * 52


def slot_view(name: str, number: int) -> SlotView:
    return SlotView(
        slot=name,
        state="active",
        incarnation=1,
        fence=1,
        release=RELEASE,
        params="762a0ca1843e",
        window_open_ms=OPEN_MS,
        position=(
            PositionView(
                condition_id="0x1", close_ms=OPEN_MS, up_shares=24_130_000, down_shares=0,
                cash_micro_usd=0,
            ),
        ),
        last_decision=LastDecisionView(
            due_ms=OPEN_MS, journaled_ms=OPEN_MS, action="no_trade", reason="edge: [/5m] too small"
        ),
        counts=CountsView(decisions=90, missed=number % 2 * 0),
        open_orders=2,
        realized_pnl_micro_usd=-36_520_000 if number % 2 else 11_340_000,
    )  # fmt: skip


def make_report(**changes: object) -> StatusReport:
    report = StatusReport(
        slots=tuple(slot_view(str(slot), n) for n, slot in enumerate(DEFAULT_SLOTS)),
        alarms=(),
        gateway=GatewayView(
            name="gateway/1",
            phase="serving",
            trading_state="active",
            heartbeat_gap_ms_max=3_776,
            fleet_exposure_micro_usd=80_870_380,
            end_counts={"filled": 40, "killed": 9},
        ),
        feeds=(FeedView(feed="candles", age_ms=1, worst="btc", limit_ms=9, fresh=True),),
        supervisor="watching",
        market_data="sandbox",
        trouble=(),
        market_ms=OPEN_MS + 40_000,
        labels={"notice": "Sandbox: profit and loss mean nothing."},
        gate="Approval gate: open",
        next_due_ms=OPEN_MS + 320_000,
    )
    return msgspec.structs.replace(report, **changes)


def drawn(report: StatusReport, width: int, note: str = "") -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, markup=False, highlight=False).print(FleetPage(report, note))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def alarm(subject: str) -> Alarm:
    return Alarm(
        id=f"no_decision.{subject}.1",
        kind="no_decision",
        subject=subject,
        severity=Severity.CRITICAL,
        action="No decision by the deadline. A hung process is killed and restarted by itself.",
        raised_wire_ms=1,
    )


def test_all_is_inside_80_by_24_with_alarms_on_top() -> None:
    alarms = tuple(alarm(str(slot)) for slot in DEFAULT_SLOTS)
    lines = drawn(make_report(alarms=alarms), 80)
    assert len(lines) <= 24
    others = tuple(
        msgspec.structs.replace(alarm("x"), kind=f"kind{n}", id=f"kind{n}.x.1") for n in range(9)
    )
    crowded = drawn(make_report(alarms=others, trouble=("gateway: silent", "feed: stale")), 80)
    assert all(any(line.startswith(str(slot)) for line in crowded[:24]) for slot in DEFAULT_SLOTS)
    assert any("8 more causes: midstride alarms list" in line for line in crowded[:6])
    assert max(map(len, lines)) <= 80
    top = "\n".join(lines[:6])
    assert "16 alarms" in top
    assert "CRITICAL no_decision btc-5m" in top
    assert "and 13 more" in top
    for slot in DEFAULT_SLOTS:
        assert any(line.startswith(str(slot)) for line in lines)


MORE = [Asset(f"c{number}") for number in range(24)]
MANY = sorted((Slot(a, t) for a in [*Asset, *MORE] for t in (Timeframe.M5, Timeframe.H4)), key=str)


def test_a_fleet_larger_than_the_screen_shows_first_what_is_wrong_and_counts_the_rest() -> None:
    views = [slot_view(str(slot), n) for n, slot in enumerate(MANY)]
    views[-1] = msgspec.structs.replace(views[-1], state="silent")
    views[40] = msgspec.structs.replace(views[40], state="waiting")
    report = make_report(slots=tuple(views))
    out = io.StringIO()
    console = Console(file=out, width=80, markup=False, highlight=False)
    console.print(FleetPage(report, height=24))
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert len(views) == 64
    assert len(lines) <= 23, "the cursor rests on the last line"
    for place in (-1, 40, 0, 1):
        assert any(line.startswith(str(MANY[place])) for line in lines)
    shown = sum(any(line.startswith(f"{slot} ") for line in lines) for slot in MANY)
    assert f"and {64 - shown} more slots, all active: midstride status" in lines
    whole = drawn(report, 80)
    assert all(any(line.startswith(f"{slot} ") for line in whole) for slot in MANY)


def test_more_slots_in_trouble_than_lines_are_counted() -> None:
    views = tuple(slot_view(str(slot), n) for n, slot in enumerate(MANY))
    silent = tuple(msgspec.structs.replace(view, state="silent") for view in views)
    shown, rest = that_fit(silent, 11)
    assert len(shown) == 10
    assert rest == "and 54 more slots, 54 of them not as they should be: midstride status"
    assert that_fit(views[:11], 11) == (views[:11], "")
    assert len(that_fit(views, 0)[0]) == 1, "a screen of a few lines"


def test_the_sums_and_countdowns_are_there() -> None:
    text = "\n".join(drawn(make_report(), 80))
    assert "P&L -201.44 USD" in text
    assert "at stake 80.87" in text
    assert "49 orders, 40 filled" in text
    assert "0 missed of 1440 decisions" in text
    assert "next decision in 4:40" in text
    assert "all on 0e68fc" in text
    assert "4:20" in text, "a 5-minute window closes in 4:20"
    assert "14:20" in text
    assert "no alarms" in text or "0 alarms" in text


def test_gain_and_loss_differ_without_colour() -> None:
    text = "\n".join(drawn(make_report(), 80))
    assert "+11.34" in text
    assert "-36.52" in text


@pytest.mark.parametrize("width", [80, 100, 120, 160, 200])
def test_wider_terminals_show_more_and_nothing_is_wider_than_the_terminal(width: int) -> None:
    lines = drawn(make_report(), width)
    assert max(map(len, lines)) <= width
    head = next(line for line in lines if line.startswith("slot"))
    assert ("release" in head) == (width >= 110)
    assert ("regime" in head) == (width >= 150)


def test_brackets_and_control_characters_of_a_strategy_are_only_text() -> None:
    first, *rest = make_report().slots
    assert first.last_decision is not None
    hostile = msgspec.structs.replace(first.last_decision, reason="[/5m] \x1b[2J\r\n\u202e end")
    slots = (msgspec.structs.replace(first, last_decision=hostile), *rest)
    lines = drawn(make_report(slots=slots), 200)
    text = "\n".join(lines)
    assert "[/5m]" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert len(lines) == len(drawn(make_report(), 200))


def test_a_fleet_on_two_releases_and_a_halted_gateway_are_said_in_words() -> None:
    first, *rest = make_report().slots
    slots = (msgspec.structs.replace(first, release="ffff00" + "0" * 58), *rest)
    gateway = msgspec.structs.replace(
        make_report().gateway, trading_state="halted", trading_reason="lunch"
    )
    text = "\n".join(drawn(make_report(slots=slots, gateway=gateway), 120))
    assert "MIXED: 15 on 0e68fc, 1 on ffff00" in text
    assert "trading HALTED (lunch)" in text


def test_silence_is_a_word_too() -> None:
    silent = make_report(
        market_data="silent", feeds=(), gateway=GatewayView(name="gateway/1", phase="silent")
    )
    text = "\n".join(drawn(silent, 80))
    assert "trading unknown: gateway silent" in text
    assert "market data SILENT" in text
