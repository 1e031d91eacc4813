"""One table of the file becomes a struct: unknown keys, types and ranges are refused by key."""

from typing import Any

import msgspec

from cluster.config.errors import ConfigError, allowed_values
from cluster.config.ranges import limits_of, within


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
        values[key] = convert(file, path, entry, fields[key].type)
        problem = within(path, values[key])
        if problem is not None:
            raise ConfigError(file, path, entry, problem)
    missing = [name for name, field in fields.items() if field.required and name not in values]
    if missing:
        raise ConfigError(file, f"{prefix}.{missing[0]}", None, "a value; it is not set")
    return kind(**values)


def convert(file: str, path: str, value: Any, kind: Any) -> Any:
    if isinstance(value, bool) and kind is not bool:
        raise ConfigError(file, path, value, allowed_values(kind, limits_of(path)))
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        raise ConfigError(file, path, value, allowed_values(kind, limits_of(path))) from None
