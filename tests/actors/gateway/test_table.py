"""The gateway's tables against plain dictionaries: same content, same order, copies apart."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actors.gateway import table
from actors.gateway.table import Spec, Table

SPEC: Spec[int] = Spec(
    terms=lambda value: (f"mod/{value % 3}", *(("even",) if value % 2 == 0 else ())),
    amounts=lambda value: (("all", value), (f"mod{value % 3}", value)),
)
KEYS = st.sampled_from([f"k{number}" for number in range(12)])
CHANGES = st.lists(
    st.tuples(st.sampled_from(["set", "set", "del", "copy", "back"]), KEYS, st.integers(0, 50)),
    max_size=80,
)


def check(one: Table[int], like: dict[str, int]) -> None:
    assert list(one) == list(like)
    assert list(one.items()) == list(like.items())
    assert (len(one), bool(one)) == (len(like), bool(like))
    assert list(one.newest()) == list(reversed(like.values()))
    assert one == like
    for term in ("mod/0", "mod/1", "mod/2", "even"):
        wanted = [key for key, value in like.items() if term in SPEC.terms(value)]
        assert sorted(one.keys_of(term)) == sorted(wanted)
        assert one.has(term) == bool(wanted)
    assert {*one.terms("mod")} == {f"mod/{value % 3}" for value in like.values()}
    assert one.sum("all") == sum(like.values())
    assert all(one.get(f"k{n}") == like.get(f"k{n}") for n in range(12))
    assert all((f"k{n}" in one) == (f"k{n}" in like) for n in range(12))


@given(CHANGES, st.integers(1, 6))
def test_a_table_is_a_dictionary_whose_copies_are_apart(changes: Any, overlay: int) -> None:
    before, table.OVERLAY_MAX = table.OVERLAY_MAX, overlay  # type: ignore[misc]
    try:
        one, like = Table(spec=SPEC), dict[str, int]()
        kept: list[tuple[Table[int], dict[str, int]]] = []
        for what, key, value in changes:
            if what == "set":
                one[key] = like[key] = value
            elif what == "del":
                assert one.pop(key, None) == like.pop(key, None)
            elif what == "copy":
                kept.append((one, dict(like)))
                one = one.copy()
            elif kept:  # go on from an older state, as a refused write does
                kept.append((one, dict(like)))
                old, content = kept[0]
                one, like = old.copy(), dict(content)
        for old, content in [*kept, (one, like)]:
            check(old, content)
    finally:
        table.OVERLAY_MAX = before  # type: ignore[misc]
