"""The operator's TOML file becomes the fleet's frozen configuration, or one clear error.

The tables mirror the structs of `actors.config`, so that a field appended there can be set at once.
What only the running machine knows (storage folder, clock, the sandbox's addresses) comes as a
`Deployment`, not from the file.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

import signals
from actors.config import FleetConfig, Mode, SlotConfig
from actors.detectors.policy import POLICY, Reaction
from actors.only_own_files import only_own_files
from actors.venue.kinds import VenueKind, kind_of
from cluster.config.errors import ConfigError
from cluster.config.slots import TWICE, slots_named, twice
from cluster.config.sources import sources_of
from cluster.config.tables import convert, read_table
from cluster.config.venue import Deployment, read_venue
from cluster.gate.settings import config_problems
from signals.market import DEFAULT_SLOTS
from signals.params import Params, ParamsError, load_params, override
from signals.strategy import StrategyError, load_strategy

DEFAULT_FILE: Final = Path(__file__).parents[1] / "configs" / "sandbox.toml"
DEPLOYED: Final = (
    "mode",
    "storage",
    "clock",
    "venue",
    "slots",
    "params",
    "params_set",
    "sources",
)
"""Fields of `FleetConfig` that are not read as tables of the same name."""
LABELS: Final[Mapping[VenueKind, dict[str, str]]] = {
    VenueKind.PAPER: {
        "paper": "PAPER: no order leaves this machine; fills are simulated from public data."
    },
    VenueKind.REHEARSAL: {
        "live": "LIVE REHEARSAL: no order leaves this machine; the venue is simulated here."
    },
    VenueKind.LIVE: {"live": "LIVE: orders and money are real."},
}
"""Said beside every result of such a fleet, whatever its file says."""
FIRST_LIVE_LIMITS: Final[Mapping[str, int]] = {
    "order_micro_usd": 5_000_000,
    "slot_exposure_micro_usd": 10_000_000,
    "fleet_exposure_micro_usd": 50_000_000,
    "settlement_net_up_micro_usd": 25_000_000,
    "daily_loss_micro_usd": 20_000_000,
}
"""As in cluster/configs/live.toml. A person raises them by naming another."""
SLOT_DEFAULTS: Final = "slot_defaults"


def read_config(file: Path, deployment: Deployment) -> FleetConfig:
    """Read, check and freeze; raise `ConfigError` naming file, key, value and what is allowed."""
    document = read_document(file)
    return build_config(str(file), document, deployment)


def read_document(file: Path) -> dict[str, Any]:
    """Parse the TOML text and check the mode; raise `ConfigError`."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(str(file), "", None, "a TOML file that exists") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(file), "", None, f"a readable TOML file ({error})") from error
    except (ValueError, RecursionError) as error:  # numbers too long to read, tables too deep
        if TWICE.search(str(error)):
            raise twice(str(file), str(error), file.read_text(encoding="utf-8-sig")) from error
        raise ConfigError(str(file), "", None, f"TOML ({error})") from error
    _check_mode(str(file), document)
    return document


def build_config(file: str, document: Mapping[str, Any], deployment: Deployment) -> FleetConfig:
    tables = {field.name: field for field in msgspec.structs.fields(FleetConfig)}
    own = [name for name in tables if name not in DEPLOYED]
    known = ["mode", "venue", "params", "slots", "sources", SLOT_DEFAULTS, *own]
    for key in document:
        if key not in known:
            raise ConfigError.unknown(file, key, known)
    params, changes = _params(file, document.get("params", {}))
    document = _with_first_limits(document)
    sections = {
        name: _section(file, name, tables[name].type, document[name])
        for name in own
        if name in document
    }
    mode = Mode(document["mode"])
    venue = read_venue(file, document.get("venue", {}), deployment, mode)
    config = FleetConfig(
        mode=mode,
        storage=deployment.storage,
        clock=deployment.clock,
        venue=venue,
        slots=_slots(file, document, params, venue.more_assets),
        params=params,
        params_set=changes,
        sources=sources_of(file, document, mode, deployment.exchanges),
        **sections,
    )
    _check_gate(file, config)
    if not config.sources and not venue.binance_url:
        raise ConfigError(file, "venue.binance_url", None, "an address, or `sources`")
    label = LABELS.get(kind_of(config))
    if label is None:
        return config
    return msgspec.structs.replace(config, labels={**label, **config.labels})


