"""Look after look, for as long as this supervisor watches: actors by name, then the detectors."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from actors.slot.status import SlotNotRunning, SlotStatus
from actors.supervisor.detecting import Detecting
from actors.supervisor.events import Detected
from actors.supervisor.fleet_port import AskPort, slot_status
from actors.supervisor.loop import SupervisorLoop
from actors.supervisor.sightings import Stranger
from actors.supervisor.state import SupervisorState
from actors.undated import undated
from signals.market import Slot

POLL_SECONDS: Final = 1.0
"""Wire, between two looks. Asked, looked at and said: wrong code is an alarm within 5 s."""
STRANGERS_MAX: Final = 32
"""Asked in one look; a roll has two standbys."""


class NamesPort(AskPort, Protocol):
    async def names(self) -> list[str]:
        """Return the fleet's living actors by name; none where Ray does not answer."""


async def poll_forever(
    detecting: Detecting, loop: SupervisorLoop, fleet: NamesPort, wire_ms: Callable[[], float]
) -> None:
    """Look until cancelled. What a look finds is stepped by the loop like any other event.

    Strangers are asked beside it: one that starts, or hangs, holds up no look.
    """
    strangers: tuple[Stranger, ...] = ()
    asking = asyncio.create_task(find_strangers(fleet, loop.state))
    try:
        while True:
            if asking.done():
                strangers = asking.result()
                asking = asyncio.create_task(find_strangers(fleet, loop.state))
            found = await asyncio.to_thread(detecting.poll, loop.state, strangers, int(wire_ms()))
            if found:
                loop.post(undated(Detected, findings=found))
            await asyncio.sleep(POLL_SECONDS)
    finally:
        asking.cancel()


async def find_strangers(fleet: NamesPort, state: SupervisorState) -> tuple[Stranger, ...]:
    """Ask every actor that is named like a slot's and is not the one that is watched."""
    if state.stopping:
        return ()
    watched = {f"{slot.slot}/{slot.incarnation}" for slot in state.slots.values()}
    names = [name for name in await fleet.names() if name not in watched and _is_seat(name)]
    asked = sorted(names)[:STRANGERS_MAX]
    answers = await asyncio.gather(*(slot_status(fleet, name) for name in asked))
    return tuple(
        Stranger(slot=name.partition("/")[0], incarnation=int(name.partition("/")[2]), status=said)
        for name, said in zip(asked, answers, strict=True)
        if isinstance(said, SlotStatus | SlotNotRunning)
    )


def _is_seat(name: str) -> bool:
    slot, _, number = name.partition("/")
    return Slot.is_name(slot) and number.isdigit()
