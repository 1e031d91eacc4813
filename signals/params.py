"""Parameters of the signal: read from TOML, overridden by dotted key, named by content.

``signals/params.toml`` is the text of the defaults with unit and range (`to_toml` writes it). A
value outside its range, of another type or under an unknown name is refused with its key, its
value, what is allowed and the nearest valid name.
"""

import difflib
import hashlib
import math
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

import msgspec

from signals import param_sections as sections

Value = float | int | str


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """All that a strategy may be told. Frozen; `override` makes a changed copy."""

    weights: sections.Weights = sections.Weights()
    regime_weights: sections.RegimeWeights = sections.RegimeWeights()
    pattern: sections.PatternParams = sections.PatternParams()
    volume: sections.VolumeParams = sections.VolumeParams()
    alignment: sections.AlignmentParams = sections.AlignmentParams()
    confluence: sections.ConfluenceParams = sections.ConfluenceParams()
    positioning: sections.PositioningParams = sections.PositioningParams()
    regime: sections.RegimeParams = sections.RegimeParams()
    points: sections.PointsParams = sections.PointsParams()
    fair: sections.FairParams = sections.FairParams()
    blend: sections.Blend = sections.Blend()
    gate: sections.GateParams = sections.GateParams()
    edge: sections.EdgeParams = sections.EdgeParams()
    sizing: sections.SizingParams = sections.SizingParams()


class ParamsError(ValueError):
    """The operator must mend the key that the message names."""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one parameter."""

    key: str
    kind: type
    unit: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]

    @property
    def allowed(self) -> str:
        if self.choices:
            return " or ".join(self.choices)
        noun = "whole number" if self.kind is int else "number"
        return f"{noun} in {self.low} .. {self.high} ({self.unit})"


def _describe() -> Iterator[Field]:
    for section in msgspec.structs.fields(Params):
        for field in msgspec.structs.fields(section.type):
            info: Any = msgspec.inspect.type_info(field.type)
            meta = (
                info.extra_json_schema or {} if isinstance(info, msgspec.inspect.Metadata) else {}
            )
            inner: Any = info.type if isinstance(info, msgspec.inspect.Metadata) else info
            choices = getattr(inner, "values", ())
            yield Field(
                key=f"{section.name}.{field.name}",
                kind=type(field.default),
                unit=str(meta.get("description", "")),
                low=getattr(inner, "ge", None),
                high=getattr(inner, "le", None),
                choices=tuple(str(choice) for choice in choices),
            )


FIELDS: Final[dict[str, Field]] = {field.key: field for field in _describe()}
"""Every parameter by its dotted key."""


def load_params(toml_text: str) -> Params:
    """Read TOML tables over the defaults; raise `ParamsError` naming key, value and range."""
    try:
        document = tomllib.loads(toml_text)
    except tomllib.TOMLDecodeError as error:
        raise ParamsError(f"parameters are not TOML: {error}") from error
    changes: dict[str, Value] = {}
    for name, table in document.items():
        if not isinstance(table, dict):
            _unknown(name, table)
        for key, value in table.items():
            changes[f"{name}.{key}"] = value
    return override(Params(), changes)


def override(params: Params, changes: Mapping[str, Value]) -> Params:
    """Return a copy with dotted keys changed; raise `ParamsError` for the first bad one.

    Text is read as a number where a number belongs, so that ``--set key=value`` can pass it on.
    """
    tree: dict[str, dict[str, Value]] = msgspec.to_builtins(params)
    for key, value in changes.items():
        field = FIELDS.get(key)
        if field is None:
            _unknown(key, value)
        section, _, name = key.partition(".")
        tree[section][name] = _checked(field, value)
    changed = msgspec.convert(tree, Params)
    for wrong, message in _contradictions(changed):
        if wrong:
            raise ParamsError(message)
    return changed


def _contradictions(params: Params) -> Iterator[tuple[bool, str]]:
    points, volume, alignment = params.points, params.volume, params.alignment
    yield points.flat > points.act, f"points.flat = {points.flat}: at most points.act, {points.act}"
    shares = volume.ratio_share + volume.taker_share
    yield shares > 1, f"volume.ratio_share + volume.taker_share = {shares}: must be at most 1"
    fast, slow = alignment.fast_candles, alignment.slow_candles
    yield fast >= slow, f"alignment.fast_candles = {fast}: less than alignment.slow_candles, {slow}"


def params_id(params: Params) -> str:
    """Return the SHA-256, hex, of the parameters' canonical JSON."""
    return hashlib.sha256(msgspec.json.encode(params, order="sorted")).hexdigest()


def to_toml(params: Params) -> str:
    """Write all parameters as TOML, each with its unit and range."""
    lines = [
        "# Parameters of the signal. Defaults; `signals/param_sections.py` defines the ranges."
    ]
    for section in msgspec.structs.fields(Params):
        table = getattr(params, section.name)
        lines += ["", f"# {(type(table).__doc__ or '').splitlines()[0]}", f"[{section.name}]"]
        for name in table.__struct_fields__:
            value = getattr(table, name)
            text = f'"{value}"' if isinstance(value, str) else repr(value)
            lines.append(f"{name} = {text}  # {FIELDS[f'{section.name}.{name}'].allowed}")
    return "\n".join(lines) + "\n"


def _checked(field: Field, value: object) -> Value:
    if field.kind is str:
        if isinstance(value, str) and value in field.choices:
            return value
        raise _refusal(field, value)
    number = _number(value)
    if number is None or not math.isfinite(number) or field.low is None or field.high is None:
        raise _refusal(field, value)
    if field.kind is int and number != int(number):
        raise _refusal(field, value)
    if not field.low <= number <= field.high:
        raise _refusal(field, value)
    return int(number) if field.kind is int else float(number)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _refusal(field: Field, value: object) -> ParamsError:
    return ParamsError(f"{field.key} = {value!r}: must be {field.allowed}")


def _unknown(key: str, value: object) -> NoReturn:
    near = difflib.get_close_matches(key, FIELDS, n=1, cutoff=0.0)
    hint = f"; the nearest is {near[0]}" if near else ""
    raise ParamsError(f"{key} = {value!r}: no such parameter{hint}")
