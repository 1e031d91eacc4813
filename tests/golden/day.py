"""Keep a golden day: recorded decisions that every kept release must make again, bit for bit.

`python -m tests.golden.day` records `SLOTS` for `DECISIONS` cycles with the code of this tree (a
clean one: the release is kept). Journal, snapshots, parameters and the release's archive become one
zip, ``tests/golden/days/<release>.zip``. Nothing that is there is replaced.
"""

import tempfile
import zipfile
from pathlib import Path
from typing import Final

from checkpoints.archive import archive_release
from checkpoints.journal_days import compact_day
from checkpoints.storage import LocalStorage
from signals.market import Outcome
from tests.cluster.audit.builders import DAY, ROOT, Story

FOLDER: Final = Path(__file__).parent / "days"
SLOTS: Final = ("btc-5m", "btc-15m")
"""One asset: its two slots share their snapshots, which are most of the bytes."""
DECISIONS: Final = 8
RELEASE_SHOWN: Final = 12
MIDS: Final = (0.5, 0.42, 0.61, 0.35, 0.55, 0.48, 0.7, 0.3)
FUNDING: Final = (0.0001, 0.0001, -0.0002, -0.0003, 0.0001, 0.0, 0.0002, -0.0001)


def record(root: Path) -> str:
    """Record into a storage folder; return the release."""
    storage = LocalStorage(root)
    release = archive_release(storage, ROOT).release
    for slot in SLOTS:
        story = Story(storage, release, slot)
        for place in range(DECISIONS):
            fact = story.decide(mid_up=MIDS[place], funding=(*(0.0001,) * 5, FUNDING[place]))
            if fact.intents:
                order_id = story.sign(fact)
                story.confirm(story.fill(order_id))
                story.end(order_id)
                story.settle(fact, Outcome.UP if place % 2 else Outcome.DOWN)
    compact_day(storage, DAY, "2026-01-02")
    return release


def keep() -> Path:
    with tempfile.TemporaryDirectory() as folder:
        release = record(Path(folder))
        path = FOLDER / f"{release[:RELEASE_SHOWN]}.zip"
        FOLDER.mkdir(exist_ok=True)
        with zipfile.ZipFile(path, "x", zipfile.ZIP_LZMA) as archive:
            for file in sorted(Path(folder).rglob("*")):
                if file.is_file():
                    archive.write(file, file.relative_to(folder))
    return path


if __name__ == "__main__":
    print(keep().relative_to(FOLDER.parent))
