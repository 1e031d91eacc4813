"""The venue's own troubles: restarts, post-only and cancel-only times."""

import msgspec

from cluster.sandbox.floor import Floor
from cluster.sandbox.model import Now, VenueMode
from cluster.sandbox.records import ModeChanged
from cluster.sandbox.terms import Refused

RESTARTING = Refused(error="the exchange is restarting", http_status=425, code="restarting")
CANCEL_ONLY = Refused(
    error="Trading is currently cancel-only. New orders are not accepted, but cancels are allowed.",
    http_status=503,
)
DISABLED = Refused(
    error="Trading is currently disabled. Check polymarket.com for updates", http_status=503
)
POST_ONLY = Refused(
    error="post-only mode: only post-only orders and cancels are allowed",
    http_status=503,
    code="post_only_mode",
)


RETRY_AFTER_STAYING_S = 5
"""Told where a test keeps the venue in its post-only mode: no end is known."""


class Modes:
    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self.mode = VenueMode.OPEN
        self._open_after: tuple[int, int] | None = None
        """Wire ms at which RESTARTING ends and at which POST_ONLY ends."""

    def restart(self, now: Now, restart_wire_ms: int, post_only_wire_ms: int) -> None:
        reachable = now.wire_ms + restart_wire_ms
        self._open_after = (reachable, reachable + post_only_wire_ms)
        self.move(now)

    def stay(self, mode: VenueMode, now: Now) -> None:
        self._open_after = None
        self._set(mode, now)

    def move(self, now: Now) -> None:
        """Go on to the next mode when its time has come."""
        if self._open_after is None:
            return
        reachable, opened = self._open_after
        if now.wire_ms < reachable:
            self._set(VenueMode.RESTARTING, now)
        elif now.wire_ms < opened:
            self._set(VenueMode.POST_ONLY, now)
        else:
            self._open_after = None
            self._set(VenueMode.OPEN, now)

    def barrier(self, now: Now, *, post_only: bool) -> Refused | None:
        """Return why no such order is taken now."""
        if self.mode is VenueMode.RESTARTING:
            return RESTARTING
        if self.mode is VenueMode.DISABLED:
            return DISABLED
        if self.mode is VenueMode.CANCEL_ONLY:
            return CANCEL_ONLY
        if self.mode is VenueMode.POST_ONLY and not post_only:
            return msgspec.structs.replace(POST_ONLY, retry_after_s=self._opens_in_s(now))
        return None

    def _opens_in_s(self, now: Now) -> int:
        if self._open_after is None:
            return RETRY_AFTER_STAYING_S
        return max(1, -(-(self._open_after[1] - now.wire_ms) // 1_000))

    def _set(self, mode: VenueMode, now: Now) -> None:
        if mode is not self.mode:
            self.mode = mode
            self._floor.record(ModeChanged(mode=mode), now)
