"""What a rollout amounted to: how long it took, how long each slot was dark, what failed."""

import statistics

import msgspec
from msgspec.structs import replace

from actors.rollout.handoff_state import Handoff, Step
from actors.rollout.replacement.events import SharedStep
from actors.rollout.rollout_state import Phase, Rollout
from actors.rollout.shared import SharedReport


class SlotReport(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    step: str
    incarnation: int | None
    fence: int | None
    dark_ms: float | None
    """From asking the old one to quiesce to the new one's answer that it owns the slot."""
    hash_equal: bool | None
    shadow_compared: int
    shadow_differing: int
    failure: str | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    rollout: str
    to_release: str
    outcome: str
    """``done`` or ``stopped``."""
    failure: str | None
    slots: tuple[SlotReport, ...]
    switched: int
    submit_to_last_adopt_ms: float | None
    submit_to_last_confirm_ms: float | None
    dark_ms_median: float | None
    dark_ms_max: float | None
    submit_to_begin_ms: float | None = None
    """What the submission itself took: packing, Ray's job, imports, the plan."""
    waited_ms: dict[str, float] = {}
    """Wire time in which the whole rollout only waited, by ``actors.rollout.waiting``."""
    shared: tuple[SharedReport, ...] = ()
    """With `--all`, in order; none for one that ran the release already."""


def make_report(
    rollout: Rollout,
    submitted_wire_ms: float,
    adopted: dict[str, float],
    waited_ms: dict[str, float] | None = None,
) -> Report:
    """Sum up; `adopted`: wire time at which each slot's new incarnation owned it."""
    slots = tuple(_slot_report(rollout.handoffs[slot]) for slot in rollout.order)
    dark = [slot.dark_ms for slot in slots if slot.dark_ms is not None]
    confirmed = [h.confirmed_wire_ms for h in rollout.handoffs.values() if h.confirmed_wire_ms]
    return Report(
        rollout=rollout.rollout,
        to_release=rollout.to_release,
        outcome="done" if rollout.phase is Phase.DONE else "stopped",
        failure=rollout.failure,
        slots=slots,
        switched=sum(slot.step == Step.DONE for slot in slots),
        submit_to_last_adopt_ms=_since(submitted_wire_ms, list(adopted.values())),
        submit_to_last_confirm_ms=_since(submitted_wire_ms, confirmed),
        dark_ms_median=statistics.median(dark) if dark else None,
        dark_ms_max=max(dark, default=None),
        submit_to_begin_ms=rollout.started_wire_ms - submitted_wire_ms,
        waited_ms=waited_ms or {},
    )


def with_shared(report: Report, shared: tuple[SharedReport, ...]) -> Report:
    """Add what became of the shared actors; one that failed makes the rollout a stopped one."""
    report = replace(report, shared=shared)
    bad = next((each for each in shared if each.step != SharedStep.DONE), None)
    if bad is None:
        return report
    return replace(report, outcome="stopped", failure=f"{bad.kind}: {bad.step}: {bad.failure}")


def _since(start_ms: float, moments: list[float]) -> float | None:
    return max(moments) - start_ms if moments else None


def _slot_report(handoff: Handoff) -> SlotReport:
    quiesced, adopted = handoff.quiesced, handoff.adopted
    equal = None
    if quiesced is not None and adopted is not None:
        equal = quiesced.logical_hash == adopted.logical_hash
    shadow = handoff.shadow_report
    return SlotReport(
        slot=handoff.slot,
        step=handoff.step,
        incarnation=handoff.incarnation,
        fence=handoff.record.fence if handoff.record else None,
        dark_ms=handoff.dark_ms,
        hash_equal=equal,
        shadow_compared=shadow.compared if shadow else 0,
        shadow_differing=shadow.differing if shadow else 0,
        failure=handoff.failure,
    )


def page(report: Report) -> str:
    """Return the report for people."""
    count = f"{report.switched} of {len(report.slots)} slots on the new release"
    lines = [f"roll {report.rollout} to {report.to_release[:12]}: {report.outcome}, {count}"]
    if report.failure:
        lines.append(f"  why: {report.failure}")
    lines.append("  slot       step        dark ms  hash   shadow        ")
    for slot in report.slots:
        dark = "" if slot.dark_ms is None else f"{slot.dark_ms:.1f}"
        equal = {None: "-", True: "equal", False: "DIFFERS"}[slot.hash_equal]
        shadow = f"{slot.shadow_differing} of {slot.shadow_compared} shadow decisions differ"
        lines.append(f"  {slot.slot:<10} {slot.step:<11} {dark:>7}  {equal:<6} {shadow}")
    for actor in report.shared:
        took = "" if actor.naming_ms is None else f" in {actor.naming_ms:.0f} ms"
        gap = f", heartbeat gap {actor.heartbeat_gap_ms} ms" if actor.heartbeat_gap_ms else ""
        lines.append(f"  {actor.old} -> {actor.new}: {actor.step}{took}{gap}")
    for label, value in (
        ("from submission to its begin", report.submit_to_begin_ms),
        ("from submission to the last switch", report.submit_to_last_adopt_ms),
        ("from submission to the last confirmation", report.submit_to_last_confirm_ms),
    ):
        if value is not None:
            lines.append(f"  {label}: {value / 1_000:.1f} s")
    lines += [f"  waited for {what}: {ms / 1_000:.1f} s" for what, ms in report.waited_ms.items()]
    return "\n".join(lines)
