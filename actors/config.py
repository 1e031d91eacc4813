"""The fleet's frozen configuration: read once at launch, validated, stored by content.

`cluster.config.load` reads the TOML and makes one of these; actors load it from the storage at
start. It holds no secret: only the name of the file or environment variable that does.
"""

import hashlib
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from actors.detectors.policy import Reaction
from actors.market_data.sources.addresses import SourceAddress
from signals.market_time import MarketClock
from signals.params import Params
from signals.units import MicroUsd

SETTINGS_FILE: Final = "signals/slot_settings.json"
"""Of a release that was rolled with an edited configuration; its values go before those of the
start's configuration."""


AtUtc = Annotated[str, msgspec.Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|off)$")]


class Mode(StrEnum):
    SANDBOX = "sandbox"
    PAPER = "paper"
    LIVE = "live"


class Venue(msgspec.Struct, frozen=True, kw_only=True):
    clob_url: str
    gamma_url: str
    data_url: str
    relayer_url: str
    market_ws_url: str
    user_ws_url: str
    prices_ws_url: str
    """The channel-based price socket (PolyBolt) that carries price.crypto.twap."""
    binance_url: str = ""
    """Candles, funding and open interest of a fleet without `sources`."""
    adapter: str = "polymarket"
    """Which venue it is: a key of `actors.venue.connect.ADAPTERS`."""
    chain_id: int = 137
    private_key_file: str | None = None
    private_key_env: str | None = None
    wallet: str | None = None
    """None: the deposit wallet derived from the key; an address: that wallet."""
    region_url: str | None = None
    """Where the venue says whether it serves this country; None: its own page, for the real one."""
    rpc_url: str = ""
    """A node of the chain (JSON-RPC). Empty: the SDK's own in production, the CLOB's host else."""
    relayer_key_file: str | None = None
    relayer_key_env: str | None = None
    """The relayer's key: winnings of wallets that pay no gas themselves are redeemed by it."""
    more_assets: tuple[str, ...] = ()
    """Assets that the venue lists beside those of `signals.market.Asset`, e.g. ``ton``."""


