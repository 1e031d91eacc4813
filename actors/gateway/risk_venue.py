"""Rules about the venue as it is now: its clock, its protocol, its pauses. Pure."""

from actors.gateway.risk_case import Case
from signals.market import Side


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
