"""State as records: round trips, canonical values, deltas and the incremental hash."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from checkpoints import record_set
from checkpoints.errors import RefusedValueError, StaleMarkError
from checkpoints.record_set import RecordSet, logical_hash_of
from checkpoints.records import (
    canonical_json,
    records_of,
    struct_from_records,
    struct_with,
)


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    shares: int
    price: float | None = None


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    sequence: int = 0
    mean: float | None = None
    lots: dict[str, Lot] = {}
    notes: dict[str, str] = {}
    table: tuple[dict[str, int], ...] = ()


numbers = st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0 or 0.0)
keys = st.text(max_size=6)
lots = st.builds(Lot, shares=st.integers(-(2**53), 2**53), price=st.none() | numbers)
seats = st.builds(
    Seat,
    slot=st.text(max_size=8),
    sequence=st.integers(0, 2**60),
    mean=st.none() | numbers,
    lots=st.dictionaries(keys, lots, max_size=8),
    notes=st.dictionaries(keys, st.text(max_size=8), max_size=4),
    table=st.lists(st.dictionaries(keys, st.integers(-9, 9), max_size=3)).map(tuple),
)


@given(seats)
def test_a_struct_comes_back_from_its_records(seat: Seat) -> None:
    assert struct_from_records(Seat, records_of(seat)) == seat


@given(seats, seats)
def test_two_structs_live_in_one_set_under_prefixes(seat: Seat, memory: Seat) -> None:
    both = {**records_of(seat), **records_of(memory, "memory.")}
    assert struct_from_records(Seat, both) == seat
    assert struct_from_records(Seat, both, "memory.") == memory


def test_each_key_of_a_text_dictionary_is_a_record_and_the_rest_is_the_head() -> None:
    seat = Seat(
        slot="btc-5m", lots={"a": Lot(shares=1), "b": Lot(shares=2)}, table=({"y": 1, "x": 2},)
    )
    assert records_of(seat) == {
        ("head", ""): b'{"mean":null,"sequence":0,"slot":"btc-5m","table":[{"x":2,"y":1}]}',
        ("lots", "a"): b'{"price":null,"shares":1}',
        ("lots", "b"): b'{"price":null,"shares":2}',
    }


def test_a_tag_travels_in_the_head() -> None:
    class Tagged(msgspec.Struct, tag="tagged", frozen=True):
        items: dict[str, int] = {}

    state = Tagged(items={"a": 1})
    assert records_of(state)[("head", "")] == b'{"type":"tagged"}'
    assert struct_from_records(Tagged, records_of(state)) == state


def test_records_without_a_head_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="no record of segment 'head'"):
        struct_from_records(Seat, {})


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, -0.0])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x], lambda x: {"a": (1, {"b": x})}])
def test_numbers_without_a_canonical_form_are_refused(number: float, wrap: Any) -> None:
    with pytest.raises(RefusedValueError):
        canonical_json(wrap(number))
    with pytest.raises(RefusedValueError):
        records_of(Seat(slot="x", lots={"a": Lot(shares=1, price=number)}))


def test_text_that_looks_like_a_refused_number_passes() -> None:
    assert canonical_json(["-0.0", "null", None, -0.05]) == b'["-0.0","null",null,-0.05]'


@given(seats, seats, seats)
def test_applying_structs_gives_their_records_and_hash(a: Seat, b: Seat, memory: Seat) -> None:
    records = RecordSet(records_of(a))
    records.apply_struct(memory, "memory.")
    mark, before = records.mark(), records.records()
    records.apply_struct(b)
    wanted = {**records_of(b), **records_of(memory, "memory.")}
    assert records.records() == wanted
    assert records.logical_hash() == logical_hash_of(wanted)
    follower = RecordSet(before)
    follower.apply(records.changes_since(mark))
    assert follower.records() == wanted
    assert follower.logical_hash() == records.logical_hash()


@given(seats, seats, seats)
def test_a_struct_follows_deltas_as_its_records_do(a: Seat, b: Seat, memory: Seat) -> None:
    for prefix in ("", "memory."):
        records = RecordSet(records_of(memory, "" if prefix else "memory."))
        records.apply_struct(a, prefix)
        mark = records.mark()
        records.apply_struct(b, prefix)
        delta = records.changes_since(mark)
        assert struct_with(a, delta.upserts, delta.deletes, prefix) == b


def test_a_delta_leaves_untouched_parts_the_same_objects() -> None:
    seat = Seat(slot="x", lots={"a": Lot(shares=1), "b": Lot(shares=2)}, notes={"n": "1"})
    changed = struct_with(seat, {("lots", "c"): b'{"shares":3}'}, [("lots", "a")])
    assert changed.lots == {"b": Lot(shares=2), "c": Lot(shares=3)}
    assert changed.lots["b"] is seat.lots["b"]
    assert changed.notes is seat.notes


def test_a_segment_without_a_default_follows_a_changed_head() -> None:
    class Strict(msgspec.Struct, frozen=True):
        count: int
        items: dict[str, int]

    changed = struct_with(Strict(1, {"a": 1}), {("head", ""): b'{"count":2}'}, [])
    assert changed == Strict(2, {"a": 1})


@given(seats, lots)
def test_only_the_changed_record_travels(seat: Seat, lot: Lot) -> None:
    records = RecordSet()
    records.apply_struct(seat)
    mark = records.mark()
    changed = msgspec.structs.replace(seat, lots={**seat.lots, "new key": lot})
    records.apply_struct(changed)
    delta = records.changes_since(mark)
    assert delta.upserts == {("lots", "new key"): canonical_json(lot)}
    assert delta.deletes == ()


def test_a_refused_struct_does_not_hide_what_it_half_applied() -> None:
    records = RecordSet()
    good = Seat(slot="x", lots={"a": Lot(shares=1), "b": Lot(shares=1)})
    records.apply_struct(good)
    bad_lots = {"a": Lot(shares=2), "b": Lot(shares=2, price=math.nan)}
    with pytest.raises(RefusedValueError):
        records.apply_struct(msgspec.structs.replace(good, lots=bad_lots))
    records.apply_struct(msgspec.structs.replace(good, lots={**good.lots}))
    assert records.records() == records_of(good)


def test_the_hash_tells_segment_key_and_value_apart() -> None:
    cases: list[dict[tuple[str, str], bytes]] = [
        {},
        {("a", "bc"): b"d"},
        {("ab", "c"): b"d"},
        {("a", "b"): b"cd"},
        {("a", "bc"): b"d", ("a", "bd"): b"d"},
    ]
    assert len({RecordSet(case).logical_hash() for case in cases}) == len(cases)


def test_forgotten_deletions_are_refused_not_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_set, "REMEMBERED_DELETES_MAX", 10)
    records = RecordSet({("s", str(i)): b"1" for i in range(40)})
    start = records.mark()
    for i in range(40):
        records.delete("s", str(i))
    with pytest.raises(StaleMarkError):
        records.changes_since(start)
    late = records.mark()
    records.put("s", "new", b"2")
    assert records.changes_since(late).upserts == {("s", "new"): b"2"}


class RecordSetMachine(RuleBasedStateMachine):
    """A set against a plain dictionary, with a follower that is fed deltas."""

    def __init__(self) -> None:
        super().__init__()
        self.records = RecordSet()
        self.model: dict[tuple[str, str], bytes] = {}
        self.follower = RecordSet()
        self.mark = self.records.mark()

    @rule(segment=st.sampled_from("ab"), key=st.sampled_from("xyz"), value=st.binary(max_size=2))
    def put(self, segment: str, key: str, value: bytes) -> None:
        self.records.put(segment, key, value)
        self.model[(segment, key)] = value

    @rule(segment=st.sampled_from("ab"), key=st.sampled_from("xyz"))
    def delete(self, segment: str, key: str) -> None:
        self.records.delete(segment, key)
        self.model.pop((segment, key), None)

    @rule()
    def follow(self) -> None:
        self.follower.apply(self.records.changes_since(self.mark))
        self.mark = self.records.mark()
        assert self.follower.records() == self.model

    @invariant()
    def incremental_hash_equals_from_scratch(self) -> None:
        assert self.records.records() == self.model
        assert self.records.logical_hash() == logical_hash_of(self.model)
        assert self.records.logical_hash() == RecordSet(self.model).logical_hash()
        assert self.records._deleted >= 0


RecordSetMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestRecordSet = RecordSetMachine.TestCase