def _with_first_limits(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give a live file the first limits where it names none: those of a sandbox are far higher."""
    named = document.get("risk", {})
    if document["mode"] != Mode.LIVE or not isinstance(named, dict):
        return document
    return {**document, "risk": {**FIRST_LIVE_LIMITS, **named}}


def _check_gate(file: str, config: FleetConfig) -> None:
    if config.mode is Mode.LIVE and config.gate_is_open:
        raise ConfigError(file, "gate.mode", "open", "closed: live code needs an approval")
    for problem in config_problems(config.gate, is_open=config.gate_is_open):
        key, _, allowed = problem.partition(": must be ")
        if not allowed:
            raise ConfigError.because(file, "gate.operator_keys", problem)
        raise ConfigError(file, key, None, allowed)


def _check_mode(file: str, document: Mapping[str, Any]) -> None:
    mode = document.get("mode")
    if mode not in [entry.value for entry in Mode]:
        raise ConfigError(file, "mode", mode, "sandbox, paper or live")


def _section(file: str, name: str, kind: Any, value: Any) -> Any:
    if name == "labels":
        return convert(file, name, value, kind)
    if name == "policy":
        return _policy(file, value)
    return read_table(file, name, kind, value)


def _policy(file: str, value: Any) -> dict[str, Reaction]:
    """Read what alarms lead to; a kind that no alarm has is refused."""
    if not isinstance(value, dict):
        raise ConfigError(file, "policy", value, "a table [policy]")
    for kind in value:
        if kind not in POLICY:
            known = [f"policy.{name}" for name in POLICY]
            raise ConfigError.unknown(file, f"policy.{kind}", known)
    return {
        kind: convert(file, f"policy.{kind}", reaction, Reaction)
        for kind, reaction in value.items()
    }


def _params(file: str, tables: Any) -> tuple[Params, dict[str, Any]]:
    """Return this tree's parameters with the file's changes, and the changes by dotted key."""
    if not isinstance(tables, dict):
        raise ConfigError(file, "params", tables, "tables such as [params.sizing]")
    base = load_params((Path(signals.__file__).parent / "params.toml").read_text(encoding="utf-8"))
    changes: dict[str, Any] = {}
    for section, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigError(file, f"params.{section}", table, "a table of parameters")
        changes.update({f"{section}.{key}": value for key, value in table.items()})
    return _override(file, "params", base, changes), changes


def _override(file: str, prefix: str, base: Params, changes: Mapping[str, Any]) -> Params:
    try:
        return override(base, changes)
    except ParamsError as error:
        raise ConfigError.because(file, prefix, f"{prefix}.{error}") from error


def _slots(
    file: str, document: Mapping[str, Any], params: Params, more_assets: tuple[str, ...]
) -> tuple[SlotConfig, ...]:
    tables = document.get("slots", {str(slot): {} for slot in DEFAULT_SLOTS})
    defaults = document.get(SLOT_DEFAULTS, {})
    for key, table in (("slots", tables), (SLOT_DEFAULTS, defaults)):
        if not isinstance(table, dict) or (key == "slots" and not table):
            raise ConfigError(file, key, table, f"a table [{key}] with at least one entry")
    return tuple(
        _slot(file, str(slot), {**defaults, **_dict(file, str(slot), tables[str(slot)])}, params)
        for slot in slots_named(file, tables, more_assets)
    )


def _dict(file: str, name: str, entry: Any) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise ConfigError(file, f"slots.{name}", entry, "a table, e.g. { } for the defaults")
    return entry


def _slot(file: str, name: str, entry: dict[str, Any], params: Params) -> SlotConfig:
    prefix = f"slots.{name}"
    if "slot" in entry:
        raise ConfigError(file, f"{prefix}.slot", entry["slot"], "nothing; the key names the slot")
    slot: SlotConfig = read_table(file, prefix, SlotConfig, {"slot": name, **entry})
    _override(file, f"{prefix}.params", params, slot.params)
    try:
        with only_own_files():
            load_strategy(slot.strategy)
    except StrategyError as error:
        raise ConfigError.because(
            file, f"{prefix}.strategy", f"{prefix}.strategy: {error}"
        ) from error
    return slot
