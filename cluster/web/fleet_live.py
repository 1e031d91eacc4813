"""The Fleet page, alive: when the fleet is asked, and the fragments of what came."""

import asyncio
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from actors.clock import wall_ms
from actors.gateway.lock import HALT_FILE
from actors.runtime import load_config
from checkpoints.alarms import ALARMS, AlarmState, AlarmStore
from checkpoints.errors import CheckpointsError
from checkpoints.journal import JOURNAL
from checkpoints.storage import LocalStorage
from cluster.errors import ClusterError
from cluster.local.state_folder import StateFolder
from cluster.status.dead_fleet import death_alarm, death_in
from cluster.web.asking import Asker
from cluster.web.fleet_seen import FleetSeen, learn, lose
from cluster.web.fleet_stored import stored_fleet
from cluster.web.fleet_tiles import Surroundings
from cluster.web.fleet_view import FleetView, fleet_view
from cluster.web.live import Piece
from cluster.web.render import Renderer
from cluster.web.trading_view import halted

CHECK_S: Final = 0.2
"""Wire: how often the folders are checked, which costs a tenth of a millisecond."""
ASK_S_MIN: Final = 0.4
"""Wire, between two rounds of questions."""
ASK_S: Final = 2.0
"""Wire: how often the fleet is asked where its folders do not change."""


class FleetSource:
    """What is known of the fleet; the source of the live page."""

    def __init__(self, state: StateFolder, renderer: Renderer) -> None:
        self._state = state
        self._storage = LocalStorage(state.storage)
        self._alarms = AlarmStore(self._storage)
        self._renderer = renderer
        self._asker = Asker(state)
        self._stamps: tuple[int, ...] = ()
        self._asked_s = 0.0
        self.seen: FleetSeen | None = None

    def view(self) -> FleetView:
        """Return the page of now, without asking the fleet. Reads files."""
        if self.seen is None:
            self.seen = stored_fleet(self._storage)
        return fleet_view(self.seen, self._around())

    async def read(self) -> Mapping[str, Piece]:
        await self._something_new()
        self._asked_s = time.monotonic()
        answer = await self._asker.ask()
        known = self.seen
        if known is None:
            known = await asyncio.to_thread(stored_fleet, self._storage)
        self.seen = lose(known, answer) if isinstance(answer, str) else learn(known, answer)
        return pieces(await asyncio.to_thread(self.view), self._renderer)

    async def rest(self) -> None:
        await self._asker.close()

    async def _something_new(self) -> None:
        """Wait until a folder changed or it is time anyway."""
        while True:
            passed_s = time.monotonic() - self._asked_s
            found = await asyncio.to_thread(stamps, self._state.storage)
            changed, self._stamps = found != self._stamps, found
            if passed_s >= ASK_S or (changed and passed_s >= ASK_S_MIN):
                return
            if changed:
                await asyncio.sleep(ASK_S_MIN - passed_s)
                return
            await asyncio.sleep(CHECK_S)

    def _around(self) -> Surroundings:
        problem, alarms = "", tuple[AlarmState, ...]()
        try:
            alarms = tuple(self._alarms.latched())
            if (death := death_in(self._state)) is not None:
                alarms = (*alarms, death_alarm(death))
        except (ClusterError, CheckpointsError, OSError) as error:
            problem = f"not all alarms can be read: {error}"
        return Surroundings(
            now_ms=int(wall_ms()),
            alarms=alarms,
            halted=halted(self._storage),
            disk_free_bytes=_free_bytes(self._state.root),
            speed=_speed(self._state.storage),
            problem=problem,
        )


def _free_bytes(root: Path) -> int | None:
    try:
        return shutil.disk_usage(root).free
    except OSError:
        return None


def _speed(storage: Path) -> int:
    try:
        return load_config(str(storage)).clock.speed
    except (CheckpointsError, OSError):
        return 1


def stamps(storage: Path) -> tuple[int, ...]:
    """Return the change times of whatever moves when something happens: journals, alarms, halt."""
    found = [_stamp(storage / HALT_FILE), _stamp(storage / ALARMS)]
    try:
        day = max(entry.path for entry in os.scandir(storage / JOURNAL) if entry.is_dir())
        found += [_stamp(Path(entry.path)) for entry in os.scandir(day)]
    except (OSError, ValueError):
        pass  # no journal yet
    return tuple(found)


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def pieces(view: FleetView, renderer: Renderer) -> dict[str, Piece]:
    """Cut the page into what can change by itself."""

    def text(template: str, **values: object) -> str:
        return renderer.text(f"fleet/{template}.html", **values)

    names = " ".join(row.slot for row in view.rows)
    return {
        "slots": Piece(html=text("slots", view=view), key=names),
        **{f"tile-{one.id}": Piece(html=text("tile", tile=one)) for one in view.tiles},
        **{f"slot-{row.slot}": Piece(html=text("row", row=row)) for row in view.rows},
        "wrong": Piece(html=text("wrong", view=view)),
        "pulse": Piece(html=text("pulse", view=view)),
    }
