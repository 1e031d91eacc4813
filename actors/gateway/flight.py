"""What dies with the gateway's process: all of it is found again by looking at the venue."""

import msgspec

from actors.gateway.account_view import AccountView
from actors.gateway.market_events import FactsWait, Listing
from actors.gateway.refusal_row import RefusalRow
from actors.gateway.table import Table
from actors.venue.port import UnavailableKind


class PostTry(msgspec.Struct, frozen=True, kw_only=True):
    tries: int = 0
    due_wire_ms: int = 0
    in_flight: bool = False
    first_wire_ms: int = 0
    """Of the first try in this process."""


class VenuePause(msgspec.Struct, frozen=True, kw_only=True):
    """The venue said that it takes no orders now, or not all: see `venue_pause`."""

    kind: UnavailableKind
    since_wire_ms: int
    until_wire_ms: int


class Flight(msgspec.Struct, kw_only=True):
    """What dies with the process: everything here is found again by looking at the venue."""

    started_wire_ms: int = 0
    release: str = ""
    """What this process runs: said with every event that it publishes."""
    reconciled: bool = False
    """Orders and trades were compared with the venue since this process started, and since the
    last halt was lifted."""
    reconcile_from_wire_ms: int = 0
    """A listing that was begun before this does not count for that."""
    stopping: str | None = None
    """Why nothing new is begun: the fleet stops, or another gateway takes over."""
    emptying: bool = False
    """Cancel what rests: the fleet stops."""
    signing: Table[int] = msgspec.field(default_factory=Table)
    """Intent id to the wire time it was asked."""
    posts: Table[PostTry] = msgspec.field(default_factory=Table)
    answered: Table[int] = msgspec.field(default_factory=Table)
    """Order id to the wire time of the last answer to a post or since it ended."""
    cancels: Table[int] = msgspec.field(default_factory=Table)
    """Order id to the wire time of the last cancel that was sent."""
    cancelled: Table[str] = msgspec.field(default_factory=Table)
    """Order id to the reason of a cancel that the venue confirmed."""
    looking: bool = False
    poll_account_soon: bool = True
    look_wire_ms: int = 0
    heartbeat_id: str = ""
    beating: bool = False
    beat_mismatched: bool = False
    """The newest beat was refused for its id."""
    last_beat_wanted: bool = False
    """Beat once more before the authority is given up: the successor has the whole period."""
    beat_due_wire_ms: int = 0
    beat_ok_wire_ms: int = 0
    beat_gap_max_ms: int = 0
    resolutions: Table[PostTry] = msgspec.field(default_factory=Table)
    """Condition id to the tries of asking for its winner."""
    skew_ms: int = 0
    """By how much the venue's clock is ahead of ours at least, the machine's or the fleet's."""
    venue_ahead_ms: int = 0
    """Of the fleet's time: what the venue stamps is ahead by this."""
    pause: VenuePause | None = None
    """What the venue last said of times without orders; kept until a purchase passes."""
    foreign_version: str = ""
    """Of the venue's protocol, if it is not the one that orders are made for."""
    time_due_wire_ms: int = 0
    sweep_due_wire_ms: int = 0
    listed: Table[Listing] = msgspec.field(default_factory=Table)
    """The gateway's own market table, by slug."""
    listing: Table[PostTry] = msgspec.field(default_factory=Table)
    """By slug: the tries of asking for a market."""
    unlisted: Table[int] = msgspec.field(default_factory=Table)
    """Slugs of windows whose market is not in the table yet."""
    table_boundary: int = 0
    """Counts the boundaries of cycles: with each, other windows are wanted."""
    table_due_wire_ms: int = 0
    facts: Table[FactsWait] = msgspec.field(default_factory=Table)
    """By intent id."""
    refusals: RefusalRow | None = None
    """Since the last order that passed."""
    account: AccountView = AccountView()
    looked_wire_ms: int = 0
    """When orders and trades were last listed, or the process started."""
    look_failures: int = 0
    look_trouble: str = ""
    """Why the newest listing gave nothing."""
    odd_since_wire_ms: int | None = None
    """Since when every look had a row of a trade that could not be read: it may be of anybody."""
    odd_rows: Table[str] = msgspec.field(default_factory=Table)
    """Rows of listings that are not as they should be, by listing and id."""
    alarms_over: Table[int] = msgspec.field(default_factory=Table)
    """Alarm kind and subject to the wire time at which their cause was found to be over."""
    alarmed: Table[int] = msgspec.field(default_factory=Table)
    """Alarm kind and subject to wire time: each is raised once a process; the store latches."""

    @property
    def barred(self) -> str | None:
        if self.stopping is not None:
            return self.stopping
        return None if self.reconciled else "not compared with the venue yet"

    def unheard_ms(self, wire_ms: int) -> int:
        """Return since when the venue took no heartbeat; 0 where it never took one."""
        return wire_ms - self.beat_ok_wire_ms if self.beat_ok_wire_ms else 0
