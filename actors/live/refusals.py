"""Why a live fleet may not start or reach its venue: each reason with what to do. Pure."""

from collections.abc import Iterator
from typing import Final

import msgspec

from actors.config import FleetConfig, Mode, RiskLimits
from actors.live.climb_state import Climb, Line
from actors.live.confirmation import Confirmed
from actors.live.risked import Risked, usd
from checkpoints.approvals import LIMIT
from checkpoints.approved_releases import Coverage

LET_IN: Final = (
    "`midstride gate first`, then `midstride gate approve PLAN --key FILE`, then `midstride gate "
    "first --apply PLAN`, each with this --state; then start again"
)
START: Final = "start it with `midstride run`: it says what to type"


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What would be started, and what was let in and confirmed before."""

    config: FleetConfig
    risked: Risked
    covered: Coverage
    confirmed: Confirmed | str | None = None
    climbed: Climb | str | None = None
    """A text where its record cannot be read."""

    def line(self, code: str) -> Line:
        """Return for what a climb of this start counts."""
        now = self.risked
        return Line(venue=now.venue, wallet=now.wallet, store=now.store.id, code=code)


def limits_as_text(limits: RiskLimits) -> dict[str, str]:
    """Return the limits as a gate's plan names them."""
    values = msgspec.to_builtins(limits)
    return {f"{LIMIT}{name}": str(value) for name, value in sorted(values.items())}


def gate_refusals(start: Start) -> tuple[str, ...]:
    """Say why the gate lets this fleet not start: its release and its limits need an approval."""
    if start.config.mode is not Mode.LIVE:
        return ()
    return tuple(_gate(start))


def _gate(start: Start) -> Iterator[str]:
    config, covered = start.config, start.covered
    if config.gate_is_open:
        yield 'a live fleet has a closed gate: remove gate.mode = "open" from the configuration'
        return
    release = start.risked.release
    if release not in covered.releases:
        yield f"no plan that was applied covers release {release[:12]}. Let it in: {LET_IN}"
    wanted = limits_as_text(config.risk)
    if covered.limits != wanted:
        said = _differences(covered.limits, wanted)
        yield f"no operator has approved these limits: {said}. Let them in: {LET_IN}"


def _differences(before: dict[str, str], after: dict[str, str]) -> str:
    return ", ".join(
        f"{name} {before.get(name, 'not approved')} -> {after.get(name, 'not set')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )


def refusal(start: Start) -> str | None:
    """Say why this process may not reach a live venue; None where it may, and in other modes.

    The release is the confirmed one, or one that the gate let into this fleet by a plan.
    """
    if start.config.mode is not Mode.LIVE:
        return None
    reasons = gate_refusals(start) or (*_confirmation(start), *_climb(start))
    return reasons[0] if reasons else None


def _confirmation(start: Start) -> Iterator[str]:
    confirmed, now = start.confirmed, start.risked
    if confirmed is None:
        yield f"nobody has confirmed this live start; {START}"
        return
    if isinstance(confirmed, str):
        yield f"the confirmation of this live start cannot be read ({confirmed}); {START}"
        return
    then = confirmed.risked
    if then.store != now.store:
        yield f"the confirmation was given for another storage ({then.store.path}); {START}"
    if then.venue != now.venue:
        yield f"the confirmation was given for {then.venue}, this is {now.venue}; {START}"
    if then.wallet.casefold() != now.wallet.casefold():
        yield (
            f"the confirmation was given for wallet {then.wallet}, the configuration trades with "
            f"{now.wallet}; {START}"
        )
    if then.limits != now.limits:
        said = _differences(limits_as_text(then.limits), limits_as_text(now.limits))
        yield f"the limits are others than those confirmed: {said}; {START}"


def _climb(start: Start) -> Iterator[str]:
    """Slots trade only where one order and one round trip have proved the way.

    By its code a climb is judged at the start alone: a roll's own proofs cover what it brings.
    """
    climbed, confirmed = start.climbed, start.confirmed
    if not isinstance(confirmed, Confirmed):
        return  # said already
    if climbed is None:
        yield f"no order and no round trip has proved the way to the venue yet; {START}"
    elif isinstance(climbed, str):
        yield climbed
    elif not climbed.counts_for(start.line(climbed.line.code), confirmed.wire_ms):
        yield (
            "the order and the round trip that prove the way to the venue were not finished for "
            f"this wallet in the day before the start was confirmed; {START}"
        )


def exact_refusal(start: Start) -> str | None:
    """Say why a launch may not go on: it also needs the very release that was confirmed."""
    refused = refusal(start)
    if refused is not None or start.config.mode is not Mode.LIVE:
        return refused
    assert isinstance(start.confirmed, Confirmed)
    then = start.confirmed.risked.release
    if then == start.risked.release:
        return None
    return (
        f"release {then[:12]} was confirmed, this start brings {start.risked.release[:12]}; {START}"
    )


def risk_lines(risked: Risked) -> Iterator[tuple[str, str]]:
    """Yield what will be risked, for a table."""
    limits = risked.limits
    yield "venue", risked.venue
    yield "wallet", risked.wallet
    yield "one order at most", f"{usd(limits.order_micro_usd)} USD"
    yield "one slot at most", f"{usd(limits.slot_exposure_micro_usd)} USD"
    yield "all slots together at most", f"{usd(limits.fleet_exposure_micro_usd)} USD"
    yield "no new risk after a day's loss of", f"{usd(limits.daily_loss_micro_usd)} USD"
    yield "release", risked.release[:12]
