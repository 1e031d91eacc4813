"""Hand-built Arrow columns equal those of pyarrow, without waking pandas."""

import subprocess
import sys
from array import array
from enum import StrEnum
from typing import Any, Union

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkpoints.columns import build_column, column_values, schema_of

CASES = {
    pa.string(): st.text(st.characters(codec="utf-8"), max_size=5),
    pa.binary(): st.binary(max_size=5),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float64(): st.floats(allow_nan=False),
    pa.bool_(): st.booleans(),
}


@pytest.mark.parametrize("kind", CASES, ids=str)
@given(data=st.data())
def test_a_column_equals_pyarrows_own(kind: Any, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.none() | CASES[kind], max_size=40))
    column = build_column(kind, values)
    column.validate(full=True)
    assert column.equals(pa.array(values, kind))
    assert column_values(column) == values
    assert column_values(column.slice(1)) == values[1:]


@pytest.mark.parametrize(
    "kind",
    [
        list[int],
        dict[str, int],
        int | str,
        int | str | None,
        int | list[int],
        tuple[int],
        msgspec.Struct,
        Any,
        "list[str] | None",
        Union[list[int], None],  # noqa: UP007 what an annotation can be
    ],
    ids=str,
)
def test_a_column_without_a_type_of_its_own_fails_where_the_schema_is_made(kind: Any) -> None:
    row = msgspec.defstruct("Row", [("slot", str), ("added", kind)])
    with pytest.raises(TypeError, match=r"column Row\.added is .* not one of str, int, float"):
        schema_of(row)


def test_a_new_column_has_the_type_that_its_field_says() -> None:
    class Side(StrEnum):
        BUY = "buy"

    fields = [("side", Side), ("shares", int | None), ("share", float), ("whole", bool | None)]
    fields += [("payload", bytes), ("reason", "str | None")]
    found = schema_of(msgspec.defstruct("Row", fields))
    assert [(field.name, field.type, field.nullable) for field in found] == [
        ("side", pa.string(), False),
        ("shares", pa.int64(), True),
        ("share", pa.float64(), False),
        ("whole", pa.bool_(), True),
        ("payload", pa.binary(), False),
        ("reason", pa.string(), True),
    ]


def test_a_buffer_that_is_longer_than_its_column_adds_no_values() -> None:
    data = pa.py_buffer(array("q", [4, 5, 6, 7, 8, 9, 10, 11, 12]))
    column = pa.Array.from_buffers(pa.int64(), 8, [None, data])
    assert column_values(column) == [4, 5, 6, 7, 8, 9, 10, 11]


def test_a_slot_does_not_pay_for_pandas() -> None:
    program = (
        "import sys; from tests.checkpoints.builders import *;"
        "from checkpoints.snapshots import *; from checkpoints.journal import *;"
        "from checkpoints.codec import *; from checkpoints.record_set import logical_hash_of;"
        "decode_snapshot(encode_snapshot(snapshot())); decode_rows(encode_rows([row(1)]));"
        "decode_checkpoint(encode_checkpoint(meta(logical_hash=logical_hash_of({})), {}));"
        "print('pandas' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=180
    )
    assert done.stdout == "False\n"
