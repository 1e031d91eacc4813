"""A shared actor that Ray has given up: name one that stands by, or create the next."""

import asyncio
from typing import Final

from actors.gateway.heir import heir, name_heir, next_number
from actors.market_data.client import CURRENT as MARKET_DATA_FILE
from actors.supervisor.events import CreateShared
from actors.supervisor.fleet_port import Missing
from actors.supervisor.requests import Requests, shared_name
from actors.supervisor.state import GATEWAY
from checkpoints.storage import Storage

LEFT_OVER_MAX: Final = 8
"""Names tried beyond the present one: each is an actor that a handoff cut short left behind."""


async def renew_shared(requests: Requests, effect: CreateShared) -> str:
    """Bring the gateway or market data back under another name; return what was done.

    An heir that lives, named by a handover under way, needs nothing: it takes the authority by
    itself. Raises `CheckpointsError`, and `msgspec.DecodeError` for a damaged record of moves.
    """
    who, storage = effect.who, requests.storage
    present = await asyncio.to_thread(shared_name, storage, who)
    named = await asyncio.to_thread(heir, storage) if who == GATEWAY else present
    if named not in (None, present) and await _lives(requests, named):
        return f"{named} is the heir and lives"
    first = await asyncio.to_thread(_next_number, storage, who, present)
    for number in range(first, first + LEFT_OVER_MAX):
        name = f"{who}/{number}"
        if await _lives(requests, name):
            await asyncio.to_thread(_name, storage, who, name)
            return f"{name} stood by and is named"
        if who == GATEWAY:
            await asyncio.to_thread(_name, storage, who, name)
        failure = await requests.fleet.create_shared(who, number, effect.release)
        return f"{name} created" if failure is None else f"{name} not created: {failure}"
    return f"{LEFT_OVER_MAX} names are taken"


async def _lives(requests: Requests, name: str | None) -> bool:
    return name is not None and not isinstance(await requests.fleet.ask(name, "status"), Missing)


def _next_number(storage: Storage, who: str, present: str) -> int:
    return next_number(storage) if who == GATEWAY else int(present.rpartition("/")[2]) + 1


def _name(storage: Storage, who: str, name: str) -> None:
    """Market data names itself when it serves: there is nobody whose turn it could take."""
    if who == GATEWAY:
        name_heir(storage, name)
    else:
        storage.write(MARKET_DATA_FILE, name.encode())
