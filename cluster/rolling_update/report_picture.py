"""A rollout's report as one self-contained HTML page: dark time, hash checks, agreement, waits."""

from collections.abc import Iterator

from actors.rollout.plan import Plan
from actors.rollout.report import Report, SlotReport
from cluster.pictures.chart import bar_chart
from cluster.pictures.page import html_page, html_table
from cluster.rolling_update.page import plan_lines
from cluster.terminal.counting import counted
from cluster.terminal.plain_text import plain

HASHES = {None: "-", True: "equal", False: "DIFFERS"}


def report_page(report: Report, plan: Plan | None) -> str:
    """Return the page; nothing in it is loaded from elsewhere."""
    title = f"midstride: roll {report.rollout} to {report.to_release[:12]}"
    count = f"{report.switched} of {counted(len(report.slots), 'slot')} on the new release"
    why = f"; {plain(report.failure)}" if report.failure else ""
    return html_page(title, f"{report.outcome}, {count}{why}", _parts(report, plan))


def _parts(report: Report, plan: Plan | None) -> Iterator[str]:
    dark = [(one.slot, one.dark_ms) for one in report.slots if one.dark_ms is not None]
    yield bar_chart("Dark time of each slot, ms: nobody owned it", dark, lambda ms: f"{ms:.1f}")
    names = ("slot", "stands at", "why", "state hash", "shadow agrees", "dark ms")
    yield html_table(names, map(_row, report.slots), text_columns=4)
    waits = [(what, ms / 1_000) for what, ms in report.waited_ms.items()]
    yield bar_chart("Seconds in which the roll only waited, by what for", waits, "{:.1f}".format)
    yield html_table(("", "s"), list(_spans(report)))
    if report.shared:
        shared = (
            (one.old, one.new, str(one.step), plain(one.failure or "")) for one in report.shared
        )
        yield html_table(("replaced", "by", "stands at", "why"), shared, text_columns=4)
    if plan is not None:
        yield "<h2>Its plan</h2>"
        yield html_table(
            (f"{plan.change_class}",), ((plain(line.strip()),) for line in plan_lines(plan))
        )


def _row(slot: SlotReport) -> tuple[str, ...]:
    agree = slot.shadow_compared - slot.shadow_differing
    return (
        slot.slot,
        slot.step.replace("_", " "),
        plain(slot.failure or ""),
        HASHES[slot.hash_equal],
        f"{agree} of {slot.shadow_compared}" if slot.shadow_compared else "not asked",
        "" if slot.dark_ms is None else f"{slot.dark_ms:.1f}",
    )


def _spans(report: Report) -> Iterator[tuple[str, str]]:
    for label, ms in (
        ("from submission to its begin", report.submit_to_begin_ms),
        ("from submission to the last switch", report.submit_to_last_adopt_ms),
        ("from submission to the last confirmation", report.submit_to_last_confirm_ms),
    ):
        if ms is not None:
            yield label, f"{ms / 1_000:.1f}"
