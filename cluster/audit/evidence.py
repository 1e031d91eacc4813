"""The evidence pack of a release: everything the storage can prove about it, gaps by name."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from actors.config import FleetConfig
from actors.runtime import CONFIG_FILE
from checkpoints.alarms import AlarmState, AlarmStore
from checkpoints.approvals import facts_of, read_gate, verify
from checkpoints.archive import archived_releases, commit_of, load_archive
from checkpoints.errors import CheckpointsError
from checkpoints.release import ReleaseManifest
from checkpoints.small_file import from_json
from checkpoints.storage import LocalStorage
from cluster.audit.completeness import read_proven
from cluster.audit.errors import AuditError
from cluster.audit.journal_view import read_journal
from cluster.audit.problem import Problem
from cluster.audit.releases import ReleaseReport, release_reports
from cluster.audit.trades import TradeFilter, find_trades
from cluster.gate.differences import code_difference, files_in
from cluster.replay.errors import ReplayError
from cluster.replay.recorded import Wanted
from cluster.replay.result import Replayed
from cluster.replay.run import ReplayOptions, replay
from cluster.terminal.counting import counted

REPLAYED_MAX: Final = 4_608
"""Latest decisions that the pack's replay makes again: one day of sixteen slots."""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of evidence."""

    name: str
    file: str | None
    """In the pack; None: it is missing."""
    text: str
    """One line: what it shows, or why it is missing."""
    content: bytes = b""

    @property
    def missing(self) -> bool:
        return self.file is None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What the items are made from."""

    storage: LocalStorage
    release: str
    reports: tuple[ReleaseReport, ...]
    """Of all releases; empty where there is no journal."""
    problems: tuple[Problem, ...]

    @property
    def report(self) -> ReleaseReport | None:
        return next((one for one in self.reports if one.release == self.release), None)

    @property
    def predecessor(self) -> str | None:
        """Return the release that began to decide last before this one."""
        begun = [one.release for one in self.reports if one.first_ms is not None]
        place = begun.index(self.release) if self.release in begun else len(begun)
        return begun[place - 1] if place else None


def open_case(storage: Path, release: str) -> Case:
    """Complete the beginning of a release id; raise `AuditError` for one that nothing knows."""
    disk = LocalStorage(storage)
    try:
        reports, record = read_proven(storage, release_reports)
        problems = record.problems
    except CheckpointsError as error:
        reports, problems = (), (Problem(kind="missing", subject="journal", reason=str(error)),)
    known = {*archived_releases(disk), *(one.release for one in reports)}
    found = sorted(name for name in known if name.startswith(release))
    if len(found) != 1:
        there = ", ".join(name[:12] for name in sorted(found or known)) or "none"
        what = "several releases" if found else "no release that was archived or traded"
        raise AuditError(f"{release} names {what}; there are {there}")
    return Case(storage=disk, release=found[0], reports=reports, problems=problems)


def gather(case: Case, *, replayed: Callable[[Case], Replayed | str]) -> Iterator[Item]:
    """Yield every item that a pack should have, in the order of a reader's questions."""
    yield _manifest(case)
    yield _difference(case)
    yield from _gate(case)
    yield _replay(replayed(case))
    yield from _rollouts(case)
    yield _performance(case)
    yield _trades(case)
    yield _alarms(case)
    yield _limits(case)


def replay_release(case: Case) -> Replayed | str:
    """Make the release's latest decisions again; what keeps it from that comes as text."""
    options = ReplayOptions(wanted=Wanted(release=case.release, last=REPLAYED_MAX))
    try:
        return replay(case.storage.root, options)
    except (ReplayError, CheckpointsError) as error:
        return str(error)


def present(name: str, file: str, text: str, value: Any) -> Item:
    content = msgspec.json.format(msgspec.json.encode(value), indent=2)
    return Item(name=name, file=file, text=text, content=content)


def missing(name: str, why: str) -> Item:
    return Item(name=name, file=None, text=why)


def _manifest(case: Case) -> Item:
    try:
        manifest = load_archive(case.storage, case.release).manifest
    except CheckpointsError as error:
        return missing("archive", str(error))
    commit = commit_of(case.storage, case.release)
    clean = "dirty tree" if commit.endswith("-dirty") else f"commit {commit}"
    text = f"{counted(len(manifest.files), 'file')}, {clean}, {manifest.fingerprint}"
    return present("archive", "manifest.json", text, manifest)


def _difference(case: Case) -> Item:
    before = case.predecessor
    if before is None:
        return missing("code difference", "no release decided before this one")
    try:
        old, new = (load_archive(case.storage, name) for name in (before, case.release))
    except CheckpointsError as error:
        return missing("code difference", str(error))
    digests = _changed(old.manifest, new.manifest)
    found = code_difference(files_in(old.data), files_in(new.data), digests)
    text = f"{counted(len(found), 'file')} against release {before}"
    diff = "\n".join(one.diff for one in found) + "\n"
    return Item(name="code difference", file="code.diff", text=text, content=diff.encode())


def _changed(
    old: ReleaseManifest, new: ReleaseManifest
) -> dict[str, tuple[str | None, str | None]]:
    before = {file.path: file.sha256 for file in old.files}
    after = {file.path: file.sha256 for file in new.files}
    paths = before.keys() | after.keys()
    pairs = {path: (before.get(path), after.get(path)) for path in paths}
    return {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}


