"""Rows that are missing and clocks that went backwards, in each slot's own order."""

from collections.abc import Iterator
from typing import Any, Final, Protocol

import numpy as np

from cluster.audit.problem import Problem, rows_text

PROBLEMS_MAX: Final = 200
"""Named one by one; more of them say no more."""
_ROWS: Final = """
select slot::slot_name as slot, sequence, market_ms, wire_ms from valid
"""


class View(Protocol):
    """What is needed of a `JournalView`."""

    def run(self, statement: str) -> None: ...
    def arrow(self, query: str, *values: object) -> Any: ...


def broken_sequences(view: View) -> Iterator[Problem]:
    """Yield gaps and clocks that went backwards, at most `PROBLEMS_MAX`.

    In numpy, slot by slot: rows mostly come in order, and a database would sort them all.
    """
    view.run("drop type if exists slot_name")
    view.run("create type slot_name as enum (select distinct slot from rows order by slot)")
    table = view.arrow(_ROWS)
    codes = table["slot"].combine_chunks()
    numbers = codes.indices.to_numpy(zero_copy_only=False)
    columns = [table[name].to_numpy() for name in ("sequence", "market_ms", "wire_ms")]
    found = 0
    for number, slot in enumerate(codes.dictionary.to_pylist()):
        chosen = numbers == number
        for problem in _broken(slot, *(column[chosen] for column in columns)):
            if found == PROBLEMS_MAX:
                return
            found += 1
            yield problem


def _broken(slot: str, sequence: Any, market_ms: Any, wire_ms: Any) -> Iterator[Problem]:
    if len(sequence) and not (np.diff(sequence) > 0).all():
        order = np.argsort(sequence, kind="stable")
        sequence, market_ms, wire_ms = sequence[order], market_ms[order], wire_ms[order]
    steps = np.diff(sequence), np.diff(market_ms), np.diff(wire_ms)
    for place in np.flatnonzero((steps[0] != 1) | (steps[1] < 0) | (steps[2] < 0)):
        subject = f"{slot} row {sequence[place + 1]}"
        for clock, change_ms in (("market", steps[1][place]), ("wire", steps[2][place])):
            if change_ms < 0:
                said = f"{clock} time is {-change_ms} ms before that of the row before it"
                yield Problem(kind="clock_backwards", subject=subject, reason=said)
        if steps[0][place] == 0:
            yield Problem(kind="altered", subject=subject, reason="it is there twice")
        if steps[0][place] > 1:
            lost = rows_text(sequence[place] + 1, sequence[place + 1] - 1)
            said = f"{lost}, before it"
            yield Problem(kind="missing_rows", subject=subject, reason=said)
