"""Which releases may trade while the gate is closed: what the gateway asks. Pure but for reading.

A release is covered by a plan that names it and was applied: under an approval that was valid then,
or by break-glass, which raised its alarm. Nothing here expires; an operator's key that is taken
from the configuration takes its approvals along.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from checkpoints.approvals import (
    APPLIED,
    APPROVALS,
    BAKED,
    GATE,
    PLANS,
    SIZE_FULL_PERMILLE,
    Application,
    Baked,
    GateFiles,
    PlanFacts,
    Refused,
    Statement,
    facts_of,
    read_in_force,
    strict,
    verify,
)
from checkpoints.errors import MissingFileError
from checkpoints.records import canonical_json
from checkpoints.storage import Storage

MILLE: Final = 1_000


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Which releases may trade while the gate is closed."""

    releases: frozenset[str] = frozenset()
    params: frozenset[str] = frozenset()
    size_permille: dict[str, int] = {}
    """Of releases that are not baked yet."""
    forced: frozenset[str] = frozenset()
    """Those that came in by break-glass alone."""
    refused: tuple[Refused, ...] = ()
    limits: dict[str, str] = {}
    """Those of the newest plan that names any: what a live fleet may start with."""

    def size_of(self, release: str) -> int:
        """Return the share of the slot limits that a release may use, permille."""
        return self.size_permille.get(release, SIZE_FULL_PERMILLE)

    def limit_of(self, release: str, full: int) -> int:
        """Return what is left of a slot limit for a release, rounded down."""
        return full * self.size_of(release) // MILLE


class CoverageReader:
    """What the gateway holds: reads the gate's files again when one came or went.

    A look costs one listing of a small folder, so each claim and each new incarnation may ask.
    """

    def __init__(self, storage: Storage, keys: Mapping[str, str]) -> None:
        self._storage = storage
        self._keys = dict(keys)
        self._names: list[str] | None = None
        self._coverage = Coverage()

    def read(self) -> Coverage:
        names = self._storage.names(f"{GATE}/")
        if names != self._names:
            self._coverage = coverage(read_in_force(self._storage), self._keys)
            self._names = names
        return self._coverage


def coverage(files: GateFiles, keys: Mapping[str, str]) -> Coverage:
    """Say which releases the files cover. Pure; what is damaged covers nothing and is named."""
    refused: list[Refused] = []
    statements: dict[str, list[Statement]] = {}
    for name, data in sorted(files.approvals.items()):
        verified = verify(data, keys)
        if isinstance(verified, str):
            refused.append(Refused(name=f"{APPROVALS}/{name}.json", reason=verified))
        else:
            statements.setdefault(verified.plan, []).append(verified)
    admitted: list[tuple[str, PlanFacts, Application]] = []
    for plan, data in sorted(files.applied.items()):
        found = _admitted(plan, data, files, statements.get(plan, []))
        if isinstance(found, str):
            refused.append(Refused(name=f"{APPLIED}/{plan}.json", reason=found))
        else:
            admitted.append((plan, *found))
    return _sum_up(admitted, frozenset(_baked(files)), tuple(refused))


def _admitted(
    plan: str, data: bytes, files: GateFiles, statements: list[Statement]
) -> tuple[PlanFacts, Application] | str:
    application = strict(data, Application)
    if isinstance(application, str):
        return application
    facts = facts_of(plan, files.plans.get(plan, b""))
    if isinstance(facts, str):
        return facts
    if (application.plan, application.to_release) != (plan, facts.to_release):
        return "names another plan or release"
    if application.break_glass:
        return facts, application
    for statement in statements:
        in_time = statement.allows(application.applied_wire_ms)
        if in_time and statement.id == application.approval:
            return facts, application
    return "no valid approval covers it at the time it was applied"


def _baked(files: GateFiles) -> Iterator[str]:
    for plan, data in files.baked.items():
        baked = strict(data, Baked)
        if not isinstance(baked, str) and baked.plan == plan:
            yield plan


def _sum_up(
    admitted: list[tuple[str, PlanFacts, Application]],
    baked: frozenset[str],
    refused: tuple[Refused, ...],
) -> Coverage:
    """How a release came in first says how it starts; a later plan of it ends no staged limit."""
    sizes: dict[str, int] = {}
    approved: set[str] = set()
    limits: dict[str, str] = {}
    let_in = [one for one in admitted if not one[1].in_place]
    for plan, facts, application in sorted(let_in, key=lambda one: one[2].applied_wire_ms):
        sizes.setdefault(facts.to_release, facts.staged.size_permille)
        if plan in baked:
            sizes[facts.to_release] = SIZE_FULL_PERMILLE
        limits = facts.limits or limits
        if not application.break_glass:
            approved.add(facts.to_release)
    return Coverage(
        releases=frozenset(sizes),
        params=frozenset(name for _, facts, _ in admitted for name in facts.to_params),
        size_permille={name: size for name, size in sizes.items() if size < SIZE_FULL_PERMILLE},
        forced=frozenset(sizes) - approved,
        refused=refused,
        limits=limits,
    )


def unbaked(files: GateFiles) -> dict[str, tuple[str, int]]:
    """Return releases that trade a fraction: release -> (its plan, good decisions it needs)."""
    found: dict[str, tuple[str, int]] = {}
    for plan in sorted(files.applied.keys() - frozenset(_baked(files))):
        facts = facts_of(plan, files.plans.get(plan, b""))
        if isinstance(facts, PlanFacts) and facts.staged.size_permille < SIZE_FULL_PERMILLE:
            found[facts.to_release] = (plan, facts.staged.bake_decisions)
    return found


def mark_baked(storage: Storage, plan: str, decisions: int, wire_ms: int) -> bool:
    """End a release's staged limits; refused (False) before its plan's good decisions are there.

    Good: journaled in time under this release from a complete snapshot.
    """
    try:
        facts = facts_of(plan, storage.read(f"{PLANS}/{plan}.json"))
    except MissingFileError:
        return False
    if isinstance(facts, str) or decisions < facts.staged.bake_decisions:
        return False
    baked = Baked(
        plan=plan, to_release=facts.to_release, decisions=decisions, baked_wire_ms=wire_ms
    )
    storage.create(f"{BAKED}/{plan}.json", canonical_json(baked))
    return True