def _config(case: Case) -> FleetConfig | str:
    try:
        return from_json(case.storage.read(CONFIG_FILE), FleetConfig, CONFIG_FILE)
    except CheckpointsError as error:
        return str(error)


def _gate(case: Case) -> Iterator[Item]:
    files = read_gate(case.storage)
    plans: dict[str, Any] = {}
    for digest, data in files.plans.items():
        facts = facts_of(digest, data)
        if not isinstance(facts, str) and facts.to_release == case.release:
            plans[digest] = msgspec.Raw(data)
    if plans:
        yield present("plan", "plans.json", f"{len(plans)} plan documents", plans)
    else:
        yield missing("plan", "no plan document in gate/plans brings this release")
    config = _config(case)
    keys = {} if isinstance(config, str) else config.gate.operator_keys
    given: dict[str, Any] = {}
    refused: dict[str, str] = {}
    for name, data in files.approvals.items():
        statement = verify(data, keys)
        if isinstance(statement, str):
            refused[name] = statement
        elif statement.plan in plans:
            given[name] = statement
    told = {"approvals": given, "refused": refused, "applied": _applied(files.applied, plans)}
    if given or told["applied"]:
        names = ", ".join(sorted(one.who for one in given.values())) or "nobody: open or broken"
        yield present("approval", "approvals.json", f"approved by {names}", told)
    else:
        yield missing("approval", "no valid approval and no application of a plan of this release")


def _applied(applied: dict[str, bytes], plans: dict[str, Any]) -> dict[str, Any]:
    return {plan: msgspec.Raw(data) for plan, data in applied.items() if plan in plans}


def _replay(found: Replayed | str) -> Item:
    if isinstance(found, str):
        return missing("replay", found)
    text = f"{found.identical} of {found.made} made again are identical, {found.refused} refused"
    return present("replay", "replay.json", text, found)


def _rollouts(case: Case) -> Iterator[Item]:
    found: dict[str, dict[str, Any]] = {}
    for name in case.storage.names("rollouts/"):
        folder, _, kind = name.removeprefix("rollouts/").rpartition("/")
        if not folder:
            continue
        try:
            value = msgspec.json.decode(case.storage.read(name))
        except (CheckpointsError, msgspec.DecodeError) as error:
            value = {"damaged": str(error)}
        found.setdefault(folder, {})[kind.removesuffix(".json")] = value
    own = {
        rollout: parts
        for rollout, parts in found.items()
        if any(_field(part, "to_release") == case.release for part in parts.values())
    }
    canaries = {rollout: _canary(parts) for rollout, parts in own.items()}
    canaries = {rollout: canary for rollout, canary in canaries.items() if canary}
    if canaries:
        yield present("canary", "canary.json", f"of {', '.join(canaries)}", canaries)
    else:
        yield missing("canary", "no rollout of this release named a canary")
    reported = [rollout for rollout, parts in own.items() if "report" in parts]
    if reported:
        yield present("roll report", "rollouts.json", f"rollouts {', '.join(sorted(own))}", own)
    else:
        yield missing("roll report", "no rollout brought it: it was launched, or never ran")


def _canary(parts: dict[str, Any]) -> dict[str, Any] | None:
    state = parts.get("state")
    canary = _field(_field(state, "options"), "canary")
    if not isinstance(canary, str):
        return None
    return {"slot": canary, "handoff": _field(_field(state, "handoffs"), canary)}


def _field(part: object, name: str) -> object:
    """Return a field of a part of a rollout's record; a part may be any JSON value."""
    return part.get(name) if isinstance(part, dict) else None


def _performance(case: Case) -> Item:
    report = case.report
    if report is None:
        return missing("performance", "the release never decided")
    made = f"{counted(report.decisions, 'decision')}, {counted(report.trades, 'trade')}"
    text = f"{made}, {report.settled} settled"
    return present("performance", "performance.json", text, report)


def _trades(case: Case) -> Item:
    chosen = TradeFilter(release=case.release)
    try:
        found = read_journal(case.storage.root, lambda view: find_trades(view, chosen))
    except CheckpointsError as error:
        return missing("trades", str(error))
    if not found:
        return missing("trades", "the release signed no order")
    return present("trades", "trades.json", f"{len(found)} signed orders", found)


def _alarms(case: Case) -> Item:
    """Take alarms that name the release, and those raised in market time while it decided."""
    report = case.report
    history = AlarmStore(case.storage).history()
    own = [state for state in history if _concerns(state, case.release, report)]
    latched = sum(state.latched for state in own)
    text = f"{counted(len(own), 'alarm')}, {latched} still latched, of {len(history)} in all"
    return present("alarms", "alarms.json", text, own)


def _concerns(state: AlarmState, release: str, report: ReleaseReport | None) -> bool:
    alarm = state.alarm
    if alarm.release is not None:
        return alarm.release == release
    if report is None or report.first_ms is None or report.last_ms is None:
        return False
    return alarm.market_ms is None or report.first_ms <= alarm.market_ms <= report.last_ms


def _limits(case: Case) -> Item:
    config = _config(case)
    if isinstance(config, str):
        return missing("limits", config)
    told = {"mode": config.mode, "risk": config.risk, "gate": config.gate, "labels": config.labels}
    text = "of the configuration in force now; a roll's own are in its plan"
    return present("limits", "limits.json", text, told)
