"""What the gate lets trade, as this gateway judges by it; read again while it serves.

A look lists a small folder; plans and signatures are read when a file of it came or went.
"""

import asyncio
from typing import Final

import msgspec

from actors.config import FleetConfig
from actors.gateway.risk_case import Rules
from actors.runtime import log_event
from checkpoints.approved_releases import CoverageReader
from checkpoints.errors import CheckpointsError
from checkpoints.storage import Storage

POLL_S: Final = 5.0
"""Wire, between two looks that nobody asked for: so late may the end of staged limits be seen."""


class Gate:
    """Reads the rules in force; an open gate reads nothing."""

    def __init__(self, storage: Storage, config: FleetConfig) -> None:
        keys = config.gate.operator_keys
        self._reader = None if config.gate_is_open else CoverageReader(storage, keys)
        self._reading = asyncio.Lock()
        self.rules = Rules(
            limits=config.risk,
            timing=config.timing,
            attested=None if self._reader is None else frozenset(),
            slots=frozenset(entry.slot for entry in config.slots),
        )

    async def read(self) -> Rules:
        """Return the rules by the files as they are now.

        With a disk that refuses, those read before stay: what was covered then trades on, what came
        since does not.
        """
        if self._reader is None:
            return self.rules
        async with self._reading:
            try:
                found = await asyncio.to_thread(self._reader.read)
            except (CheckpointsError, OSError) as error:
                log_event("gate_unreadable", reason=str(error))
                return self.rules
            self.rules = msgspec.structs.replace(
                self.rules, attested=found.releases, size_permille=found.size_permille
            )
        return self.rules
