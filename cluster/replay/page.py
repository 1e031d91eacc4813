"""A replay for people."""

from collections.abc import Iterator
from typing import Final

from cluster.replay.result import Differing, Replayed
from cluster.terminal.counting import counted

SHOWN: Final = 20
MICRO: Final = 1_000_000


def page(found: Replayed) -> str:
    return "\n".join(_lines(found))


def _lines(found: Replayed) -> Iterator[str]:
    yield _head(found)
    yield (
        f"  {found.decisions} recorded, {found.without_strategy} made by the slot itself, "
        f"{found.refused} refused"
    )
    yield (
        f"  {found.seconds:.1f} s in {found.processes} {found.ran_in}: "
        f"{found.decisions_per_second:.0f} decisions per second, "
        f"{found.decisions_per_second_per_process:.0f} per core once it is up"
    )
    for one in found.releases:
        counts = f"{one.identical} of {one.made} identical, {one.refused} refused"
        start = f"up in {one.start_seconds:.2f} s"
        yield f"  release {one.release[:12]} ({one.commit[:12]}): {counts}, {start}"
    for differing in found.differing[:SHOWN]:
        yield from _differing(differing)
    yield from _rest(found.differing_count, "differing decisions")
    if found.with_release is not None and found.differing:
        yield _sum(found)
    if found.suspect:
        yield f"  suspect: {found.suspect}"
    for problem in found.problems[:SHOWN]:
        yield f"  {problem.kind}: {problem.subject}: {problem.reason}"
    yield from _rest(len(found.problems), "problems")


def _head(found: Replayed) -> str:
    if found.with_release is not None:
        what = f"{found.differing_count} of the last {found.made} decisions change"
        return f"{what} under release {found.with_release[:12]}"
    share = "nothing" if found.identical_share is None else f"{100 * found.identical_share:.2f} %"
    return f"{share} identical: {found.identical} of {counted(found.made, 'decision')} made again"


def _rest(count: int, what: str) -> Iterator[str]:
    if count > SHOWN:
        yield f"  ... and {count - SHOWN} more {what}: see --json"


def _differing(one: Differing) -> Iterator[str]:
    found = one.difference
    yield f"  {one.slot} due {one.due_ms} (row {one.sequence}, release {one.release[:12]})"
    yield f"    first difference: {found.field}: {found.recorded} -> {found.made}"
    yield f"    recorded: {one.recorded}, {_usd(one.recorded_pnl_micro_usd)}"
    yield f"    now:      {one.made}, {_usd(one.made_pnl_micro_usd)}"


def _sum(found: Replayed) -> str:
    known = [one for one in found.differing if one.winner is not None]
    before = sum(one.recorded_pnl_micro_usd or 0 for one in known)
    after = sum(one.made_pnl_micro_usd or 0 for one in known)
    return (
        f"  the {len(known)} of these whose winner is known would have paid {_usd(after)}, the "
        f"recorded ones {_usd(before)} (legs filled whole at their own price)"
    )


def _usd(micro: int | None) -> str:
    return "winner unknown" if micro is None else f"{micro / MICRO:+.2f} USD"
