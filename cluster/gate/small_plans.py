"""Plans that replace no code: a fleet's first release, and a change of parameters in place."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from actors.config import FleetConfig, Mode, config_id
from actors.live.refusals import limits_as_text
from actors.messages import FenceRecord
from actors.rollout.plan import Plan
from actors.rollout.rollout_state import Options
from checkpoints.approvals import APPLIED, FIRST, Staged, read_in_force
from checkpoints.approved_releases import coverage
from checkpoints.storage import Storage
from cluster.gate.document import Extras, ParamsChange, PlanDocument, make_document, staged_by
from cluster.gate.errors import GateError

PARAMETERS: Final = "parameters"


def first_document(
    storage: Storage, release: str, config: FleetConfig, extras: Extras
) -> PlanDocument:
    """Plan the release that a stopped fleet starts with: all its slots.

    At full size only where nothing was ever let in: stopping the fleet is no way round the limits.
    A live fleet's plan names its limits too: the approval is of them as well.
    """
    order = tuple(entry.slot for entry in config.slots)
    plan = _plan(release, extras.commit, {}, order, FIRST)
    if config.mode is Mode.LIVE:
        extras = msgspec.structs.replace(extras, limits=_limits(storage, config))
    made = make_document(storage, plan, config, extras)
    if storage.names(f"{APPLIED}/"):
        return msgspec.structs.replace(made, staged=staged_by(config))
    return made


def _limits(storage: Storage, config: FleetConfig) -> tuple[ParamsChange, ...]:
    """Return all limits of a configuration, with the values that were approved before."""
    before = coverage(read_in_force(storage), config.gate.operator_keys).limits
    return tuple(
        ParamsChange(key=name, before=before.get(name, "-"), after=value)
        for name, value in limits_as_text(config.risk).items()
    )


def params_document(
    config: FleetConfig,
    owners: Sequence[FenceRecord],
    changes: Mapping[str, float | int | str],
    slots: Sequence[str],
    wire_ms: int,
) -> PlanDocument:
    """Plan a change of parameters of running slots. Raises `GateError` if they have no owner."""
    named: Sequence[str | None] = tuple(slots) or (None,)
    owned = {owner.slot: owner for owner in owners}
    order = tuple(slots) or tuple(entry.slot for entry in config.slots)
    missing = [slot for slot in order if slot not in owned]
    if missing:
        raise GateError(
            f"{', '.join(missing)} runs nothing whose parameters could change; wait until "
            "it is started again"
        )
    runs: dict[str, tuple[str, ...]] = {}
    for slot in order:
        runs[owned[slot].release] = (*runs.get(owned[slot].release, ()), slot)
    usual = max(runs, key=lambda release: len(runs[release]))
    return PlanDocument(
        to_release=usual,
        staged=Staged(),
        made_wire_ms=wire_ms,
        commit=owned[order[0]].commit,
        config=config_id(config),
        change_class=PARAMETERS,
        plan=_plan(usual, owned[order[0]].commit, runs, order, PARAMETERS),
        options=Options(),
        params=tuple(
            ParamsChange(key=key, before=_before(config, key), after=str(value), slot=slot)
            for slot in named
            for key, value in sorted(changes.items())
        ),
        in_place=True,
    )


def _before(config: FleetConfig, key: str) -> str:
    """Return the fleet's configured value; a slot may have another one in force."""
    value: object = config.params
    for part in key.split("."):
        value = getattr(value, part, "-")
    return str(value) if not isinstance(value, msgspec.Struct) else "-"


def _plan(
    release: str, commit: str, runs: dict[str, tuple[str, ...]], order: tuple[str, ...], kind: str
) -> Plan:
    return Plan(
        to_release=release,
        commit=commit,
        from_releases=runs,
        files=(),
        change_class=kind,
        schema="unchanged",
        dependencies="unchanged",
        order=order,
        first_due_ms={},
        stays=(),
        refusals=(),
    )
