"""Bring the fleet up, inside a Ray job: configuration, gateway, market data, supervisor, slots.

Run again, it finds what lives and creates only what is missing. It never replaces a living actor:
new code goes in by `rolling-update`, a new configuration after `stop`.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from actors.config import FleetConfig, Mode, config_id
from actors.directory import serving
from actors.live.refusals import exact_refusal
from actors.runtime import CONFIG_FILE
from actors.shared_kind import Kind
from actors.supervisor.status import SupervisorStatus
from actors.venue.keys import PrivateKeyError
from checkpoints.archive import archive_release, record_commit
from checkpoints.errors import DamagedError, MissingFileError
from checkpoints.release import release_of
from checkpoints.small_file import from_json
from checkpoints.storage import LocalStorage
from cluster.config.settings import (
    compare,
    extra_files,
    for_start,
    in_force,
    slots_that_lived,
    stored_config,
)
from cluster.errors import FleetError
from cluster.fleet import Call, FleetLink, RayLink, ask_one, gateway_to_create, owner_records
from cluster.gate.admission import check_covered
from cluster.gate.errors import GateRefusedError
from cluster.terminal.counting import counted

ACTOR_SECONDS: Final = 120.0
"""Wire. Creation of one actor with its imports: 1 .. 3 s quiet, far more on a busy machine."""
SLOTS_SECONDS: Final = 240.0
SECONDS_PER_SLOT: Final = 15.0
"""Wire, the larger of the two: sixteen slots start in about 14 s on two quiet cores."""
POLL_SECONDS: Final = 0.5
ROOT: Final = Path(__file__).resolve().parents[2]

Progress = Callable[[str, int, int], None]
"""(what, done, of how many)."""


class Launched(msgspec.Struct, frozen=True, kw_only=True):
    config: str
    release: str
    created: tuple[str, ...]
    found: tuple[str, ...]
    slots: int
    runs: dict[str, tuple[str, ...]] = {}
    """Release -> slots that really run it."""
    tree: str = ""
    """What `update` would roll in: this tree with the slots' part of the configuration."""
    with_roll: tuple[str, ...] = ()
    """What of the configuration is not in force until `update`."""


def config_in_force(
    storage: LocalStorage, wanted: FleetConfig, *, fleet_lives: bool
) -> FleetConfig:
    """Store what a start runs under and return it: slots that lived keep what they decide by."""
    config = for_start(stored_config(storage), wanted, slots_that_lived(storage))
    write_config(storage, config, fleet_lives=fleet_lives)
    return config


def write_config(storage: LocalStorage, config: FleetConfig, *, fleet_lives: bool) -> None:
    """Store the configuration that all actors read; refuse another one while a fleet lives."""
    data = msgspec.json.encode(config)
    try:
        stored = from_json(storage.read(CONFIG_FILE), FleetConfig, CONFIG_FILE)
    except (MissingFileError, DamagedError):
        stored = None
    if stored == config:
        return
    if fleet_lives and stored is not None:
        raise FleetError(
            f"a fleet runs with configuration {config_id(stored)[:12]}; this one is "
            f"{config_id(config)[:12]}. `midstride update` brings in what slots decide by; for the "
            "rest `midstride stop` first"
        )
    storage.write(CONFIG_FILE, data)


def launch(config: FleetConfig, commit: str, progress: Progress) -> Launched:
    """Create what is missing in order and wait until all slots are live; raise `FleetError`."""
    from actors.ray_actors import create  # the creator needs Ray; who imports this may not

    storage = LocalStorage(Path(config.storage))
    link = RayLink()
    supervisor = serving(storage, Kind.SUPERVISOR)
    names = (gateway_to_create(storage), serving(storage, Kind.MARKET_DATA), supervisor)
    living = tuple(name for name in names if _lives(name))
    wanted = config
    config = config_in_force(storage, wanted, fleet_lives=bool(living))
    release = record_release(storage, commit)
    if len(living) < len(names):
        _check_gate(storage, config, release)
        _check_confirmed(config, release)
    for place, name in enumerate(names):
        progress(name, place, len(names))
        if name not in living:
            create(name, config.storage, release)
        _await_ready(link, name)
    progress("slots", 0, len(config.slots))
    slots = _start_slots(link, supervisor, len(config.slots), progress)
    runs = running_releases(link, storage)
    usual = max(runs, key=lambda name: len(runs[name]), default="")
    edited = compare(config, wanted, "", in_force(storage, config, usual))
    return Launched(
        config=config_id(config),
        release=release,
        created=tuple(name for name in names if name not in living),
        found=living,
        slots=slots,
        runs=runs,
        tree=release_of(ROOT, commit, extra_files(edited)).release,
        with_roll=edited.with_roll,
    )


