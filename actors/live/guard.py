"""The ways of gateway and redeemer to their venue: a live one opens under a confirmation only."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from actors.attest import release_loaded
from actors.config import FleetConfig, Mode
from actors.live.climb_state import Climb, Purpose
from actors.live.climb_store import climb_orders, climbs, last_climb
from actors.live.confirmation import in_force, store_of
from actors.live.refusals import Start, refusal
from actors.live.risked import Risked
from actors.live.without_climb import without_orders
from actors.redemption.port import RedeemPort
from actors.venue.connect import adapter_of, connect, connect_redeeming
from actors.venue.kinds import venue_name
from actors.venue.port import Rejected, Unknown, VenuePort
from checkpoints.approvals import read_in_force
from checkpoints.approved_releases import Coverage, coverage
from checkpoints.errors import CheckpointsError, DamagedError
from checkpoints.storage import LocalStorage


def start_of(config: FleetConfig, release: str) -> Start:
    """Read what stands beside a live start; raises `PrivateKeyError` and `CheckpointsError`."""
    storage = LocalStorage(Path(config.storage))
    return Start(
        config=config,
        risked=Risked(
            venue=venue_name(config),
            wallet=adapter_of(config).wallet(config),
            limits=config.risk,
            release=release,
            store=store_of(storage),
        ),
        covered=Coverage()
        if config.gate_is_open
        else coverage(read_in_force(storage), config.gate.operator_keys),
        confirmed=in_force(storage),
        climbed=_climbed(storage),
    )


def held_by(climbed: Iterable[Climb], wallet: str) -> dict[str, int]:
    """Return what climbs left in a wallet, by token: a 4-hour market outlives several starts."""
    found: dict[str, int] = {}
    for climb in climbed:
        if climb.line.wallet.casefold() == wallet.casefold():
            for token, shares in _left(climb):
                found[token] = found.get(token, 0) + shares
    return found


def _left(climb: Climb) -> Iterator[tuple[str, int]]:
    tokens = {placed.purpose: placed.token_id for placed in climb.orders}
    kept = ((Purpose.BUY, climb.held_shares), (Purpose.FAR, climb.late_shares))
    for purpose, shares in kept:
        if shares and purpose in tokens:
            yield tokens[purpose], shares


def _climbed(storage: LocalStorage) -> Climb | str | None:
    try:
        return last_climb(storage)
    except DamagedError as error:
        return str(error)


async def connect_confirmed(
    config: FleetConfig, timeout_s: float
) -> VenuePort | Rejected | Unknown:
    """Open the configured account; a live one only where a person has confirmed this fleet."""
    refused = _refused(config)
    if refused is not None:
        return refused
    venue = await connect(config, timeout_s)
    return venue if isinstance(venue, Rejected | Unknown) else beside_climb(venue, config)


async def connect_redeeming_confirmed(
    config: FleetConfig, timeout_s: float
) -> RedeemPort | Rejected | Unknown:
    """Open the wallet's redemptions; of a live fleet only where a person has confirmed it."""
    return _refused(config) or await connect_redeeming(config, timeout_s)


def _refused(config: FleetConfig) -> Rejected | Unknown | None:
    """Say why this process may not reach a live venue; None where it may, and in other modes."""
    if config.mode is not Mode.LIVE:
        return None
    try:
        refused = refusal(start_of(config, release_loaded(config.storage)))
    except CheckpointsError as error:
        return Unknown(reason=str(error))
    return None if refused is None else Rejected(code="refused", message=refused)


def beside_climb(venue: VenuePort, config: FleetConfig) -> VenuePort:
    """Return the venue as the books of the slots see it: without the climb's orders and shares."""
    if config.mode is not Mode.LIVE:
        return venue
    storage = LocalStorage(Path(config.storage))
    orders = frozenset(one.order_id for one in climb_orders(storage))
    wallet = adapter_of(config).wallet(config)
    return without_orders(venue, orders, held_by(climbs(storage), wallet))
