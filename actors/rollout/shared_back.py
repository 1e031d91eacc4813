"""The way back of shared actors: who is to go, and in which order."""

import asyncio
from collections.abc import Iterable
from typing import Final

from actors.rollout.replacement.events import Back, SharedStep
from actors.rollout.shared import (
    Notify,
    SharedCalls,
    SharedReport,
    replace_one,
    report_failure,
    runs_already,
)
from actors.shared_kind import Kind

BACK_ORDER: Final = (Kind.GATEWAY, Kind.MARKET_DATA, Kind.SUPERVISOR)
"""Of a way back: slots need the gateway's table, then snapshots."""


async def check_shared(calls: SharedCalls, release: str) -> tuple[Back, ...]:
    """Return the shared actors that do not run the release, in the order of a way back."""
    found = await asyncio.gather(*(_check_one(calls, kind, release) for kind in BACK_ORDER))
    return tuple(back for back in found if back is not None)


async def _check_one(calls: SharedCalls, kind: Kind, release: str) -> Back | None:
    name = calls.current(kind)
    sick = await calls.sickness(kind, name)
    if sick is None and await runs_already(calls, kind, release):
        return None
    return Back(kind=kind, name=name, sick=sick)


async def take_back_shared(
    calls: SharedCalls, backs: Iterable[Back], release: str, notify: Notify
) -> tuple[SharedReport, ...]:
    """Bring each to the release, whatever becomes of the others; alarm and report name each."""
    reports: list[SharedReport] = []
    for back in backs:
        report = await replace_one(calls, back.kind, release, notify, back)
        reports.append(report)
        if report.step != SharedStep.DONE:
            await report_failure(calls, report)
    return tuple(reports)
