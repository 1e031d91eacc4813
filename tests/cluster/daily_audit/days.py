"""A storage with one finished day, as a fleet leaves it, and the audit of it without processes."""

from pathlib import Path

import msgspec

from actors.config import FleetConfig
from actors.runtime import CONFIG_FILE
from checkpoints.storage import LocalStorage
from cluster.audit.reconcile import Reconciled
from cluster.daily_audit import run
from cluster.daily_audit.report import Check, DayAudit
from cluster.daily_audit.run import Case
from cluster.local.state_folder import StateFolder
from signals.market import day_start_ms
from tests.cluster.audit.complete_record import make_record

DAY = "2026-01-01"
NEXT_MORNING_MS = day_start_ms("2026-01-02") + 9_000_000
SAME = Reconciled(differences=(), open_orders=0, fills=14, positions=14, winners=14, looks=1)


def make_state(root: Path, trades: int = 3) -> StateFolder:
    state = StateFolder(root)
    for folder in (state.root, state.storage, state.logs):
        folder.mkdir(parents=True, exist_ok=True)
    make_record(state.storage, trades)
    return state


def config_of(state: StateFolder) -> FleetConfig:
    return msgspec.json.decode(LocalStorage(state.storage).read(CONFIG_FILE), type=FleetConfig)


def case_of(state: StateFolder, day: str = DAY, now_ms: int = NEXT_MORNING_MS) -> Case:
    return run.open_case(state, day, lambda: now_ms)


def audited(case: Case) -> DayAudit:
    return run.audit(case, lambda: case.now_wire_ms + 1_000)


def check(audit: DayAudit, name: str) -> Check:
    return next(one for one in audit.checks if one.name == name)
