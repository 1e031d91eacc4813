"""Arrow columns straight from Python values, and back.

`pyarrow.array` imports pandas where it is installed: 1.6 s and 58 MB in every actor, measured with
pyarrow 26. Columns are therefore built from buffers; reading fixed-width columns goes over
memoryview, ten times faster than `to_pylist`.
"""

from array import array
from collections.abc import Sequence
from enum import StrEnum
from itertools import accumulate
from types import NoneType, UnionType
from typing import Any, Final, get_args

import msgspec
import pyarrow as pa

_ARROW: Final[dict[Any, Any]] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    bytes: pa.binary(),
}


def text_column(values: Sequence[str | None]) -> Any:
    return _variable(pa.string(), [None if v is None else v.encode() for v in values])


def bytes_column(values: Sequence[bytes | None], kind: Any = None) -> Any:
    """Return a binary column, or with `kind` ``pa.string()`` one of UTF-8 text given as bytes."""
    return _variable(kind or pa.binary(), values)


def int_column(values: Sequence[int | None]) -> Any:
    validity, nulls = _validity(values)
    there: Sequence[Any] = [0 if v is None else v for v in values] if nulls else values
    data = pa.py_buffer(array("q", there))
    return pa.Array.from_buffers(pa.int64(), len(values), [validity, data], nulls)


def float_column(values: Sequence[float | None]) -> Any:
    validity, nulls = _validity(values)
    there: Sequence[Any] = [0.0 if v is None else v for v in values] if nulls else values
    data = pa.py_buffer(array("d", there))
    return pa.Array.from_buffers(pa.float64(), len(values), [validity, data], nulls)


def bool_column(values: Sequence[bool | None]) -> Any:
    validity, nulls = _validity(values)
    data = pa.py_buffer(_bitmap([bool(v) for v in values]))
    return pa.Array.from_buffers(pa.bool_(), len(values), [validity, data], nulls)


def build_column(kind: Any, values: Sequence[Any]) -> Any:
    """Build a column of one of the five types that this package stores."""
    if kind == pa.string():
        return text_column(values)
    if kind == pa.int64():
        return int_column(values)
    if kind == pa.float64():
        return float_column(values)
    return bool_column(values) if kind == pa.bool_() else bytes_column(values)


def schema_of(row: type[msgspec.Struct]) -> Any:
    """Return the Arrow schema of a struct's fields, in their order, by their annotations.

    Raises `TypeError` for a field that has none of the five types: no writer ever meets it.
    """
    return pa.schema([_arrow_field(row, field) for field in msgspec.structs.fields(row)])


def _arrow_field(row: type[msgspec.Struct], field: msgspec.structs.FieldInfo) -> Any:
    optional = isinstance(field.type, UnionType)
    kinds = [kind for kind in get_args(field.type) if kind is not NoneType]
    kind = kinds[0] if optional and len(kinds) == 1 else field.type
    plain = str if isinstance(kind, type) and issubclass(kind, StrEnum) else kind
    if plain not in _ARROW:
        known = ", ".join(known.__name__ for known in _ARROW)
        raise TypeError(f"column {row.__name__}.{field.name} is {field.type}, not one of {known}")
    return pa.field(field.name, _ARROW[plain], nullable=optional)


def column_values(column: Any) -> list[Any]:
    """Return a column's values; fixed-width ones without nulls without a detour over scalars."""
    if column.null_count or column.offset or column.type not in (pa.int64(), pa.float64()):
        values: list[Any] = column.to_pylist()
        return values
    view = memoryview(column.buffers()[1]).cast("B")[: 8 * len(column)]
    return [*view.cast("q")] if column.type == pa.int64() else [*view.cast("d")]


def _variable(kind: Any, values: Sequence[bytes | None]) -> Any:
    validity, nulls = _validity(values)
    full = [v or b"" for v in values]
    offsets = array("i", [0, *accumulate(map(len, full))])
    buffers = [validity, pa.py_buffer(offsets), pa.py_buffer(b"".join(full))]
    return pa.Array.from_buffers(kind, len(values), buffers, nulls)


def _validity(values: Sequence[Any]) -> tuple[Any, int]:
    """Return the validity bitmap (None where all are valid) and the number of nulls."""
    nulls = values.count(None)
    return (pa.py_buffer(_bitmap([v is not None for v in values])) if nulls else None), nulls


def _bitmap(bits: Sequence[bool]) -> bytes:
    """Pack bits, the first into the lowest: Arrow's order."""
    digits = "".join("1" if bit else "0" for bit in reversed(bits))
    return int(digits or "0", 2).to_bytes((len(bits) + 7) // 8 or 1, "little")
