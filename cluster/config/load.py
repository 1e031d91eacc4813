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
from actors.config import FleetConfig, Mode, SlotConfig, Venue
from actors.detectors.policy import POLICY, Reaction
from actors.market_data.sources.addresses import SourceAddress
from actors.only_own_files import only_own_files
from actors.venue.connect import ADAPTERS
from cluster.config.errors import ConfigError, allowed_values
from cluster.config.ranges import limits_of, within
from cluster.config.slots import TWICE, check_assets, slots_named, twice
from cluster.config.sources import sources_of
from cluster.gate.settings import config_problems
from signals.market import DEFAULT_SLOTS
from signals.market_time import MarketClock
from signals.params import Params, ParamsError, load_params, override
from signals.strategy import StrategyError, load_strategy

DEFAULT_FILE: Final = Path(__file__).parents[1] / "configs" / "sandbox.toml"
KEY_FIELDS: Final = (
    "private_key_file",
    "private_key_env",
    "wallet",
    "chain_id",
    "adapter",
    "more_assets",
)
"""Fields of `Venue` that a sandbox's file may set; its URLs come from the running exchange. A paper
file names the URLs, and stand-ins on this machine go before them."""
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
PAPER_LABEL: Final = "PAPER: no order leaves this machine; fills are simulated from public data."
"""Said beside every result of a paper fleet, whatever its file says."""
SLOT_DEFAULTS: Final = "slot_defaults"


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """What the file cannot know."""

    storage: str
    clock: MarketClock
    venue: dict[str, str]
    """Fields of `Venue` that the sandbox process reports."""
    exchanges: tuple[SourceAddress, ...] = ()
    """Stand-ins of the data exchanges that the sandbox process reports."""
    private_key_file: str | None = None
    """Used when the file names no key."""


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
    sections = {
        name: _section(file, name, tables[name].type, document[name])
        for name in own
        if name in document
    }
    mode = Mode(document["mode"])
    venue = _venue(file, document.get("venue", {}), deployment, mode)
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
    if mode is Mode.PAPER:
        labels = {"paper": PAPER_LABEL, **config.labels}
        config = msgspec.structs.replace(config, labels=labels)
    return config


def _check_gate(file: str, config: FleetConfig) -> None:
    for problem in config_problems(config.gate, is_open=config.gate_is_open):
        key, _, allowed = problem.partition(": must be ")
        raise ConfigError(file, key, None, allowed)


def _check_mode(file: str, document: Mapping[str, Any]) -> None:
    mode = document.get("mode")
    if mode not in [entry.value for entry in Mode]:
        raise ConfigError(file, "mode", mode, "sandbox, paper or live")
    if mode == Mode.LIVE:
        raise ConfigError(
            file, "mode", mode, "sandbox or paper; live trading does not exist yet and is refused"
        )


def _section(file: str, name: str, kind: Any, value: Any) -> Any:
    if name == "labels":
        return _convert(file, name, value, kind)
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
        kind: _convert(file, f"policy.{kind}", reaction, Reaction)
        for kind, reaction in value.items()
    }


def read_table(file: str, prefix: str, kind: type[msgspec.Struct], value: Any) -> Any:
    """Read one table as a struct: unknown keys, types and ranges are refused by key."""
    if not isinstance(value, dict):
        raise ConfigError(file, prefix, value, f"a table [{prefix}]")
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    values: dict[str, Any] = {}
    for key, entry in value.items():
        path = f"{prefix}.{key}"
        if key not in fields:
            raise ConfigError.unknown(file, path, [f"{prefix}.{name}" for name in fields])
        values[key] = _convert(file, path, entry, fields[key].type)
        problem = within(path, values[key])
        if problem is not None:
            raise ConfigError(file, path, entry, problem)
    missing = [name for name, field in fields.items() if field.required and name not in values]
    if missing:
        raise ConfigError(file, f"{prefix}.{missing[0]}", None, "a value; it is not set")
    return kind(**values)


def _convert(file: str, path: str, value: Any, kind: Any) -> Any:
    if isinstance(value, bool) and kind is not bool:
        raise ConfigError(file, path, value, allowed_values(kind, limits_of(path)))
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        raise ConfigError(file, path, value, allowed_values(kind, limits_of(path))) from None


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


def _venue(file: str, table: Any, deployment: Deployment, mode: Mode) -> Venue:
    if not isinstance(table, dict):
        raise ConfigError(file, "venue", table, "a table [venue]")
    fields = Venue.__struct_fields__ if mode is Mode.PAPER else KEY_FIELDS
    for key in table:
        if key == "private_key":
            raise ConfigError.because(
                file,
                "venue.private_key",
                "venue.private_key: a key never stands in a configuration; name its file with "
                "private_key_file or its environment variable with private_key_env",
            )
        if key not in fields:
            raise ConfigError.unknown(file, f"venue.{key}", [f"venue.{name}" for name in fields])
    if mode is Mode.PAPER:
        merged = _without_key(file, {**table, **deployment.venue})
    else:
        merged = {**deployment.venue, **table}
        if not table.get("private_key_file") and not table.get("private_key_env"):
            merged["private_key_file"] = deployment.private_key_file
    given = {key: value for key, value in merged.items() if value is not None}
    venue: Venue = read_table(file, "venue", Venue, given)
    if venue.adapter not in ADAPTERS:
        raise ConfigError(file, "venue.adapter", venue.adapter, " or ".join(ADAPTERS))
    check_assets(file, venue.more_assets)
    return venue


def _without_key(file: str, table: dict[str, Any]) -> dict[str, Any]:
    """Refuse a trading key in paper mode: nothing there reads one."""
    for key in ("private_key_file", "private_key_env", "wallet"):
        if table.get(key) is not None:
            raise ConfigError.because(
                file,
                f"venue.{key}",
                f"venue.{key}: paper trades without a trading key; remove this line",
            )
    return table


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
