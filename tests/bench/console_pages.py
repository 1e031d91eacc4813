"""The console's pages of the record over a generated year: how long each takes, and its size.

`python -m tests.bench.console_pages [DAYS]`. Each page is loaded three times by the real app; the
first one is cold.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from cluster.local.state_folder import StateFolder
from cluster.web.all_pages import PAGES
from tests.bench.audit.year import write_year
from tests.bench.frame import Row, bench, row_at_most, row_free
from tests.cluster.web.console_client import client_of, log_in

DAYS: Final = 365
TIMES: Final = 3
MS_AIM: Final = 1_000.0
KB_AIM: Final = 250.0


def measure(days: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="ms-pages-") as folder:
        state = StateFolder(Path(folder))
        decisions = write_year(state.storage, days)
        rows = [Row(what=f"decisions in {days} generated days", measured=f"{decisions:,}")]
        for path, times_ms, size in asyncio.run(_load(state)):
            worst = max(times_ms)
            rows += [
                row_at_most(f"page {path}: slowest of {TIMES}", worst, MS_AIM, "ms"),
                row_free(f"page {path}: fastest", min(times_ms), "ms"),
                row_at_most(f"page {path}: size", size / 1_000, KB_AIM, "kB"),
            ]
        return rows


async def _load(state: StateFolder) -> list[tuple[str, list[float], int]]:
    found = []
    async with client_of(state) as client:
        await log_in(client, state)
        for path in (page.path for page in PAGES):
            times_ms, size = [], 0
            for _ in range(TIMES):
                began = time.monotonic()
                answer = await client.get(path)
                times_ms.append((time.monotonic() - began) * 1_000)
                assert answer.status_code == 200, answer.text
                size = len(answer.content)
            found.append((path, times_ms, size))
    return found


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else DAYS
    bench("Console pages over a generated year", lambda: measure(asked))
