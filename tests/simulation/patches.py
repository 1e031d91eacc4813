"""What is put in the place of threads, clocks and slow codecs while a world runs."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import actors.gateway.loop
import actors.slot.strategy
import actors.supervisor.guard
import actors.supervisor.requests
import actors.supervisor.shared
import checkpoints.journal
from actors.rollout import abandoned_slots
from tests.simulation import quick_codec

if TYPE_CHECKING:
    from tests.simulation.world import World

REAL_EVERY: Final = 10
"""Every tenth seed writes and reads real Arrow journals and keeps the gateway's own pace."""
SLOW_TICK_MS: Final = 150
"""Wire, for the gateway's 50: its ticks are a fifth of all that happens, mostly for nothing."""
Patch = tuple[Any, str, Any]


def patches_of(world: "World") -> list[Patch]:
    found: list[Patch] = [
        (asyncio, "to_thread", world.to_thread),
        (abandoned_slots, "wire_ms", world.wire_ms_exact),
        (actors.supervisor.guard, "wire_ms", world.wire_ms_exact),
        (actors.supervisor.requests, "wire_ms", world.wire_ms_exact),
        (actors.supervisor.shared, "wire_ms", world.wire_ms_exact),
        (actors.slot.strategy, "time", SimpleNamespace(monotonic=world.loop.time)),
    ]
    if world.seed % REAL_EVERY:
        journal = checkpoints.journal
        found += [
            (actors.gateway.loop, "TICK_MS", SLOW_TICK_MS),
            (journal, "encode_rows", quick_codec.encode_rows),
            (journal, "decode_rows", quick_codec.decode_rows),
        ]
    return found


@contextmanager
def patched(patches: list[Patch]) -> Iterator[None]:
    before: list[Callable[[], None]] = []
    try:
        for owner, name, value in patches:
            old = getattr(owner, name)
            before.append(lambda o=owner, n=name, v=old: setattr(o, n, v))
            setattr(owner, name, value)
        yield
    finally:
        for restore in reversed(before):
            restore()
