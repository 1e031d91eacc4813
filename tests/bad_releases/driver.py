"""The test's end of the driving job: lay an order down, wait for its outcome."""

import shutil
from pathlib import Path

import msgspec

from tests.bad_releases.drive import Order, Outcome
from tests.rolling_update.fleet import Fleet
from tests.rolling_update.trees import ROOT

ROLL_SECONDS = 240.0
"""Wire. A roll with the shared actors takes half a minute quiet; beyond this it hangs."""


class Driver:
    """One job in a fleet; it ends with the fleet's head at the latest."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self._fleet = fleet
        self._folder = folder
        self._count = 0
        folder.mkdir()
        shutil.copy(ROOT / "tests/bad_releases/drive.py", fleet.tree / "drive_many.py")
        words = ("drive_many.py", str(fleet.state.storage), str(folder))
        fleet.job(fleet.tree, *words, wait=False)

    def do(self, order: Order, seconds: float = ROLL_SECONDS) -> Outcome:
        """Do one order; raise `AssertionError` where it does not end."""
        asked = self._folder / f"{self._count}.written"
        asked.write_bytes(msgspec.json.encode(order))
        asked.rename(self._folder / f"{self._count}.order")
        answer = self._folder / f"{self._count}.outcome"
        self._fleet.wait(answer.exists, f"end of {order}", seconds)
        self._count += 1
        return msgspec.json.decode(answer.read_bytes(), type=Outcome)

    def end(self) -> None:
        (self._folder / "end").touch()
