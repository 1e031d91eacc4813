"""Schema upgrades, on invented versions of an invented state."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkpoints.codec import SCHEMA_VERSION
from checkpoints.errors import UpgradePathError
from checkpoints.record_set import Delta, RecordSet
from checkpoints.records import Records, canonical_json
from checkpoints.upgrades import SLOT_STATE, Added, Row, Step, UpgradeChain, memory_chain


def add_peak(row: Row) -> Iterable[Row]:
    """Version 2: each lot has a peak price, at first null."""
    segment, key, value = row
    yield (segment, key, {**value, "peak": None}) if segment == "lots" else row


def drop_peak(row: Row) -> Iterable[Row]:
    segment, key, value = row
    if segment == "lots":
        value = {name: item for name, item in value.items() if name != "peak"}
    yield segment, key, value


def split(row: Row) -> Iterable[Row]:
    """Version 3: a lot's cost becomes a record of its own segment."""
    segment, key, value = row
    if segment != "lots":
        yield row
        return
    yield "lots", key, {name: item for name, item in value.items() if name != "cost"}
    if value["cost"]:
        yield "costs", key, value["cost"]


def renamed(row: Row) -> Iterable[Row]:
    segment, key, value = row
    yield ("lots2", key + "!", value) if segment == "lots" else row


def renamed_back(row: Row) -> Iterable[Row]:
    segment, key, value = row
    yield ("lots", key[:-1], value) if segment == "lots2" else row


PEAK = Step(up=add_peak, down=drop_peak, added=(Added(segment="lots", field="peak", initial=None),))
RENAME = Step(up=renamed, down=renamed_back)
CHAIN = UpgradeChain(name="invented", steps=(PEAK, RENAME))
lots = st.dictionaries(st.text(max_size=3), st.integers(-5, 5), max_size=6)


def state(costs: dict[str, int]) -> Records:
    rows: Records = {("lots", key): canonical_json({"cost": cost}) for key, cost in costs.items()}
    return {**rows, ("head", ""): b'{"slot":"x"}', ("memory.lots", "m"): b'{"cost":1}'}


@given(lots)
def test_up_and_down_through_all_versions_is_the_same_state(costs: dict[str, int]) -> None:
    before = state(costs)
    for target in (1, 2, 3):
        there = CHAIN.prove(before, 1, target)
        assert CHAIN.convert(there, target, 1) == before
    assert there[("memory.lots", "m")] == b'{"cost":1}', "another chain's records stay"
    assert {key[0] for key in there} <= {"head", "lots2", "memory.lots"}


@given(lots, lots, st.sets(st.text(max_size=3), max_size=3))
def test_a_converted_delta_on_a_converted_base_is_the_converted_state(
    costs: dict[str, int], changed: dict[str, int], gone: set[str]
) -> None:
    splitting = UpgradeChain(name="split", steps=(Step(up=split, down=lambda row: [row]),))
    for chain, target in ((CHAIN, 3), (splitting, 2)):
        base = state(costs)
        upserts: Records = {("lots", k): canonical_json({"cost": v}) for k, v in changed.items()}
        delta = Delta(upserts=upserts, deletes=tuple(("lots", key) for key in gone - set(changed)))
        old, new = RecordSet(base), RecordSet(chain.convert(base, 1, target))
        old.apply(delta)
        new.apply(chain.convert_delta(base, delta, 1, target))
        assert new.records() == chain.convert(old.records(), 1, target)


def test_a_step_that_loses_something_is_refused_with_what_it_lost() -> None:
    lossy = UpgradeChain(name="lossy", steps=(Step(up=split, down=lambda row: [row]),))
    with pytest.raises(UpgradePathError, match=r"lossy: 1 -> 2 -> 1 changes lots 'a' from"):
        lossy.prove(state({"a": 3}), 1, 2)


def test_an_added_field_with_another_value_than_declared_is_refused() -> None:
    wrong = UpgradeChain(
        name="wrong",
        steps=(
            Step(
                up=add_peak,
                down=drop_peak,
                added=(Added(segment="lots", field="peak", initial=0),),
            ),
        ),
    )
    with pytest.raises(UpgradePathError, match="begins with peak = None, declared 0"):
        wrong.prove(state({"a": 3}), 1, 2)


def test_two_records_that_become_one_are_refused() -> None:
    def merge(row: Row) -> Iterable[Row]:
        yield "lots", "all", row[2]

    merging = UpgradeChain(name="merging", steps=(Step(up=merge, down=merge),))
    with pytest.raises(UpgradePathError, match="two records become"):
        merging.convert(state({"a": 1, "b": 2}), 1, 2)


@pytest.mark.parametrize(("source", "target"), [(1, 4), (4, 1), (0, 1)])
def test_an_unknown_version_is_refused_with_what_to_do(source: int, target: int) -> None:
    with pytest.raises(UpgradePathError, match="is not known here"):
        CHAIN.convert({}, source, target)


def test_a_strategys_memory_has_its_own_chain() -> None:
    chain = memory_chain("mine", 2, [(add_peak, drop_peak)])
    converted = chain.prove(state({"a": 1}), 1, 2)
    assert converted[("memory.lots", "m")] == b'{"cost":1,"peak":null}'
    assert converted[("lots", "a")] == b'{"cost":1}'
    with pytest.raises(UpgradePathError, match="needs 2"):
        memory_chain("mine", 3, [(add_peak, drop_peak)])


def test_the_slots_own_chain_reaches_the_version_that_is_written() -> None:
    assert SLOT_STATE.newest == SCHEMA_VERSION
    records: Records = {("head", ""): b"{}"}
    for version in range(1, SCHEMA_VERSION + 1):
        proved: Any = SLOT_STATE.prove(records, version, SCHEMA_VERSION)
        assert proved is not None
