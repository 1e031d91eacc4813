"""A generated year of a sixteen-slot journal: 1.7 million decisions in closed days of Parquet.

Flat columns are as a fleet writes them; the payload, which no report of a year reads, is left out.
Four releases follow each other, each change cutting through one window of the 15m slots.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from checkpoints.journal import JOURNAL, JOURNAL_SCHEMA
from checkpoints.sealed_parquet import encode_sealed_parquet
from signals.market import CYCLE_MS, DAY_MS, DEFAULT_SLOTS, Slot, day_of

START_MS: Final = 1_767_225_600_000
"""2026-01-01."""
CYCLES: Final = DAY_MS // CYCLE_MS
RELEASES: Final = tuple(letter * 64 for letter in "abcd")
TRADE_SHARE: Final = 0.2
"""Of decisions; each trade makes five more rows."""


def write_year(root: Path, days: int) -> int:
    """Write closed days; return the number of decisions."""
    rng = np.random.default_rng(1)
    (root / JOURNAL).mkdir(parents=True)
    sequence = dict.fromkeys(DEFAULT_SLOTS, 0)
    for day in range(days):
        tables = [_slot_day(slot, day, days, sequence, rng) for slot in DEFAULT_SLOTS]
        name = f"{day_of(START_MS + day * DAY_MS)}.parquet"
        whole = pa.concat_tables(tables).combine_chunks()
        (root / JOURNAL / name).write_bytes(encode_sealed_parquet(whole, {}))
    return days * CYCLES * len(DEFAULT_SLOTS)


def _slot_day(
    slot: Slot, day: int, days: int, sequence: dict[Slot, int], rng: np.random.Generator
) -> Any:
    due = START_MS + day * DAY_MS + np.arange(CYCLES) * CYCLE_MS + 20_000
    window = due - due % slot.timeframe.length_ms
    release = min(len(RELEASES) - 1, len(RELEASES) * day // days)
    traded = np.flatnonzero(rng.random(CYCLES) < TRADE_SHARE)
    mid = np.round(rng.uniform(0.1, 0.9, CYCLES), 2)
    won = rng.random(CYCLES) < mid
    parts = [
        {
            "kind": "decision",
            "market_ms": due,
            "due_ms": due,
            "window_open_ms": window,
            "action": np.where(np.isin(np.arange(CYCLES), traded), "trade", "no_trade"),
            "probability_up": np.clip(mid + rng.normal(0, 0.02, CYCLES), 0.01, 0.99),
            "market_mid_up": mid,
            "complete": np.full(CYCLES, fill_value=True),
        },
        *_orders(slot, due[traded], window[traded], mid[traded], won[traded]),
    ]
    order = np.argsort(np.concatenate([part["market_ms"] for part in parts]), kind="stable")
    whole = pa.concat_tables([_table(part) for part in parts]).take(pa.array(order))
    first = sequence[slot] + 1
    sequence[slot] += whole.num_rows
    fence = release + 1
    return _stamped(whole, slot, first, RELEASES[release], fence)


def _orders(slot: Slot, due: Any, window: Any, mid: Any, won: Any) -> Iterator[dict[str, Any]]:
    names = [f"{slot}/{opened}/{point}/0" for opened, point in zip(window, due, strict=True)]
    about = {
        "kind": "order_event",
        "due_ms": due,
        "window_open_ms": window,
        "condition_id": np.array([f"0x{slot}{opened}" for opened in window], dtype=object),
        "intent_id": np.array(names, dtype=object),
        "order_id": np.array([f"0x{name}" for name in names], dtype=object),
        "outcome": "Up",
        "side": "BUY",
        "style": "rest",
        "price_micro_usd": (mid * 100).astype(np.int64) * 10_000,
        "shares_micro": np.full(len(due), 10_000_000),
    }
    fill = np.array([f"t{name}" for name in names], dtype=object)
    fee = np.zeros(len(due), dtype=np.int64)
    yield about | {"action": "order_signed", "market_ms": due + 100}
    filled = {"action": "filled", "market_ms": due + 200, "fill_id": fill, "fee_micro_usd": fee}
    yield about | filled
    confirmed = {"kind": "order_event", "action": "fill_confirmed", "fill_id": fill}
    yield confirmed | {"market_ms": due + 300}
    yield about | {"action": "order_ended", "market_ms": due + 400}
    winner = np.where(won, "Up", "Down")
    settled_ms = window + slot.timeframe.length_ms + 10_000
    yield about | {"action": "settled", "market_ms": settled_ms, "outcome": winner}


def _table(part: dict[str, Any]) -> Any:
    rows = len(part["market_ms"])
    columns = []
    for field in JOURNAL_SCHEMA:
        value = part.get(field.name)
        if value is None:
            columns.append(pa.nulls(rows, field.type))
        elif isinstance(value, str):
            columns.append(pa.array([value] * rows, field.type))
        else:
            columns.append(pa.array(value, field.type))
    return pa.table(columns, names=JOURNAL_SCHEMA.names)


def _stamped(table: Any, slot: Slot, first: int, release: str, fence: int) -> Any:
    rows = table.num_rows
    opened = pa.array([release] * rows, pa.string())
    values: dict[str, Any] = {
        "slot": [str(slot)] * rows,
        "sequence": range(first, first + rows),
        "fence": [fence] * rows,
        "incarnation": [fence] * rows,
        "life": ["1-1"] * rows,
        "release": [release] * rows,
        "commit": ["c0ffee"] * rows,
        "params": ["p"] * rows,
        "wire_ms": table["market_ms"],
        "opened_release": opened,
        "opened_commit": ["c0ffee"] * rows,
        "opened_params": ["p"] * rows,
    }
    for name, value in values.items():
        place = table.schema.get_field_index(name)
        column = value if isinstance(value, pa.ChunkedArray) else pa.array(value)
        table = table.set_column(
            place, JOURNAL_SCHEMA.field(name), column.cast(JOURNAL_SCHEMA.field(name).type)
        )
    return table
