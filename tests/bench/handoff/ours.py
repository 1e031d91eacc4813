"""Our rolling update of sixteen slots on a real fleet, as client, driver and disk saw it."""

import os
import signal
import subprocess
import time
from typing import Final

import msgspec

from actors.directory import serving
from actors.gateway.status import GatewayStatus
from actors.messages import FenceRecord
from actors.rollout.handoff_state import Handoff, Step
from actors.rollout.record import read_active, read_state, rollout_ids
from actors.rollout.report import Report
from actors.rollout.rollout_state import Rollout
from actors.rollout.waiting import CONFIRM
from actors.runtime import load_config, wire_ms
from actors.shared_kind import Kind
from checkpoints.journal import Journal
from checkpoints.journal_rows import RowKind
from cluster.fleet import Call, ask_one
from tests.bench.handoff import carrier
from tests.bench.handoff.client import Client, Dark
from tests.bench.rig import ALL, Rig, until

EVERY_MS: Final = 30_000
"""Decision points: at speed 1 a switch seldom waits for a quiet moment, and a confirmation soon
comes."""
AFTER_DUE_MS: Final = 3_000
ROLL_SECONDS: Final = 420.0
DECIDED_SECONDS: Final = 150.0
FILE: Final = f"signals/strategies/{carrier.NAME}.py"


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """Where one switch's time went, wire ms between moments that were written down."""

    asked: float
    """Quiesce asked by the driver to stepped by the old one."""
    fenced: float
    """Stepped to granted: row and delta durable, answered, the gateway's record durable."""
    claimed: float
    """Granted to the new one's first row: it owns the slot."""
    answered: float
    """First row to the answer at the driver: a verifying decision is in it."""


class Rolled(msgspec.Struct, frozen=True, kw_only=True):
    """One roll of all slots."""

    dark: tuple[Dark, ...]
    """As the client saw it."""
    unseen: int
    driver_dark_ms: tuple[float, ...]
    """Quiesce asked to Adopt answered, verification included."""
    waited_ms: float
    """In which the whole roll only waited, before its last Adopt."""
    parts: tuple[Parts, ...]
    switches_ms: float
    """First quiesce asked to last adopt answered."""
    submit_to_last_adopt_ms: float
    done: int
    outcome: str


class Back(msgspec.Struct, frozen=True, kw_only=True):
    """A rollback while all old incarnations are warm, the sixteen one after the other."""

    dark_ms: tuple[float, ...]
    """The new one fenced out to the old one's claim, per slot."""
    all_ms: float
    """From the signal at the driver to the last claim."""


def await_state(rig: Rig) -> None:
    """Wait until every slot has decided, so that each carries its records."""
    until(lambda: all(_decisions(rig, slot) for slot in ALL), "decisions", DECIDED_SECONDS)


def _decisions(rig: Rig, slot: str) -> int:
    rows = Journal(rig.storage, slot).rows_after(0).rows
    return sum(row.kind is RowKind.DECISION for row in rows)


def roll(rig: Rig, *options: str) -> Rolled:
    """Edit one number in the tree and roll it out; raise if it does not end well."""
    _edit(rig)
    _await_gap(rig)
    owners = _owners(rig)
    before = rollout_ids(rig.storage)
    pairs = {slot: (number, number + 1) for slot, number in owners.items()}
    client = Client(pairs, lambda: _begun_since(rig, before))
    with _apply(rig, *options) as child:
        client.watch_while(lambda: child.poll() is None)
        said, _ = child.communicate(timeout=ROLL_SECONDS)
    report, rollout = _latest(rig, said)
    starts = [h.switch_started_wire_ms or 0.0 for h in rollout.handoffs.values()]
    dark = [slot.dark_ms for slot in report.slots if slot.dark_ms is not None]
    assert report.outcome == "done", said[-2_000:]
    ends = [
        (h.switch_started_wire_ms or 0.0) + (h.dark_ms or 0.0) for h in rollout.handoffs.values()
    ]
    return Rolled(
        dark=tuple(client.dark),
        unseen=len(client.unseen),
        driver_dark_ms=tuple(dark),
        waited_ms=sum(ms for what, ms in report.waited_ms.items() if what != CONFIRM),
        parts=tuple(_parts(rig, handoff) for handoff in rollout.handoffs.values()),
        switches_ms=max(ends) - min(starts),
        submit_to_last_adopt_ms=report.submit_to_last_adopt_ms or 0.0,
        done=report.switched,
        outcome=report.outcome,
    )


