"""Pages made of small files: alarms, rollouts with their plans, and who did what."""

import os
from pathlib import Path
from typing import Final

import msgspec

from actors.clock import wall_ms
from actors.rollout.record import (
    last_beat_ms,
    read_active,
    read_plan,
    read_report,
    read_state,
    rollout_ids,
)
from actors.runtime import load_config
from checkpoints.alarms import ALARMS, AlarmState, AlarmStore
from checkpoints.approvals import APPLIED, PLANS, applications
from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage
from cluster.errors import ClusterError, FleetError
from cluster.gate.document import load_plan
from cluster.rolling_update.planning import previous_release
from cluster.status.dead_fleet import death_alarm, death_in
from cluster.web.operators import OperatorJournal
from cluster.web.pages import Asked
from cluster.web.views.alarms import AlarmsView, alarms_view, cleared_rows
from cluster.web.views.operators import ROWS_READ_MAX, OperatorsView, operators_view
from cluster.web.views.plans import (
    PlanPart,
    WaitingPlan,
    applied_for,
    document_part,
    plan_part,
    waiting_plan,
)
from cluster.web.views.rollouts import (
    COLUMNS,
    OldRollout,
    RolloutView,
    latest,
    old_rollout,
    rollout_view,
)
from cluster.web.views.texts import ago, cut

CLEARED: Final = ".cleared.json"
CLEARED_MAX: Final = 200
"""Alarms that are read for a page of what people did."""
REPORT_LINES_MAX: Final = 200
WAITING_MAX: Final = 3
"""Plans that nobody has applied: the newest ones."""


class RollNow(msgspec.Struct, frozen=True, kw_only=True):
    """One rollout as it stands; what moves on an open page."""

    columns: tuple[str, ...]
    shown: RolloutView | None
    is_active: bool
    driver: str
    """Of the one under way: when its process gave its last sign."""


class RolloutsView(msgspec.Struct, frozen=True, kw_only=True):
    now: RollNow
    """Of the one that is asked for, else of the latest."""
    follows: bool
    """The page moves with the latest; an old one that was asked for does not."""
    report: tuple[str, ...]
    plan: PlanPart | None
    waiting: tuple[WaitingPlan, ...]
    back_to: str
    """Release that a rollback goes to; empty: there is none before."""
    old: tuple[OldRollout, ...]


def alarms_page(asked: Asked) -> AlarmsView:
    store = AlarmStore(asked.storage)
    death, problem = None, ""
    try:
        death = death_in(asked.state)
    except ClusterError as error:
        problem = f"whether the fleet died is not known: {cut(str(error))}"
    dead = None if death is None else death_alarm(death)
    view = alarms_view(store.latched(), dead, wall_ms(), problem)
    if asked.query.get("cleared") != "1":
        return view
    return msgspec.structs.replace(view, cleared=cleared_rows(_cleared(asked.storage)))


def operators_page(asked: Asked) -> OperatorsView:
    rows = OperatorJournal(asked.state.root).rows(ROWS_READ_MAX)
    return operators_view(rows, _cleared(asked.storage), applications(asked.storage))


def _cleared(storage: LocalStorage) -> list[AlarmState]:
    """Return the alarms that were cleared last; years of them are listed and not read."""
    try:
        with os.scandir(storage.root / ALARMS) as entries:
            found = [
                (entry.stat().st_mtime, entry.name.removesuffix(CLEARED))
                for entry in entries
                if entry.name.endswith(CLEARED)
            ]
    except FileNotFoundError:
        return []
    found.sort(reverse=True)
    return AlarmStore(storage).states(name for _, name in found[:CLEARED_MAX])


