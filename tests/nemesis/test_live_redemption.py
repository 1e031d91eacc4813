"""A live fleet beside stand-ins redeems what it has won, and its gateway is killed at each step."""

import json
import os
import signal
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest
from eth_account import Account

from actors.redemption.claim import Step
from actors.redemption.log import Book, read_book
from checkpoints.alarms import AlarmStore
from cluster.local.sandbox_process import read_ready
from cluster.sandbox.ledger import read_entries
from tests.actors.redemption.winning import Judged, judged
from tests.cluster.live_fleet import LiveFleet, live_fleet
from tests.rolling_update.fleet import left_behind

pytestmark = [pytest.mark.ray, pytest.mark.exchange, pytest.mark.nemesis, pytest.mark.timeout(3600)]
STEPS = (Step.SUBMITTING, Step.POLLING, Step.MINED, Step.CHECKING)
"""What is passed in an instant, such as signing, is the matter of the redeemer's own nemesis."""
SLOTS = tuple(f"{asset}-5m" for asset in ("btc", "eth", "sol", "xrp", "doge", "bnb", "hype", "zec"))
FAVOURITE = "signals/strategies/late_favourite.py"
HOLDS = (
    (FAVOURITE, "if chance - bid / MICRO < params.edge.rest_min:", "if not book.asks:"),
    (FAVOURITE, "style=Style.REST, price=bid,", "style=Style.TAKE, price=book.asks[0].price,"),
)
"""Each slot buys the favourite of each window and holds it: more than half of them win."""
HOLD_MS = 2_500
POLL_S = 0.02
WINDOWS_S = 1_200.0
"""Wire: four windows of five minutes, and what their settling takes."""
MONEY = frozenset({"books_differ", "not_redeemed", "redeemer_failed"})


@dataclass(frozen=True)
class Kill:
    condition: str
    step: Step


def ask(fleet: LiveFleet, method: str, path: str, body: object = None) -> bytes:
    request = urllib.request.Request(
        read_ready(fleet.state.sandbox_ready).urls["admin_url"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read())


def gateways(fleet: LiveFleet) -> list[int]:
    """Return the processes of gateways that carry the fleet's mark."""
    found = []
    for process in left_behind(fleet):
        try:
            title = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if title.startswith(b"ray::Gateway"):
            found.append(int(process.name))
    return found


def book(fleet: LiveFleet) -> Book:
    found = read_book(fleet.state.storage)
    assert not isinstance(found, str), found
    return found or Book()


def kill_gateways(fleet: LiveFleet) -> list[Kill]:
    """Kill the gateway once at each step, each time that of another claim."""
    for route, delay in (("POST /relayer/submit", HOLD_MS), ("POST /rpc", HOLD_MS // 2)):
        ask(fleet, "POST", "/faults", {"kind": "delay", "route": route, "delay_ms": delay})
    kills: list[Kill] = []
    deadline = time.monotonic() + WINDOWS_S
    while len(kills) < len(STEPS):
        assert time.monotonic() < deadline, f"killed at {kills} of {STEPS}: {book(fleet)}"
        time.sleep(POLL_S)
        done = {kill.condition for kill in kills}
        hit = {kill.step for kill in kills}
        for claim in book(fleet).claims.values():
            if claim.phase in STEPS and claim.phase not in hit and claim.condition_id not in done:
                kills.append(Kill(claim.condition_id, claim.phase))
                _kill(fleet)
                break
    ask(fleet, "DELETE", "/faults")
    return kills


def _kill(fleet: LiveFleet) -> None:
    before = gateways(fleet)
    assert before, "no gateway runs"
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    fleet.wait(lambda: bool(set(gateways(fleet)) - set(before)), "a gateway after the kill")


def judge(fleet: LiveFleet) -> dict[str, Judged]:
    """Return what the exchange's own ledger says of each market that the fleet has won."""
    key = fleet.state.private_key.read_text().strip()
    owner = Account.from_key(key).address.lower()
    accounts = json.loads(ask(fleet, "GET", "/state"))["accounts"]
    api_key = next(one["api_key"] for one in accounts if one["address"] == owner)
    records = [entry.record for entry in read_entries(fleet.state.sandbox)]
    return judged(records, owner, api_key)


def test_a_gateway_killed_at_each_step_of_redemption_pays_once(tmp_path: Path) -> None:
    with live_fleet(tmp_path, SLOTS, "late_favourite", HOLDS) as fleet:
        fleet.start_approved()
        kills = kill_gateways(fleet)
        killed = {kill.condition: kill.step for kill in kills}
        fleet.wait(
            lambda: all(not book(fleet).claims[name].open for name in killed), "payment", 600.0
        )
        fleet.await_decisions(2)
        found, told = judge(fleet), book(fleet)
        raised = {state.alarm.kind for state in AlarmStore(fleet.storage).history()}
        verdict = fleet.verdict()
    print("\n| market | killed at | sent | paid | owed | booked |\n|---|---|---|---|---|---|")
    for name, one in found.items():
        claim = told.claims.get(name)
        booked = 0 if claim is None else claim.paid_micro_usd
        payments = " + ".join(f"{paid / 1e6:.2f}" for paid in one.payments) or "not yet"
        step = killed.get(name, "-")
        print(
            f"| {name[:12]} | {step} | {one.sent} | {payments} | {one.owed / 1e6:.2f} "
            f"| {booked / 1e6:.2f} |"
        )
    print(f"alarms {sorted(raised)}\n{verdict}")
    for name, step in killed.items():
        assert found[name].payments == (found[name].owed,), f"killed at {step}"
        assert told.claims[name].paid_micro_usd == found[name].owed
    for one in found.values():
        assert one.payments in {(), (one.owed,)}, found
    assert raised & MONEY == frozenset()
    assert (verdict.missed, verdict.differences) == (0, []), verdict.missed_points
