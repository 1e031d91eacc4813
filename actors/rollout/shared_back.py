"""The way back of shared actors: who is to go, and in which order."""

import asyncio
from collections.abc import Iterable
from typing import Final

from actors.rollout.shared import (
    Back,
    Kind,
    Replacement,
    Say,
    SharedCalls,
    SharedReport,
    SharedStep,
    runs_already,
    tell_failure,
)

BACK_ORDER: Final = (Kind.GATEWAY, Kind.MARKET_DATA, Kind.SUPERVISOR)
"""Of a way back: slots need the gateway's table, then snapshots."""


async def look_at_shared(calls: SharedCalls, release: str) -> tuple[Back, ...]:
    """Return the shared actors that do not run the release, in the order of a way back."""
    found = await asyncio.gather(*(_look_back(calls, kind, release) for kind in BACK_ORDER))
    return tuple(back for back in found if back is not None)


async def _look_back(calls: SharedCalls, kind: Kind, release: str) -> Back | None:
    name = calls.current(kind)
    sick = await calls.sickness(kind, name)
    if sick is None and await runs_already(calls, kind, release):
        return None
    return Back(kind=kind, name=name, sick=sick)


async def take_back_shared(
    calls: SharedCalls, backs: Iterable[Back], release: str, say: Say
) -> tuple[SharedReport, ...]:
    """Bring each to the release, whatever becomes of the others; alarm and report name each."""
    reports: list[SharedReport] = []
    for back in backs:
        report = await Replacement(calls, back.kind, release, say, back).run()
        reports.append(report)
        if report.step != SharedStep.DONE:
            await tell_failure(calls, report)
    return tuple(reports)
