"""State as keyed records: what a checkpoint stores, a handoff sends and a logical hash covers.

A struct becomes records ``(segment, key) -> canonical JSON``: each field of type ``dict[str, X]``
is a segment with one record per key, all other fields together are the record ``("head", "")``.
A prefix keeps two structs apart in one set, e.g. a slot's state and its strategy's memory.
"""

import functools
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar, get_args, get_origin

import msgspec

from checkpoints.errors import RefusedValueError

RecordKey = tuple[str, str]
"""(segment, key)."""
Records = dict[RecordKey, bytes]
"""Values are canonical JSON (UTF-8)."""
HEAD: Final = "head"

_S = TypeVar("_S", bound=msgspec.Struct)
_encoder = msgspec.json.Encoder(order="sorted")
_suspicious = re.compile(rb"null|-0\.0").search
"""msgspec writes NaN and infinities as null: only texts with null or -0.0 need the slow look."""


def canonical_json(value: Any) -> bytes:
    """Encode with sorted keys and shortest floats; raise `RefusedValueError` for NaN, inf, -0.0.

    Dictionaries have text keys; anything else is a `TypeError`.
    """
    text = _encoder.encode(value)
    if _suspicious(text):
        for number in _floats(value):
            if not math.isfinite(number) or (number == 0 and math.copysign(1, number) < 0):
                raise RefusedValueError(f"{number} has no canonical form, in {text[:200]!r}")
    return text


def _floats(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _floats(getattr(value, name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _floats(key)
            yield from _floats(item)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _floats(item)


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Which fields of a struct type are segments, and which are in the head record."""

    segments: tuple[tuple[str, str], ...]
    """(field, encoded name)."""
    head: tuple[tuple[str, str], ...]
    tag: tuple[str, str | int] | None


@functools.cache
def layout_of(kind: type[msgspec.Struct]) -> Layout:
    fields = msgspec.structs.fields(kind)
    segments = tuple((f.name, f.encode_name) for f in fields if _is_segment(f.type))
    head = tuple((f.name, f.encode_name) for f in fields if not _is_segment(f.type))
    assert HEAD not in {name for _, name in segments}, "the segment name 'head' is taken"
    config = kind.__struct_config__
    tag = None if config.tag is None else (config.tag_field or "type", config.tag)
    return Layout(segments=segments, head=head, tag=tag)


def _is_segment(annotation: Any) -> bool:
    return get_origin(annotation) is dict and get_args(annotation)[0] is str


def head_record(struct: msgspec.Struct) -> bytes:
    """Encode all fields that are not segments."""
    layout = layout_of(type(struct))
    values: dict[str, Any] = {name: getattr(struct, field) for field, name in layout.head}
    if layout.tag is not None:
        values[layout.tag[0]] = layout.tag[1]
    return canonical_json(values)


def records_of(struct: msgspec.Struct, prefix: str = "") -> Records:
    """Return the struct as records; raise `RefusedValueError`."""
    records: Records = {(prefix + HEAD, ""): head_record(struct)}
    for field, name in layout_of(type(struct)).segments:
        for key, value in getattr(struct, field).items():
            records[(prefix + name, key)] = canonical_json(value)
    return records


def struct_from_records(kind: type[_S], records: Mapping[RecordKey, bytes], prefix: str = "") -> _S:
    """Rebuild a struct; segments it does not know are another struct's and are left alone.

    Raises `msgspec.ValidationError` (also where the head record is missing).
    """
    parts: dict[str, list[bytes]] = {prefix + name: [] for _, name in layout_of(kind).segments}
    for (segment, key), value in records.items():
        if segment in parts:
            parts[segment].append(_encoder.encode(key) + b":" + value)
    head = records.get((prefix + HEAD, ""))
    if head is None:
        raise msgspec.ValidationError(f"no record of segment {prefix + HEAD!r}")
    members = [head.strip()[1:-1]] if head.strip()[1:-1].strip() else []
    for segment, items in parts.items():
        name = _encoder.encode(segment.removeprefix(prefix))
        members.append(name + b":{" + b",".join(items) + b"}")
    text = b"{" + b",".join(members) + b"}"
    return msgspec.json.decode(text, type=kind)


def struct_with(
    struct: _S, upserts: Mapping[RecordKey, bytes], deletes: Iterable[RecordKey], prefix: str = ""
) -> _S:
    """Return the struct with changed records applied; what did not change stays the same object.

    Raises `msgspec.ValidationError`.
    """
    kind = type(struct)
    changes: dict[str, Any] = {}
    head = upserts.get((prefix + HEAD, ""))
    if head is not None:
        fresh = struct_from_records(kind, {(prefix + HEAD, ""): head}, prefix)
        changes = {field: getattr(fresh, field) for field, _ in layout_of(kind).head}
    gone = set(deletes)
    for field, name in layout_of(kind).segments:
        segment = prefix + name
        changed = {key: value for (s, key), value in upserts.items() if s == segment}
        dropped = {key for s, key in gone if s == segment}
        if changed or dropped:
            before: dict[str, Any] = getattr(struct, field)
            kept = {key: value for key, value in before.items() if key not in dropped}
            changes[field] = kept | _values(kind, field, changed)
    return msgspec.structs.replace(struct, **changes)


def _values(kind: type[msgspec.Struct], field: str, texts: Mapping[str, bytes]) -> dict[str, Any]:
    declared = next(f.type for f in msgspec.structs.fields(kind) if f.name == field)
    value_type = get_args(declared)[1]
    return {key: msgspec.json.decode(text, type=value_type) for key, text in texts.items()}
