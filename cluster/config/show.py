"""The effective configuration, key by key, with where each value comes from. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from actors.config import FleetConfig
from cluster.config.load import DEPLOYED, SLOT_DEFAULTS

FILE: Final = "file"
DEFAULT: Final = "default"
MACHINE: Final = "machine"
"""Filled in at the start: addresses, clock, storage."""


SECRET: Final = ("alarms.webhook_url", "alarms.command", "venue.rpc_url")
"""Addresses and commands often carry a token."""
HIDDEN: Final = "set, not shown: it may hold a token"


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    value: Any
    source: str
    """``file``, ``default``, ``slot_defaults`` of the file, ``release`` (signals/params.toml) or
    ``machine`` (filled in at the start)."""


def settings_of(config: FleetConfig, document: Mapping[str, Any]) -> tuple[Setting, ...]:
    """Return every setting in force and its source; what may hold a secret is not shown."""
    return tuple(map(_without_secret, _settings(config, document)))


def _without_secret(setting: Setting) -> Setting:
    if setting.key in SECRET and setting.value:
        return msgspec.structs.replace(setting, value=HIDDEN)
    if setting.source == MACHINE and setting.key.endswith("_url"):
        return msgspec.structs.replace(setting, value="set at the start")
    return setting


def _settings(config: FleetConfig, document: Mapping[str, Any]) -> Iterator[Setting]:
    yield Setting(key="mode", value=str(config.mode), source=FILE)
    for field in msgspec.structs.fields(FleetConfig):
        if field.name not in DEPLOYED:
            table = msgspec.to_builtins(getattr(config, field.name))
            yield from _table(field.name, table, document.get(field.name, {}), DEFAULT)
    venue = msgspec.to_builtins(config.venue)
    yield from _table("venue", venue, document.get("venue", {}), MACHINE)
    params = msgspec.to_builtins(config.params)
    yield from _table("params", params, document.get("params", {}), "release")
    for slot in config.slots:
        yield from _slot(msgspec.to_builtins(slot), document)


def _table(prefix: str, value: Any, given: Any, otherwise: str) -> Iterator[Setting]:
    """Yield a table's leaves; a key that the file has comes from the file."""
    if not isinstance(value, dict) or (not value and given == value):
        source = FILE if given == value and given not in ({}, None) else otherwise
        yield Setting(key=prefix, value=value, source=source)
        return
    for key, entry in value.items():
        inside = given.get(key, {}) if isinstance(given, Mapping) else {}
        if isinstance(entry, dict) and entry:
            yield from _table(f"{prefix}.{key}", entry, inside, otherwise)
        else:
            known = isinstance(given, Mapping) and key in given
            yield Setting(key=f"{prefix}.{key}", value=entry, source=FILE if known else otherwise)


def _slot(slot: dict[str, Any], document: Mapping[str, Any]) -> Iterator[Setting]:
    name = slot.pop("slot")
    own = document.get("slots", {}).get(name, {})
    shared = document.get(SLOT_DEFAULTS, {})
    for key, value in slot.items():
        source = FILE if key in own else SLOT_DEFAULTS if key in shared else DEFAULT
        yield Setting(key=f"slots.{name}.{key}", value=value, source=source)


def setting_lines(settings: tuple[Setting, ...]) -> Iterator[str]:
    """Yield one line a setting: key, value as TOML writes it, source."""
    width = max(len(setting.key) for setting in settings)
    for setting in settings:
        yield f"{setting.key:<{width}}  {toml_value(setting.value):<24}  # {setting.source}"


def toml_value(value: Any) -> str:
    """Write a value as TOML does; what TOML cannot say (nothing) is ``(not set)``."""
    if value is None:
        return "(not set)"
    if isinstance(value, dict):
        inside = ", ".join(f"{key} = {toml_value(entry)}" for key, entry in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:_}" if isinstance(value, int) else repr(value)
    return msgspec.json.encode(value).decode()
