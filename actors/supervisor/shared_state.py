"""What the supervisor knows of a shared actor: gateway or market data."""

import msgspec


class Unanswered(msgspec.Struct, frozen=True, kw_only=True):
    """A slot's oldest intent, as long as nothing but the gateway keeps it from its answer."""

    due_ms: int
    since_wire_ms: int
    """When it was first seen so."""
    answers: int
    """That intents of all slots had had by then."""


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway or market data, as last seen."""

    who: str
    asking: bool = False
    asked_wire_ms: int = 0
    answered_wire_ms: int = 0
    life: str | None = None
    node_id: str = ""
    misses: int = 0
    kills: int = 0
    killed_wire_ms: int = 0
    creations: int = 0
    attempts: int = 0
    """Kills and creations in a row."""
    reason: str = ""
    release: str = ""
    """That it ran when it was seen last."""
    course_release: str = ""
    """Release whose course the fields below tell, see `supervisor.shared_watch`."""
    course_wire_ms: int = 0
    """When it was first seen."""
    start: str = ""
    """Life, and for the gateway generation, that was seen last."""
    start_wire_ms: int = 0
    """When that was first seen."""
    starts: tuple[int, ...] = ()
    """Wire times at which another start was seen than the one before."""
    served_wire_ms: int = 0
    worked_wire_ms: int = 0
    """When it last made a snapshot."""
    beatless_ms: int = 0
    """Of a gateway: without a heartbeat, while the venue answered it."""
    contradicted_fills: int = 0
    """Of a gateway: fills that its process booked otherwise than their trade says."""
    listed_age_ms: int | None = None
    """Of a gateway: since the venue last answered it."""
    unanswered: dict[str, Unanswered] = {}
    """Of a gateway that serves and whose venue answers: by slot."""
    made: int = 0
    """Snapshots."""
    back_wire_ms: int = 0
    """When the release before was last brought back."""