class SlotConfig(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    strategy: str = "five_factor"
    allocation_micro_usd: MicroUsd = MicroUsd(100_000_000)
    params: dict[str, float | int | str] = {}
    """Overrides of the fleet's parameters for this slot."""


class SlotSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a release brings along of an edited configuration, in `SETTINGS_FILE`."""

    slots: tuple[SlotConfig, ...]
    params_set: dict[str, float | int | str] | None = None


class RiskLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits that the gateway enforces; outside the reach of signals and parameters."""

    slot_exposure_micro_usd: MicroUsd = MicroUsd(50_000_000)
    fleet_exposure_micro_usd: MicroUsd = MicroUsd(400_000_000)
    settlement_net_up_micro_usd: MicroUsd = MicroUsd(200_000_000)
    """Absolute net Up exposure of all markets that settle at one time."""
    orders_per_minute: int = 120
    """Per wire minute, whole fleet."""
    price_collar_micro_usd: int = 150_000
    """An order's limit may be at most this far, on the worse side, from the decided book's mid."""
    daily_loss_micro_usd: MicroUsd = MicroUsd(200_000_000)
    repeated_executions: int = 12
    """Fills of one slot in one market and side within 15 market minutes before the throttle
    latches."""
    order_micro_usd: MicroUsd = MicroUsd(1_000_000_000_000)
    """What one buy may cost, the highest fee of a taker included. The default is above every other
    limit."""


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    decision_offsets_ms: tuple[int, ...] = (20_000,)
    """Market ms after each 5-minute boundary."""
    cancel_before_close_ms: int = 20_000
    """Market ms: resting orders are cancelled this long before the close."""
    checkpoint_every_decisions: int = 1
    heartbeat_seconds: float = 5.0
    """Wire."""
    post_timeout_seconds: float = 5.0
    """Wire."""
    clock_skew_limit_ms: int = 2_000
    """Wire, against the venue."""


class FeedLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Market ms after which an input is stale."""

    candles_ms: int = 330_000
    ticks_ms: int = 5_000
    funding_ms: int = 32_400_000
    open_interest_ms: int = 600_000
    books_ms: int = 30_000
    markets_ms: int = 600_000
    wire_grace_ms: int = 1_500
    """Added to each limit, multiplied by the market speed: real networks do not run faster."""


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """The account of a paper fleet."""

    cash_micro_usd: MicroUsd = MicroUsd(1_000_000_000)
    """What it begins with."""


class AlarmSinks(msgspec.Struct, frozen=True, kw_only=True):
    """Each is told when an alarm is raised and when it is over, until it takes the message."""

    webhook_url: str | None = None
    """Gets a POST with the message as JSON."""
    command: str | None = None
    """Run with the message as JSON on stdin; exit 0 is taken."""
    webhook_url_file: str | None = None
    """File of yours alone (0600) with the address, which is a secret at most services; read at each
    message, instead of `webhook_url`."""


class DailyAudit(msgspec.Struct, frozen=True, kw_only=True):
    at_utc: AtUtc = "02:30"
    """Market time of day at which the day before is audited, HH:MM; ``off``: only by command. The
    default lies behind the closing of the day's journal."""

    @property
    def minutes(self) -> int | None:
        """Minutes after midnight; None: off."""
        hours, _, minutes = self.at_utc.partition(":")
        return int(hours) * 60 + int(minutes) if minutes else None


class GateMode(StrEnum):
    OPEN = "open"
    """Any release may trade; said in plan, roll and status."""
    CLOSED = "closed"
    """Only releases that a signed approval covers."""


class GateConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Who may let a release in, and how often. All times are wire time."""

    mode: GateMode | None = None
    """None: open in the sandbox, closed in paper and live."""
    operator_keys: dict[str, str] = {}
    """Operator -> ed25519 public key, 64 hex digits."""
    approval_hours: float = 24.0
    """How long an approval gives the right to apply."""
    rolls_per_day: int = 8
    """Of one UTC day: the deploy budget."""
    minutes_between_rolls: float = 15.0
    freeze_utc: tuple[str, ...] = ()
    """``HH:MM-HH:MM``, may wrap midnight: no roll begins inside."""
    staged_permille: int = 250
    """Of the slot limits, for a release that is not baked."""
    staged_decisions: int = 192
    """Of all slots together until it is baked: twelve cycles of sixteen slots."""


class FleetConfig(msgspec.Struct, frozen=True, kw_only=True):
    mode: Mode
    storage: str
    """Absolute folder."""
    clock: MarketClock
    venue: Venue
    slots: tuple[SlotConfig, ...]
    params: Params
    risk: RiskLimits = RiskLimits()
    timing: Timing = Timing()
    feeds: FeedLimits = FeedLimits()
    alarms: AlarmSinks = AlarmSinks()
    params_set: dict[str, float | int | str] | None = None
    """What the configuration changes of a release's own `signals/params.toml`, by dotted key: each
    release starts from its own file. None: `params` as it stands."""
    labels: dict[str, str] = {}
    """Said in status and summary, e.g. that the sandbox's P&L means nothing."""
    gate: GateConfig = GateConfig()
    policy: dict[str, Reaction] = {}
    """Kind of alarm -> what it leads to, where `actors.detectors.policy` is not followed."""
    sources: tuple[SourceAddress, ...] = ()
    """Exchanges of candles, funding and open interest, in the order in which they may serve; empty:
    the one service at `venue.binance_url`."""
    paper: Paper = Paper()
    """Used in paper mode only."""
    daily_audit: DailyAudit = DailyAudit()

    def slot(self, name: str) -> SlotConfig:
        return next(entry for entry in self.slots if entry.slot == name)

    def under(self, settings: SlotSettings) -> "FleetConfig":
        """Return the configuration that a release with these settings runs under."""
        own = {entry.slot: entry for entry in settings.slots}
        return msgspec.structs.replace(
            self,
            slots=tuple(own.get(entry.slot, entry) for entry in self.slots),
            params_set=settings.params_set,
        )

    @property
    def gate_is_open(self) -> bool:
        mode = self.gate.mode or (GateMode.OPEN if self.mode is Mode.SANDBOX else GateMode.CLOSED)
        return mode is GateMode.OPEN


def config_id(config: FleetConfig) -> str:
    """Return the SHA-256 of the configuration's canonical JSON."""
    text = msgspec.json.encode(config, order="sorted")
    return hashlib.sha256(text).hexdigest()
