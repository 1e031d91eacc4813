"""Open a slot's loop from identity alone: attest, configure, recover."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from actors.attest import attest_process
from actors.clock import instant
from actors.config import SETTINGS_FILE, FleetConfig, SlotSettings
from actors.only_own_files import only_own_files
from actors.runtime import life_id, load_config
from actors.slot.loop import Shell, SlotLoop
from actors.slot.ports import GatewayPort, SnapshotPort
from actors.slot.recovery import MemoryKind, Recovery, recover
from actors.slot.requests import Requests
from actors.slot.seat import Identity, Rules, Seat, open_seat
from actors.slot.strategy import StrategyRunner
from actors.slot.versions import schemas_of
from checkpoints.record_set import RecordSet
from checkpoints.storage import LocalStorage, Storage
from signals.params import Params, ParamsError, load_params, override, params_id
from signals.strategy import Strategy, load_strategy

PARAMS_FILE: Final = Path(__file__).resolve().parents[2] / "signals" / "params.toml"
"""Of the release that this process runs."""
OWN_SETTINGS: Final = Path(__file__).resolve().parents[2] / SETTINGS_FILE
PARAMS: Final = "params"
"""Storage folder of parameters by id: what a decision's tag stands for."""


class SeatName(msgspec.Struct, frozen=True, kw_only=True):
    """Identity: all that a slot's constructor is given."""

    storage_root: str
    slot: str
    incarnation: int

    def __str__(self) -> str:
        return f"{self.slot}/{self.incarnation}"


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    leave: Callable[[str], None]
    observe: Callable[[Seat, Seat], None]


def attest_seat(name: SeatName, pid: int, node_id: str) -> Identity:
    """Say who this process is; raise `AttestationError` if it runs mixed-up code."""
    attestation = attest_process(name.storage_root, pid, node_id)
    return Identity(
        slot=name.slot, incarnation=name.incarnation, life=life_id(), attestation=attestation
    )


def open_loop(
    name: SeatName, who: Identity, gateway: GatewayPort, snapshots: SnapshotPort, hooks: Hooks
) -> SlotLoop:
    """Read configuration, strategy and state; raise what keeps the slot from starting."""
    config = with_own_settings(load_config(name.storage_root))
    storage = LocalStorage(Path(name.storage_root))
    strategy_name = config.slot(name.slot).strategy
    with only_own_files():
        strategy = load_strategy(strategy_name)
    words = schemas_of(strategy_name, strategy)
    memory = MemoryKind(strategy=strategy_name, kind=strategy.Memory, words=words)
    found = recover(storage, name.slot, memory)
    params, left_out = _params(config, name.slot, found)
    store_params(storage, params)
    seat = open_seat(
        who=who,
        rules=_rules(config, name.slot, strategy_name, strategy),
        params=params,
        params_id=params_id(params),
        state=found.state,
        memory=found.memory,
        checkpoint_outbox_sequence=found.checkpoint_outbox_sequence,
    )
    requests = Requests(
        who=who,
        gateway=gateway,
        snapshots=snapshots,
        storage=storage,
        runner=StrategyRunner(strategy, who.seat.timeframe, RecordSet()),
        memory=memory,
    )
    now = partial(instant, config.clock)
    shell = Shell(now=now, leave=hooks.leave, observe=hooks.observe)
    return SlotLoop(seat, requests, shell, (*_damage(found), *left_out))


def with_own_settings(config: FleetConfig) -> FleetConfig:
    """Put the settings in force that came with this process's release, if any did."""
    if not OWN_SETTINGS.is_file():
        return config
    return config.under(msgspec.json.decode(OWN_SETTINGS.read_bytes(), type=SlotSettings))


def _params(config: FleetConfig, slot: str, found: Recovery) -> tuple[Params, tuple[str, ...]]:
    """Return the fleet's parameters with this slot's own, and what was set in place since.

    What was set in place under a newer release may be unknown to this one: it is left out, and
    named, so that a slot that goes back to an older release decides.
    """
    base = config.params
    if config.params_set is not None:
        own = load_params(PARAMS_FILE.read_text(encoding="utf-8"))
        base = override(own, config.params_set)
    params = override(base, config.slot(slot).params)
    try:
        return override(params, found.state.params_set), ()
    except ParamsError:
        return _one_by_one(params, found.state.params_set)


def _one_by_one(
    params: Params, changes: Mapping[str, float | int | str]
) -> tuple[Params, tuple[str, ...]]:
    left_out: list[str] = []
    for key, value in changes.items():
        try:
            params = override(params, {key: value})
        except ParamsError as error:
            left_out.append(f"params: {key} = {value} is not in force: {error}")
    return params, tuple(left_out)


def store_params(storage: Storage, params: Params) -> None:
    """Keep the values that a parameter id stands for; the same id is the same content."""
    storage.create(f"{PARAMS}/{params_id(params)}.json", msgspec.json.encode(params))


def _rules(config: FleetConfig, slot: str, name: str, strategy: Strategy) -> Rules:
    return Rules(
        timing=config.timing,
        clock=config.clock,
        allocation_micro_usd=config.slot(slot).allocation_micro_usd,
        strategy=name,
        memory_version=strategy.MEMORY_VERSION,
    )


def _damage(found: Recovery) -> tuple[str, ...]:
    named = tuple(f"{damage.name}: {damage.kind}: {damage.reason}" for damage in found.damaged)
    return named if found.gap is None else (*named, f"journal: {found.gap}")
