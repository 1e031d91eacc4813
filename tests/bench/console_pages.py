"""The console's pages of the record over a generated year: how long each takes, and its size.

`python -m tests.bench.console_pages [DAYS]`. Behind the closed days lies an open one with all its
flushes. Each page is loaded by the real app: first of all as a console that has just begun does it,
then three times more.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec

from checkpoints.journal import JOURNAL, encode_rows
from checkpoints.journal_rows import JournalRow, RowKind
from cluster.local.state_folder import StateFolder
from cluster.web.all_pages import PAGES
from signals.market import DAY_MS, DEFAULT_SLOTS, day_of
from tests.bench.audit.year import RELEASES, START_MS, write_year
from tests.bench.frame import Row, bench, row_at_most, row_free
from tests.cluster.web.console_client import client_of, log_in

DAYS: Final = 365
TIMES: Final = 3
MS_AIM: Final = 1_000.0
KB_AIM: Final = 250.0
FLUSHES: Final = 600
"""Of a slot's day: its decisions and what becomes of its orders."""
FIRST: Final = 10_000_000
FENCE: Final = 9
"""Above all that the year has."""
PAYLOAD_BYTES: Final = 3_000


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    wall_ms: float
    processor_ms: float
    size: int


def measure(days: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="ms-pages-") as folder:
        state = StateFolder(Path(folder))
        decisions = write_year(state.storage, days)
        flushes = _write_open_day(state.storage, START_MS + days * DAY_MS)
        rows = [
            Row(what=f"decisions in {days} generated days", measured=f"{decisions:,}"),
            Row(what="flushes of the open day", measured=f"{flushes:,}"),
        ]
        for path, loads in asyncio.run(_load(state)).items():
            rows += _rows(path, loads)
        return rows


def _rows(path: str, loads: list[Loaded]) -> list[Row]:
    first, later = loads[0], loads[1:]
    worst = max(later, key=lambda one: one.wall_ms)
    used = f"{worst.processor_ms:.0f} ms of processor"
    return [
        row_free(
            f"{path}: first time", first.wall_ms, "ms", f"{first.processor_ms:.0f} of processor"
        ),
        row_at_most(f"{path}: slowest of {TIMES} more", worst.wall_ms, MS_AIM, "ms", used),
        row_at_most(f"{path}: size", worst.size / 1_000, KB_AIM, "kB"),
    ]


def _write_open_day(root: Path, day_ms: int) -> int:
    """Write a whole day of flushes, as a day has that ends in a minute."""
    names = [str(slot) for slot in DEFAULT_SLOTS]
    for slot in names:
        folder = root / JOURNAL / day_of(day_ms) / slot
        folder.mkdir(parents=True)
        for number in range(1, FLUSHES + 1):
            due_ms = day_ms + number * (DAY_MS // FLUSHES) - 1_000
            row = JournalRow(
                kind=RowKind.DECISION, slot=slot, sequence=FIRST + number, fence=FENCE,
                incarnation=9, life="9-1", release=RELEASES[-1], commit="c0ffee", params="p1",
                market_ms=due_ms, wire_ms=due_ms, due_ms=due_ms,
                window_open_ms=due_ms - due_ms % 300_000,
                action="no_trade", reason="edge: too small to rest or take", probability_up=0.51,
                market_mid_up=0.5, fair_up=0.51, complete=True, payload=b"x" * PAYLOAD_BYTES,
            )  # fmt: skip
            name = f"{FIRST + number:012d}-{FENCE:08d}.arrow"
            (folder / name).write_bytes(encode_rows([row]))
    return FLUSHES * len(names)


async def _load(state: StateFolder) -> dict[str, list[Loaded]]:
    found: dict[str, list[Loaded]] = {}
    async with client_of(state) as client:
        await log_in(client, state)
        for path in (page.path for page in PAGES):
            for _ in range(1 + TIMES):
                began, used = time.monotonic(), time.process_time()
                answer = await client.get(path)
                assert answer.status_code == 200, answer.text
                loaded = Loaded(
                    wall_ms=(time.monotonic() - began) * 1_000,
                    processor_ms=(time.process_time() - used) * 1_000,
                    size=len(answer.content),
                )
                found.setdefault(path, []).append(loaded)
    return found


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else DAYS
    bench("Console pages over a generated year", lambda: measure(asked))
