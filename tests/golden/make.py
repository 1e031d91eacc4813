"""Keep checkpoints of the release that a fleet ran: `python -m tests.golden.make STATE`.

STATE is the state folder of a fleet that has traded and was ended, e.g. by
``make run FOR=90 FRESH=1 STATE=folder``. Of each timeframe the fullest slot's newest checkpoint is
kept under ``tests/golden/checkpoints/<release>-<slot>.arrow``; nothing that is there is replaced.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from checkpoints.checkpoint_store import CheckpointStore
from checkpoints.codec import Checkpoint
from checkpoints.storage import LocalStorage
from signals.market import DEFAULT_SLOTS, Timeframe

FOLDER: Final = Path(__file__).parent / "checkpoints"
RELEASE_SHOWN: Final = 12


def make(state: Path) -> Iterable[Path]:
    storage = LocalStorage(state / "storage")
    store = CheckpointStore(storage)
    for timeframe in Timeframe:
        slots = [str(slot) for slot in DEFAULT_SLOTS if slot.timeframe is timeframe]
        latest = [store.latest(slot) for slot in slots]
        found = [(each.name, each.checkpoint) for each in latest if each.name and each.checkpoint]
        name, checkpoint = max(found, key=lambda pair: len(pair[1].upserts))
        yield _keep(checkpoint, storage.read(name))


def _keep(checkpoint: Checkpoint, data: bytes) -> Path:
    meta = checkpoint.meta
    path = FOLDER / f"{meta.release[:RELEASE_SHOWN]}-{meta.slot}.arrow"
    with path.open("xb") as file:
        file.write(data)
    return path


if __name__ == "__main__":
    for kept in make(Path(sys.argv[1])):
        print(kept.relative_to(FOLDER.parent))