def running_releases(link: FleetLink, storage: LocalStorage) -> dict[str, tuple[str, ...]]:
    """Return which slots run which release, by the gateway's fence table: a claim names it."""
    found: dict[str, tuple[str, ...]] = {}
    for owner in owner_records(link, serving(storage, Kind.GATEWAY)):
        found[owner.release] = (*found.get(owner.release, ()), owner.slot)
    return found


def launched_lines(done: Launched) -> Iterator[str]:
    """Say what really came up, and how what did not come up comes in."""
    mixed = len(done.runs) > 1
    for release, slots in sorted(done.runs.items(), key=lambda one: -len(one[1])):
        named = f": {', '.join(sorted(slots))}" if mixed else ""
        count = counted(len(slots), "slot")
        yield f"{count} live on release {release[:12]}{named}"
    if mixed:
        yield (
            "a rolling update was cut short: `midstride rolling-update resume` goes on with it, "
            "`midstride rolling-update rollback` takes it back"
        )
    if set(done.runs) == {done.tree}:
        return
    if done.created and set(done.runs) != {done.release}:
        yield f"{', '.join(done.created)} run release {done.release[:12]} (this tree's code)"
    yield f"this tree is release {done.tree[:12]}; `midstride update` brings it into the slots"
    for line in done.with_roll:
        yield f"  the configuration's {line} is in force after `midstride update`"


def record_release(storage: LocalStorage, commit: str) -> str:
    """Archive this job's code and write down its commit, where attestation reads it."""
    release = archive_release(storage, ROOT, commit).release
    record_commit(storage, release, commit)
    return release


def _check_gate(storage: LocalStorage, config: FleetConfig, release: str) -> None:
    """Refuse to start code that the gateway would give no fence; the configuration is stored."""
    try:
        check_covered(storage, config, release)
    except GateRefusedError as error:
        raise FleetError(
            f"{error}. Let it in: `midstride gate first`, then `midstride gate approve PLAN --key "
            "FILE`, then `midstride gate first --apply PLAN` (each with --state), then start again "
            "without --fresh"
        ) from error


def _check_confirmed(config: FleetConfig, release: str) -> None:
    """Refuse a live start that nobody confirmed, however this job came to be."""
    if config.mode is not Mode.LIVE:
        return
    from actors.live.guard import start_of  # with it comes the venue's library

    try:
        refused = exact_refusal(start_of(config, release))
    except PrivateKeyError as error:
        raise FleetError(str(error)) from error
    if refused is not None:
        raise FleetError(refused)


def _lives(name: str) -> bool:
    from actors.ray_actors import actor_named

    try:
        actor_named(name)
    except ValueError:
        return False
    return True


def _await_ready(link: FleetLink, name: str) -> None:
    """Wait until the actor answers; an exchange that is not up yet is waited for by the actor."""
    deadline = time.monotonic() + ACTOR_SECONDS
    while True:
        left = max(0.1, deadline - time.monotonic())
        answer = link.ask([Call(name, "status")], left)[0]
        if isinstance(answer, bytes):
            return
        if time.monotonic() >= deadline:
            raise FleetError(
                f"{name} did not start in {ACTOR_SECONDS:.0f} s ({answer}): see `midstride logs`"
            )
        time.sleep(POLL_SECONDS)


def _start_slots(link: FleetLink, supervisor: str, wanted: int, progress: Progress) -> int:
    """Ask the supervisor for all slots and wait until each is live."""
    ask_one(link, Call(supervisor, "start_slots"), ACTOR_SECONDS)
    limit_s = max(SLOTS_SECONDS, wanted * SECONDS_PER_SLOT)
    deadline = time.monotonic() + limit_s
    live = 0
    while live < wanted:
        if time.monotonic() >= deadline:
            raise FleetError(
                f"{live} of {wanted} slots are live after {limit_s:.0f} s; "
                "`midstride status` and the job's log say more"
            )
        time.sleep(POLL_SECONDS)
        answer = link.ask([Call(supervisor, "status")])[0]
        if isinstance(answer, bytes):
            status = msgspec.msgpack.decode(answer, type=SupervisorStatus)
            live = sum(1 for slot in status.slots if slot.live)
            progress("slots", live, wanted)
    return live
