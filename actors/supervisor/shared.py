"""A shared actor that Ray has given up, or whose release fails: the next one, and its name."""

import asyncio
from typing import Any, Final

import msgspec

from actors.directory import serving, write_name
from actors.gateway.holder import heir, name_heir, next_number
from actors.rollout.succession import Succession, recall, remember
from actors.runtime import wire_ms
from actors.shared_kind import Kind
from actors.supervisor.events import CreateShared
from actors.supervisor.fleet_port import FleetPort, Missing
from actors.supervisor.requests import Requests
from actors.supervisor.state import GATEWAY
from checkpoints.storage import Storage

READY_SECONDS: Final = 30.0
"""Wire. The gateway connects to the venue, market data gets warm: some seconds each."""
POLL_SECONDS: Final = 0.2
READY: Final = frozenset({"standing by", "serving", "starting", "watching"})
LEFT_OVER_MAX: Final = 8
"""Names tried beyond the present one: each is an actor that a handoff cut short left behind."""


async def renew_shared(requests: Requests, effect: CreateShared) -> str:
    """Bring the gateway or market data back under another name; return what was done.

    An heir that lives, named by a handover under way, needs nothing: it takes the authority by
    itself. Raises `CheckpointsError`, and `msgspec.DecodeError` for a damaged record of moves.
    """
    who, storage = effect.who, requests.storage
    present = await asyncio.to_thread(serving, storage, Kind(who))
    named = await asyncio.to_thread(heir, storage) if who == GATEWAY else present
    if named not in (None, present) and await _lives(requests.fleet, named):
        return f"{named} is the heir and lives"
    latest = await asyncio.to_thread(recall, storage, who)
    release = _release_to_create(effect.release, named, latest)
    first = await asyncio.to_thread(_next_number, storage, who, present)
    for number in range(first, first + LEFT_OVER_MAX):
        name = f"{who}/{number}"
        left_over = await requests.fleet.ask(name, "status")
        if isinstance(left_over, bytes) and _runs(left_over, release):
            await asyncio.to_thread(_name, storage, who, name)
            return f"{name} stood by and is named"
        if not isinstance(left_over, Missing):
            continue  # of another release, or silent: it leaves by itself
        if who == GATEWAY:
            await asyncio.to_thread(_name, storage, who, name)
        failure = await requests.fleet.create_shared(who, number, release)
        return f"{name} created" if failure is None else f"{name} not created: {failure}"
    return f"{LEFT_OVER_MAX} names are taken"


def _release_to_create(seen: str, named: str | None, latest: Succession | None) -> str:
    """Return the release that was seen last, or the one before where a roll took that one back.

    Then the files name its predecessor, which may be gone too.
    """
    if latest is None or not latest.before_release:
        return seen
    taken_back = (named, seen) == (latest.before_name, latest.release)
    return latest.before_release if taken_back else seen


def _runs(status: bytes, release: str) -> bool:
    """Tell whether a status names this release; one that names none is of the first releases."""
    said = _field_of(status, "release")
    return not release or said in ("", release)


async def take_back_shared(requests: Requests, effect: CreateShared) -> str:
    """Bring the gateway or market data back to the release before; return what was done."""
    fleet, storage = requests.fleet, requests.storage
    return await bring_back(fleet, storage, effect.who, (effect.bad, effect.release), effect.reason)


