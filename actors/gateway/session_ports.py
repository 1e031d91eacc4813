"""What a gateway's session reaches outside of its process, and who it is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from actors.gateway.authority.files import LockPort
from actors.gateway.log_file import OpenLog
from actors.gateway.loop import AlarmSink
from actors.gateway.risk_case import Rules
from actors.machine.instant import Now
from actors.venue.port import Rejected, Unknown, VenuePort
from checkpoints.storage import Storage


@dataclass(frozen=True, kw_only=True)
class Ports:
    """What a session reaches outside of its process."""

    storage: Storage
    lock: LockPort
    open_log: Callable[[], tuple[OpenLog, list[bytes]]]
    """Return the log and its records; raise `DamagedLogError`."""
    connect: Callable[[], Awaitable[VenuePort | Rejected | Unknown]]
    read_rules: Callable[[], Awaitable[Rules]]
    raise_alarm: AlarmSink
    halted: Callable[[], str | None]
    """Why a person has stopped trading by the HALT file; None: nobody has."""
    now: Now
    at_ms: Callable[[], float]
    """Monotonic."""
    wall_ms: Callable[[], float] | None
    """This machine's clock."""


@dataclass(frozen=True, kw_only=True)
class Who:
    """The process, as its log records it."""

    name: str
    life: str
    release: str = ""
