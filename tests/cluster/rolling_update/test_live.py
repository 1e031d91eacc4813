"""A roll as a person watches it, drawn from what the driver stores."""

import io
import time
from pathlib import Path

from msgspec.structs import replace
from rich.console import Console

from actors.rollout.handoff_state import Step
from actors.rollout.record import encode_state
from actors.rollout.rollout_state import Options, Phase, Rollout
from checkpoints.storage import LocalStorage
from cluster.rolling_update.live import live_view, share_done, view
from tests.actors.rollout.handoffs import ADOPTED, QUIESCED
from tests.actors.rollout.rollouts import SLOTS, begun

LIMIT_SECONDS = 90.0


def at(step: Step, **fields: object) -> Rollout:
    """Return a roll in which the first slot stands at a step and the others wait."""
    rollout = begun(Options())
    first = replace(rollout.handoffs[SLOTS[0]], step=step, **fields)
    return replace(rollout, handoffs=rollout.handoffs | {SLOTS[0]: first})


def drawn(rollout: Rollout) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(view(rollout))
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_each_slot_has_a_row_with_its_step_dark_time_and_hash_check() -> None:
    page = drawn(at(Step.DONE, dark_ms=12.34, quiesced=QUIESCED, adopted=ADOPTED))
    assert f"1 of {len(SLOTS)} slots" in page
    assert all(slot in page for slot in SLOTS)
    (row,) = [line for line in page.splitlines() if line.strip().startswith(f"{SLOTS[0]} ")]
    assert "done" in row
    assert "12.3" in row
    assert "equal" in row


def test_a_state_that_differs_and_a_failure_cannot_be_overlooked() -> None:
    other = replace(ADOPTED, logical_hash="0" * 64)
    moved = at(Step.TAKING_BACK, quiesced=QUIESCED, adopted=other, failure="another state")
    page = drawn(replace(moved, phase=Phase.STOPPING, failure="btc-5m: another state"))
    assert "DIFFERS" in page
    assert "why: btc-5m: another state" in page


def test_the_bar_only_grows_along_the_way_of_a_slot_and_ends_full() -> None:
    way = list(Step)[: list(Step).index(Step.DONE) + 1]
    shares = [share_done(at(step)) for step in way]
    assert shares == sorted(shares)
    ended = begun(Options())
    done = {slot: replace(handoff, step=Step.DONE) for slot, handoff in ended.handoffs.items()}
    assert share_done(replace(ended, handoffs=done)) == 1.0


def test_a_terminal_shows_the_stored_rollout_and_leaves_out_lines_that_repeat_it(
    tmp_path: Path,
) -> None:
    storage = LocalStorage(tmp_path)
    store(storage, "r0001", at(Step.FAILED, failure="an older one"))
    screen = io.StringIO()
    with live_view(storage, Console(file=screen, force_terminal=True, width=120)) as line:
        store(storage, "r0002", at(Step.WARMING))
        line(f"{SLOTS[0]:<10} warming")
        line("gate: open")
        line(f"  {SLOTS[0]:<10} done           12.3  equal  of the report")
        deadline = time.monotonic() + LIMIT_SECONDS
        while "warming" not in screen.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert "warming" in screen.getvalue()
    assert "gate: open" in screen.getvalue()
    assert "of the report" in screen.getvalue()
    assert "an older one" not in screen.getvalue()
    assert f"\n{SLOTS[0]:<10} warming\n" not in screen.getvalue()


def test_what_is_no_terminal_gets_every_line_of_the_job(tmp_path: Path) -> None:
    screen = io.StringIO()
    with live_view(LocalStorage(tmp_path), Console(file=screen, force_terminal=False)) as line:
        line(f"{SLOTS[0]:<10} warming")
    assert screen.getvalue() == f"{SLOTS[0]:<10} warming\n"


def store(storage: LocalStorage, name: str, rollout: Rollout) -> None:
    storage.write(f"rollouts/{name}/state.json", encode_state(replace(rollout, rollout=name)))
