"""Rules about the venue as it is now: its clock, its protocol, its pauses. Pure."""

from typing import Final

from actors.gateway.risk_case import Case
from signals.decision import Style
from signals.market import Side

VENUE_CANCELS_MS: Final = 10_000
"""Wire, after the last heartbeat: then the venue cancels all orders of the account."""


def clock_skew(case: Case) -> str | None:
    if abs(case.skew_ms) > case.rules.timing.clock_skew_limit_ms:
        return f"the venue's clock is {case.skew_ms} ms ahead of ours"
    return None


def venue_version(case: Case) -> str | None:
    if case.foreign_version and case.intent.side is Side.BUY:
        return f"the venue speaks version {case.foreign_version} of its protocol: no new risk"
    return None


def venue_paused(case: Case) -> str | None:
    """Nothing is bought while the venue takes no orders, or not all, by its own word."""
    return case.paused if case.paused and case.intent.side is Side.BUY else None


def heartbeat_late(case: Case) -> str | None:
    """A purchase that rests would be cancelled as soon as it is there."""
    rests = case.intent.side is Side.BUY and case.intent.style is Style.REST
    if rests and case.unheard_ms >= VENUE_CANCELS_MS:
        return (
            f"the venue took no heartbeat for {case.unheard_ms // 1_000} s: it cancels all orders"
        )
    return None