def _parts(rig: Rig, handoff: Handoff) -> Parts:
    assert handoff.record is not None
    record, began_ms = handoff.record, handoff.switch_started_wire_ms or 0.0
    rows = Journal(rig.storage, handoff.slot).rows_after(0).rows
    quiesced = [r.wire_ms for r in rows if r.kind is RowKind.HANDOFF and r.fence < record.fence]
    claimed_ms = _claimed_ms(rig, record)
    ended_ms = began_ms + (handoff.dark_ms or 0.0)
    return Parts(
        asked=quiesced[-1] - began_ms,
        fenced=record.granted_wire_ms - quiesced[-1],
        claimed=claimed_ms - record.granted_wire_ms,
        answered=ended_ms - claimed_ms,
    )


def roll_back_warm(rig: Rig) -> Back:
    """Stop a roll when all have switched and none is confirmed: each goes back to its warm old one.

    Sixteen go back within a third of a second, too fast for a client: the figures are the disk's.
    Leaves an alarm behind, so it is the last thing done with a fleet.
    """
    _edit(rig)
    _await_gap(rig)
    owners = _owners(rig)
    with _apply(rig, "--together") as child:
        until(lambda: _all_confirming(rig) or child.poll() is not None, "switches", ROLL_SECONDS)
        active = read_active(rig.storage)
        assert active is not None, child.communicate()[0][-2_000:]
        asked_ms = wire_ms()
        os.kill(int(active.driver.partition("-")[0]), signal.SIGTERM)
        child.communicate(timeout=ROLL_SECONDS)
    fences = sorted(rig.fences().owners, key=lambda record: record.slot)
    backs = [record for record in fences if record.incarnation == owners[record.slot]]
    claims = [_claimed_ms(rig, record) for record in backs]
    return Back(
        dark_ms=tuple(
            claim - record.granted_wire_ms for claim, record in zip(claims, backs, strict=True)
        ),
        all_ms=max(claims, default=0.0) - asked_ms,
    )


def _claimed_ms(rig: Rig, record: FenceRecord) -> float:
    """Return when an owner's own row of a fence was made."""
    rows = Journal(rig.storage, record.slot).rows_after(0).rows
    return next(
        row.wire_ms for row in rows if row.kind is RowKind.CLAIM and row.fence == record.fence
    )


def heartbeat_gap_ms(rig: Rig) -> int:
    assert rig.link is not None
    data = ask_one(rig.link, Call(serving(rig.storage, Kind.GATEWAY), "status"))
    return msgspec.msgpack.decode(data, type=GatewayStatus).heartbeat_gap_ms_max


def _apply(rig: Rig, *options: str) -> "subprocess.Popen[str]":
    return rig.begin("rolling-update", "apply", "--shadow=0", "--bake=0", *options)


def _edit(rig: Rig) -> None:
    old, new = carrier.EDITED
    now = (rig.tree / FILE).read_text()
    rig.edit(FILE, *((old, new) if old in now else (new, old)))


def _await_gap(rig: Rig) -> None:
    """Begin just after a decision point, so that the next one is as far away as it gets."""
    clock = load_config(str(rig.state.storage)).clock
    while not AFTER_DUE_MS <= clock.market_ms(wire_ms()) % EVERY_MS <= 2 * AFTER_DUE_MS:
        time.sleep(0.2)


def _owners(rig: Rig) -> dict[str, int]:
    owners = sorted(rig.fences().owners, key=lambda record: record.slot)
    return {record.slot: record.incarnation for record in owners}


def _begun_since(rig: Rig, before: list[str]) -> Rollout | None:
    ids = rollout_ids(rig.storage)
    return read_state(rig.storage, ids[-1]) if len(ids) > len(before) else None


def _all_confirming(rig: Rig) -> bool:
    rollout = _begun_since(rig, [])
    return rollout is not None and all(
        handoff.step is Step.CONFIRMING for handoff in rollout.handoffs.values()
    )


def _latest(rig: Rig, said: str) -> tuple[Report, Rollout]:
    ids = rollout_ids(rig.storage)
    assert ids, said[-2_000:]
    data = rig.storage.read(f"rollouts/{ids[-1]}/report.json")
    rollout = read_state(rig.storage, ids[-1])
    assert rollout is not None
    return msgspec.json.decode(data, type=Report), rollout