def roll_now(storage: LocalStorage, wanted: str) -> RollNow:
    """Read one rollout; an empty name: there is none."""
    rollout, problem = None, ""
    try:
        rollout = read_state(storage, wanted) if wanted else None
    except CheckpointsError as error:
        problem = f"{cut(str(error))}. "
    active = read_active(storage)
    is_active = active is not None and active.rollout == wanted
    lives = active is not None and active.driver_lives
    sign = ago(last_beat_ms(storage, wanted), wall_ms()) if is_active else ""
    dead = "its process is gone: abort puts away what it left"
    return RollNow(
        columns=tuple(COLUMNS),
        shown=None if rollout is None else rollout_view(rollout),
        is_active=is_active,
        driver=problem
        + (f"last sign {sign}; {'its process runs' if lives else dead}" if is_active else ""),
    )


def rollouts_page(asked: Asked) -> RolloutsView:
    """Show the rollout that is asked for; raise `FleetError` for one that never was."""
    storage = asked.storage
    known = rollout_ids(storage)
    wanted = asked.query.get("id") or (known[-1] if known else "")
    if wanted and wanted not in known:
        raise FleetError(f"there is no rollout {wanted[:40]}; the page without `?id` lists all")
    return RolloutsView(
        now=roll_now(storage, wanted),
        follows=not asked.query.get("id"),
        report=_report(storage, wanted),
        plan=_plan(storage, wanted),
        waiting=_waiting(storage),
        back_to=_back_to(storage),
        old=tuple(_old(storage, one) for one in latest(known)),
    )


def _old(storage: LocalStorage, rollout: str) -> OldRollout:
    try:
        return old_rollout(rollout, read_report(storage, rollout))
    except CheckpointsError as error:
        line = old_rollout(rollout, None)
        return msgspec.structs.replace(line, outcome="damaged", failure=cut(str(error)))


def _report(storage: LocalStorage, rollout: str) -> tuple[str, ...]:
    from actors.rollout.report import page

    try:
        found = read_report(storage, rollout) if rollout else None
    except CheckpointsError as error:
        return (cut(str(error)),)
    lines = () if found is None else page(found).splitlines()
    return tuple(cut(line) for line in lines[:REPORT_LINES_MAX])


def _plan(storage: LocalStorage, rollout_id: str) -> PlanPart | None:
    """Return the signed document of a rollout, or what the rollout keeps of its plan."""
    try:
        return _plan_of(storage, rollout_id) if rollout_id else None
    except CheckpointsError as error:
        return PlanPart(digest="", lines=(cut(str(error)),), code=())


def _plan_of(storage: LocalStorage, rollout_id: str) -> PlanPart | None:
    rollout = read_state(storage, rollout_id)
    if rollout is None:
        return None
    used = applied_for(rollout.to_release, rollout.started_wire_ms, applications(storage))
    if used is not None and not rollout.back:
        try:
            document = load_plan(storage, used.plan)
            return document_part(used.plan, document, gate_is_open=used.gate_open)
        except (ClusterError, CheckpointsError):
            pass  # altered or gone: what the rollout keeps of it is shown instead
    plan = read_plan(storage, rollout_id)
    return None if plan is None else plan_part(plan)


def _waiting(storage: LocalStorage) -> tuple[WaitingPlan, ...]:
    """Return the newest plans that nobody has applied."""
    applied = {Path(name).stem for name in storage.names(f"{APPLIED}/")}
    files = [storage.root / name for name in storage.names(f"{PLANS}/")]
    open_plans = [file for file in files if file.stem not in applied]
    open_plans.sort(key=lambda file: file.stat().st_mtime, reverse=True)
    is_open = _gate_is_open(storage)
    found = []
    for file in open_plans[:WAITING_MAX]:
        try:
            document = load_plan(storage, file.stem)
        except (ClusterError, CheckpointsError):
            continue  # altered: it covers nothing, `gate list` says so
        found.append(waiting_plan(file.stem, document, gate_is_open=is_open))
    return tuple(found)


def _gate_is_open(storage: LocalStorage) -> bool:
    try:
        return load_config(str(storage.root)).gate_is_open
    except (CheckpointsError, FileNotFoundError):
        return False


def _back_to(storage: LocalStorage) -> str:
    try:
        return previous_release(storage)
    except (ClusterError, CheckpointsError):
        return ""
