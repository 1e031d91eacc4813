"""Who may take the gateway's authority: the actor that serves, or whom it was passed on to.

``gateway/current`` names the last one that served; ``gateway/moves`` says of each that gave the
authority up, to whom. Following the moves from the current one gives the heir, and only the heir
may take the lock: an old gateway that Ray starts again finds its own name among the moves, answers
`Moved` and leaves. A take-back is a move too: it names the old one and bars its successor.
"""

from typing import Final

import msgspec

from actors.gateway.lock import CURRENT_FILE, Current
from checkpoints.errors import MissingFileError
from checkpoints.storage import Storage

MOVES_FILE: Final = "gateway/moves"
MOVES_KEPT: Final = 64
"""Newest; an actor that gave up the authority so many handovers ago has left long since."""
KIND: Final = "gateway"


class Move(msgspec.Struct, frozen=True, kw_only=True):
    to: str
    beat_wire_ms: int = 0
    """Last heartbeat that the venue took from the one that moved; 0: not known."""


Moves = dict[str, Move]


def read_moves(storage: Storage) -> Moves:
    """Return all moves, oldest first; raise `msgspec.DecodeError`: nobody takes a doubtful lock."""
    try:
        return msgspec.json.decode(storage.read(MOVES_FILE), type=Moves)
    except MissingFileError:
        return {}


def current_name(storage: Storage) -> str | None:
    """Return the gateway that served last, None before the first."""
    try:
        return msgspec.json.decode(storage.read(CURRENT_FILE), type=Current).name
    except MissingFileError:
        return None


def heir(storage: Storage) -> str | None:
    """Return the only gateway that may take the lock; None before the first: any may."""
    name = current_name(storage)
    return None if name is None else _follow(read_moves(storage), name)


def _follow(moves: Moves, name: str) -> str:
    for _ in range(len(moves)):
        if name not in moves:
            return name
        name = moves[name].to
    assert name not in moves, f"moves in a circle: {moves}"
    return name


def name_heir(storage: Storage, to: str, beat_wire_ms: int = 0) -> None:
    """Pass the authority on to an actor, durably; whoever was to have it is barred from now on."""
    moves = {name: move for name, move in read_moves(storage).items() if name != to}
    before = heir(storage)
    if before is not None and before != to:
        moves[before] = Move(to=to, beat_wire_ms=beat_wire_ms)
    kept = dict(list(moves.items())[-MOVES_KEPT:])
    storage.write(MOVES_FILE, msgspec.json.encode(kept))


def beat_before(storage: Storage, name: str) -> int:
    """Return the last heartbeat of the one that moved to this actor; 0 where it is not known.

    One that has served since then has sent its own: the other's says nothing any more.
    """
    if current_name(storage) == name:
        return 0
    beats = [move.beat_wire_ms for move in read_moves(storage).values() if move.to == name]
    return max(beats, default=0)


def next_number(storage: Storage) -> int:
    """Return a number that no gateway ever had: a name is never used for another process line."""
    names = [current_name(storage) or f"{KIND}/0"]
    for name, move in read_moves(storage).items():
        names += [name, move.to]
    return 1 + max(int(name.rpartition("/")[2]) for name in names)