async def bring_back(
    fleet: FleetPort, storage: Storage, who: str, releases: tuple[str, str], reason: str
) -> str:
    """Replace an actor of the first release by one of the second, asking nothing of the bad one.

    It is ended only once its successor stands by, and with it one that was named and never came to
    serve. Raises `CheckpointsError` and `msgspec.DecodeError`.
    """
    bad, good = releases
    latest = await asyncio.to_thread(recall, storage, who)
    if latest is None or (latest.release, latest.before_release) != (bad, good):
        return "another one replaced it meanwhile"
    present = await asyncio.to_thread(serving, storage, Kind(who))
    heir_before = await asyncio.to_thread(heir, storage) if who == GATEWAY else None
    name, failure = await _create_next(fleet, storage, who, good)
    if failure is not None:
        return failure
    if not await _stands_by(fleet, name):
        await fleet.end_actor(name)
        return f"{name} does not stand by in {READY_SECONDS:.0f} s and was ended"
    done = Succession(
        kind=who,
        name=name,
        release=good,
        before_name=present,
        before_release="",
        wire_ms=int(wire_ms()),
        reason=reason,
    )
    await asyncio.to_thread(remember, storage, done)
    for bad_one in dict.fromkeys((heir_before or present, present)):
        await fleet.end_actor(bad_one)
    if who == GATEWAY:
        await fleet.ask(name, "take_over")
    else:
        await asyncio.to_thread(write_name, storage, Kind(who), name)
    return f"{name} serves under {good[:12]}"


async def replace_supervisor(fleet: FleetPort, storage: Storage, *, may_create: bool) -> str:
    """Name another supervisor than the one named, which no actor is; return what was done.

    A driver that dies between ending a successor and naming the old one again leaves this. One that
    lives is named: the old one, or what a handoff left standing by. Raises `CheckpointsError`.
    """
    who = Kind.SUPERVISOR
    present = await asyncio.to_thread(serving, storage, who)
    latest = await asyncio.to_thread(recall, storage, who)
    first = _next_number(storage, who, present)
    names = [f"{who}/{number}" for number in range(first, first + LEFT_OVER_MAX)]
    for name in names if latest is None else (latest.before_name, *names):
        if await _lives(fleet, name):
            await asyncio.to_thread(write_name, storage, who, name)
            return f"{name} lives and is named"
    if not may_create:
        return "nobody else lives; the fleet may be starting"
    name, failure = await _create_next(fleet, storage, who, "")
    if failure is not None:
        return failure
    await asyncio.to_thread(write_name, storage, who, name)
    return f"{name} created and named"


async def _create_next(
    fleet: FleetPort, storage: Storage, who: str, release: str
) -> tuple[str, str | None]:
    """Create an actor under the next free name; return the name, and why that failed or None."""
    present = await asyncio.to_thread(serving, storage, Kind(who))
    first = await asyncio.to_thread(_next_number, storage, who, present)
    for number in range(first, first + LEFT_OVER_MAX):
        name = f"{who}/{number}"
        if not isinstance(await fleet.ask(name, "status"), Missing):
            continue
        failure = await fleet.create_shared(who, number, release)
        return name, None if failure is None else f"{name} not created: {failure}"
    return "", f"{LEFT_OVER_MAX} names are taken"


async def _stands_by(fleet: FleetPort, name: str) -> bool:
    """Look at a successor until it stands by or, where nobody served, serves already."""
    for _ in range(int(READY_SECONDS / POLL_SECONDS)):
        answer = await fleet.ask(name, "status")
        if isinstance(answer, bytes) and _field_of(answer, "phase") in READY:
            return True
        await asyncio.sleep(POLL_SECONDS)
    return False


def _field_of(status: bytes, name: str) -> str:
    try:
        return str(msgspec.msgpack.decode(status, type=dict[str, Any]).get(name, ""))
    except msgspec.DecodeError:
        return ""


async def _lives(fleet: FleetPort, name: str | None) -> bool:
    return name is not None and not isinstance(await fleet.ask(name, "status"), Missing)


def _next_number(storage: Storage, who: str, present: str) -> int:
    return next_number(storage) if who == GATEWAY else int(present.rpartition("/")[2]) + 1


def _name(storage: Storage, who: str, name: str) -> None:
    """Market data names itself when it serves: there is nobody whose turn it could take."""
    if who == GATEWAY:
        name_heir(storage, name)
    else:
        write_name(storage, Kind(who), name)
