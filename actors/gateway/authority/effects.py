"""What the authority asks for. Each piece of work has one event as its result."""

import msgspec

from actors.gateway.authority.events import Holder
from actors.machine.vocabulary import Answer, Wait


class ReadHeir(msgspec.Struct, frozen=True):
    pass


class NameHeir(msgspec.Struct, frozen=True, kw_only=True):
    to: str
    beat_wire_ms: int = 0


class TryLock(msgspec.Struct, frozen=True):
    pass


class ReleaseLock(msgspec.Struct, frozen=True):
    pass


class EndHolder(msgspec.Struct, frozen=True, kw_only=True):
    holder: Holder


class StoreGeneration(msgspec.Struct, frozen=True):
    pass


class ReadLog(msgspec.Struct, frozen=True):
    pass


class ConnectVenue(msgspec.Struct, frozen=True):
    pass


class Reconcile(msgspec.Struct, frozen=True, kw_only=True):
    """Open the loop and wait until orders and trades were compared with the venue."""

    generation: int


class Publish(msgspec.Struct, frozen=True, kw_only=True):
    generation: int


class Serve(msgspec.Struct, frozen=True):
    """Ends only by `Failed`; may be broken off."""


class SettlePosts(msgspec.Struct, frozen=True, kw_only=True):
    to: str


class Empty(msgspec.Struct, frozen=True):
    pass


class CancelAll(msgspec.Struct, frozen=True, kw_only=True):
    reason: str


class Close(msgspec.Struct, frozen=True):
    pass


Work = (
    ReadHeir
    | NameHeir
    | TryLock
    | ReleaseLock
    | EndHolder
    | StoreGeneration
    | ReadLog
    | ConnectVenue
    | Reconcile
    | Publish
    | Serve
    | SettlePosts
    | Empty
    | CancelAll
    | Close
    | Wait
)


Effect = Work | Answer
