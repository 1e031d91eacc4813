"""A roll as a person watches it: a bar for the whole, a row a slot, drawn from the stored state.

The driver works inside a job; its state after every step is on disk, so who watches needs nothing
of it and slows nothing down. Lines of the job that only name a slot's step are not repeated.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

import msgspec
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from actors.rollout.handoff_state import Handoff, Step
from actors.rollout.handoff_table import ROWS
from actors.rollout.record import read_state, rollout_ids
from actors.rollout.rollout_state import Phase, Rollout
from checkpoints.errors import CheckpointsError
from checkpoints.storage import Storage
from cluster.terminal.counting import counted
from cluster.terminal.plain_text import plain

POLL_SECONDS: Final = 0.2
"""A switch takes a tenth of a second; a person does not read faster than this."""
WHOLE: Final = 10
"""Weight of a slot that is done."""
PHASES: Final = MappingProxyType(
    {
        Phase.CANARY: "the first slot alone",
        Phase.REST: "rolling the others",
    }
)
"""Phases that need more than their own word."""
BAD: Final = frozenset({Step.RESUMING, Step.TAKING_BACK, Step.DISCARDING, Step.FAILED, Step.STUCK})


@contextmanager
def live_view(storage: Storage, console: Console) -> Iterator[Callable[[str], None]]:
    """Draw the rollout that begins meanwhile; yield what takes the job's own lines."""
    if not console.is_terminal:
        yield console.out
        return
    before = set(rollout_ids(storage))
    ended = threading.Event()
    with Live(
        Text("the job starts ..."), console=console, auto_refresh=False, transient=True
    ) as live:
        drawing = threading.Thread(target=_draw, args=(storage, before, live, ended), daemon=True)
        drawing.start()
        try:
            yield lambda line: None if _is_step(line) else console.out(line, highlight=False)
        finally:
            ended.set()
            drawing.join()


def _draw(storage: Storage, before: set[str], live: Live, ended: threading.Event) -> None:
    shown: Rollout | None = None
    while True:
        last = ended.wait(POLL_SECONDS)
        rollout = _newest(storage, before)
        if rollout is not None and rollout != shown:
            shown = rollout
            live.update(view(rollout), refresh=True)
        if last:
            return


def _newest(storage: Storage, before: set[str]) -> Rollout | None:
    """Return the rollout that began since; a look that fails is made again."""
    try:
        new = sorted(set(rollout_ids(storage)) - before)
        return read_state(storage, new[-1]) if new else None
    except (CheckpointsError, msgspec.DecodeError):
        return None


def _is_step(line: str) -> bool:
    """Tell the driver's line of one slot's step from others; the report's rows are indented."""
    words = line.split()
    return (
        not line.startswith(" ")
        and len(words) > 1
        and "-" in words[0]
        and words[1] in {str(step) for step in Step}
    )


def share_done(rollout: Rollout) -> float:
    """Return how much of the rollout is done, 0 to 1."""
    points = [ROWS[handoff.step].weight for handoff in rollout.handoffs.values()]
    return sum(points) / (WHOLE * len(points)) if points else 1.0


def view(rollout: Rollout) -> RenderableType:
    """Lay one moment of a rollout out for a terminal."""
    done = sum(handoff.step is Step.DONE for handoff in rollout.handoffs.values())
    head = Table.grid(padding=(0, 1))
    bad = rollout.phase in {Phase.STOPPING, Phase.STOPPED}
    head.add_row(
        Text(f"{rollout.rollout} to {rollout.to_release[:12]}", style="bold"),
        ProgressBar(total=1.0, completed=share_done(rollout), width=30),
        Text(
            f"{done} of {counted(len(rollout.order), 'slot')} done", style="red" if bad else "green"
        ),
        Text(PHASES.get(rollout.phase, str(rollout.phase))),
    )
    table = Table(box=None, padding=(0, 1), header_style="dim")
    for name in ("slot", "step", "dark ms", "state hash", "shadow", ""):
        table.add_column(name, justify="right" if name == "dark ms" else "left", no_wrap=True)
    for slot in rollout.order:
        table.add_row(*_row(rollout.handoffs[slot]))
    why = [Text(plain(f"why: {rollout.failure}"), style="red")] if rollout.failure else []
    return Group(head, table, *why)


def _row(handoff: Handoff) -> tuple[RenderableType, ...]:
    style = "red" if handoff.step in BAD else "green" if handoff.step is Step.DONE else "cyan"
    return (
        handoff.slot,
        Text(str(handoff.step), style="dim" if handoff.step is Step.PLANNED else style),
        "" if handoff.dark_ms is None else f"{handoff.dark_ms:.1f}",
        _hash_check(handoff),
        _shadow(handoff),
        Text(plain(handoff.failure or handoff.vacated or ""), style="red", overflow="ellipsis"),
    )


def _hash_check(handoff: Handoff) -> RenderableType:
    if handoff.quiesced is None or handoff.adopted is None:
        return ""
    if handoff.quiesced.logical_hash == handoff.adopted.logical_hash:
        return f"{handoff.adopted.logical_hash[:8]} equal"
    return Text("DIFFERS", style="bold red")


def _shadow(handoff: Handoff) -> str:
    report = handoff.shadow_report
    return "" if report is None else f"{report.differing} of {report.compared} differ"
