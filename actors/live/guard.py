"""The gateway's way to its venue: a live one is opened only under a person's confirmation."""

from pathlib import Path

from actors.attest import release_running
from actors.config import FleetConfig, Mode
from actors.live.climb_state import Climb, Purpose
from actors.live.climb_store import climb_orders, last_climb
from actors.live.confirmation import in_force, store_of
from actors.live.refusals import Start, refusal
from actors.live.risked import Risked
from actors.live.without_climb import without_orders
from actors.venue.connect import adapter_of, connect
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


def held_by(climbed: Climb | None) -> dict[str, int]:
    """Return what a climb left in the account, by token."""
    if climbed is None:
        return {}
    tokens = {placed.purpose: placed.token_id for placed in climbed.orders}
    found: dict[str, int] = {}
    for purpose, shares in (
        (Purpose.BUY, climbed.held_shares),
        (Purpose.FAR, climbed.late_shares),
    ):
        if shares and purpose in tokens:
            found[tokens[purpose]] = found.get(tokens[purpose], 0) + shares
    return found


def _climbed(storage: LocalStorage) -> Climb | str | None:
    try:
        return last_climb(storage)
    except DamagedError as error:
        return str(error)


async def connect_confirmed(
    config: FleetConfig, timeout_s: float
) -> VenuePort | Rejected | Unknown:
    """Open the configured account; a live one only where a person has confirmed this fleet."""
    if config.mode is Mode.LIVE:
        try:
            refused = refusal(start_of(config, release_running()))
        except CheckpointsError as error:
            return Unknown(reason=str(error))
        if refused is not None:
            return Rejected(code="refused", message=refused)
    venue = await connect(config, timeout_s)
    return venue if isinstance(venue, Rejected | Unknown) else beside_climb(venue, config)


def beside_climb(venue: VenuePort, config: FleetConfig) -> VenuePort:
    """Return the venue as the books of the slots see it: without the climb's orders and shares."""
    if config.mode is not Mode.LIVE:
        return venue
    storage = LocalStorage(Path(config.storage))
    orders = frozenset(one.order_id for one in climb_orders(storage))
    return without_orders(venue, orders, held_by(last_climb(storage)))
