"""Faults that a test orders at the admin door: which, where, how often, from one seed.

Pure: the board decides, the server and the sockets do. A fault names a route with shell wildcards
(``POST /clob/order``, ``GET /binance/*``, ``ws/prices``), is limited in number or stays until it
is cleared, and hits with a probability drawn from the board's own seeded generator. Every hit is
counted, so that a test can prove that its fault happened.
"""

import random
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from cluster.sandbox.chain.transactions import Course

FAULTS_MAX: Final = 200
"""Faults set at one time; more is a test that forgets to clear."""
DELAY_MS_MAX: Final = 600_000
RESOLUTION_DELAY_MS_MAX: Final = 7 * 86_400_000
"""Market time: a week, longer than any dispute that was seen."""


class FaultKind(StrEnum):
    # ---- requests
    DELAY = "delay"
    """Wait `delay_ms` (wire) before the request is looked at; on a socket, before each frame."""
    DROP_REQUEST = "drop_request"
    """Close the connection; the request had no effect. A socket is refused when it opens."""
    DROP_ANSWER = "drop_answer"
    """Do what was asked, then close the connection without a byte of answer."""
    DELAY_ANSWER = "delay_answer"
    """Do what was asked, then wait `delay_ms` (wire) before answering."""
    STATUS = "status"
    """Answer `status` and `body` without doing anything (5xx, 425, 429 ...)."""
    STATUS_AFTER = "status_after"
    """Do what was asked, then answer `status` and `body` as if it had failed."""
    MALFORMED = "malformed"
    """Do what was asked; answer 200 with `body`, or with the right body cut in half."""
    # ---- sockets
    DUPLICATE = "duplicate"
    """Send the frame twice."""
    REORDER = "reorder"
    """Hold the frame back and send it after the next one."""
    SILENT = "silent"
    """Send nothing, but stay connected and answer PING."""
    STALE = "stale"
    """A socket keeps sending what it last said before the fault; a GET keeps its first answer."""
    DISCONNECT = "disconnect"
    """Close the socket instead of sending the frame."""
    # ---- what the venue says
    CLOCK_SKEW = "clock_skew"
    """The exchange's wire clock is `delay_ms` (may be negative) away: GET /time and stamps."""
    NULL_PRICE = "null_price"
    """Markets whose slug matches `match` never show a price to beat."""
    LATE_MARKET = "late_market"
    """Markets whose slug matches `match` appear `delay_ms` of market time after their open."""
    # ---- what is wrong with accounts
    NO_APPROVAL = "no_approval"
    """The wallet's approvals are gone: orders are refused, allowances read 0."""
    STALE_ALLOWANCE = "stale_allowance"
    """As that, but the approvals are there: the exchange remembers wrongly until it is asked to
    look again."""
    NOT_DEPLOYED = "not_deployed"
    """Wallets do not exist on the chain yet."""
    CLOSED_ONLY = "closed_only"
    """Accounts may sell and buy nothing."""
    BANNED = "banned"
    """Accounts may place no order."""
    REGION_BLOCKED = "region_blocked"
    """Orders from here are refused with 403."""
    # ---- what befalls a market
    HALTED_MARKET = "halted_market"
    """Markets whose slug matches `match` take no orders; what rests there stays."""
    LATE_RESOLUTION = "late_resolution"
    """Markets whose slug matches `match` are resolved `delay_ms` of market time after their close;
    0: when the fault is cleared."""
    DISPUTED = "disputed"
    """As that, and the market says that its resolution is disputed."""
    WRONG_WINNER = "wrong_winner"
    """Markets whose slug matches `match` are resolved, and paid, against their own averages."""
    TRANSACTION = "transaction"
    """The next transactions go as `mode` says: fails, reverts (after it was mined), invalid,
    precheck (a false "zero position balance"), stuck."""
    AUTO_REDEEM = "auto_redeem"
    """The venue's operator redeems settled markets whose slug matches `match`."""
    # ---- done at once, by the exchange itself
    GHOST_FILL = "ghost_fill"
    """The next `count` trades of accounts end FAILED instead of CONFIRMED."""
    RESTART = "restart"
    """425 for `delay_ms` (wire), then post-only for `post_only_ms`, then open."""
    MODE = "mode"
    """Stay in venue mode `mode` (open, restarting, post_only, cancel_only, disabled)."""
    WITHDRAWAL = "withdrawal"
    """`amount_micro_usd` leaves every account's wallet, as by its owner's hand; 0: all of it."""
    REVOKE_KEYS = "revoke_keys"
    """Every account's API key is gone, and its orders with it."""


IMMEDIATE: Final = frozenset(
    {
        FaultKind.GHOST_FILL,
        FaultKind.RESTART,
        FaultKind.MODE,
        FaultKind.WITHDRAWAL,
        FaultKind.REVOKE_KEYS,
    }
)
BEFORE: Final = frozenset({FaultKind.DELAY, FaultKind.DROP_REQUEST, FaultKind.STATUS})
AFTER: Final = frozenset(
    {
        FaultKind.DELAY_ANSWER,
        FaultKind.DROP_ANSWER,
        FaultKind.STATUS_AFTER,
        FaultKind.MALFORMED,
        FaultKind.STALE,
    }
)
SOCKET: Final = frozenset(
    {
        FaultKind.DELAY,
        FaultKind.DUPLICATE,
        FaultKind.REORDER,
        FaultKind.SILENT,
        FaultKind.STALE,
        FaultKind.DISCONNECT,
    }
)


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: FaultKind
    route: str = "*"
    """Wildcards over ``METHOD /path`` or ``ws/market``, ``ws/user``, ``ws/prices``."""
    match: str = "*"
    """Wildcards over a market's slug, or over a socket frame's key (token, asset, market)."""
    count: int | None = None
    """How often it hits; None: until it is cleared. For market faults, how many markets."""
    probability: float = 1.0
    delay_ms: int = 0
    status: int = 500
    body: str | None = None
    post_only_ms: int = 120_000
    mode: str = "open"
    amount_micro_usd: int = 0


class FaultError(ValueError):
    """The fault as asked for makes no sense; the message says which field."""


class FaultState(msgspec.Struct, frozen=True, kw_only=True):
    """A fault on the board and what it has done."""

    id: int
    fault: Fault
    hits: int
    left: int | None


def check(fault: Fault) -> None:
    """Raise `FaultError` naming the first field out of range."""
    if not 0 < fault.probability <= 1:
        raise FaultError(f"probability {fault.probability} is not in (0, 1]")
    if fault.count is not None and fault.count < 1:
        raise FaultError(f"count {fault.count} is less than 1")
    late = fault.kind in {FaultKind.LATE_RESOLUTION, FaultKind.DISPUTED}
    most_ms = RESOLUTION_DELAY_MS_MAX if late else DELAY_MS_MAX
    if abs(fault.delay_ms) > most_ms:
        raise FaultError(f"delay_ms {fault.delay_ms} is more than {most_ms}")
    if fault.amount_micro_usd < 0:
        raise FaultError(f"amount_micro_usd {fault.amount_micro_usd} is less than 0")
    if fault.delay_ms < 0 and fault.kind is not FaultKind.CLOCK_SKEW:
        raise FaultError("only clock_skew may have a negative delay_ms")
    if fault.kind is FaultKind.TRANSACTION and fault.mode not in {*Course}:
        raise FaultError(f"mode {fault.mode} is not one of {', '.join(Course)}")
    if not 200 <= fault.status <= 599:  # noqa: PLR2004 the range of HTTP statuses
        raise FaultError(f"status {fault.status} is not 200 .. 599")


class FaultBoard:
    """The faults in force. Deterministic for a seed and a sequence of questions."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 a simulation, not a secret
        self._next_id = 1
        self._faults: dict[int, FaultState] = {}
        self._markets: dict[int, set[str]] = {}

    def states(self) -> tuple[FaultState, ...]:
        return tuple(self._faults.values())

    def set(self, fault: Fault) -> int:
        """Put a fault on the board; return its number. Raises `FaultError`."""
        check(fault)
        if len(self._faults) >= FAULTS_MAX:
            raise FaultError(f"more than {FAULTS_MAX} faults; clear some")
        number = self._next_id
        self._next_id += 1
        self._faults[number] = FaultState(id=number, fault=fault, hits=0, left=fault.count)
        return number

    def clear(self, number: int | None = None) -> int:
        """Remove one fault, or all; return how many."""
        numbers = list(self._faults) if number is None else [number] * (number in self._faults)
        for found in numbers:
            del self._faults[found]
            self._markets.pop(found, None)
        return len(numbers)

    def clear_kind(self, kind: FaultKind) -> None:
        """Remove the faults of one kind."""
        for number in [one.id for one in self._faults.values() if one.fault.kind is kind]:
            self.clear(number)

    def take(self, kinds: frozenset[FaultKind], route: str, key: str = "") -> tuple[Fault, ...]:
        """Return the faults that hit this request or frame, and count them."""
        if not self._faults:
            return ()
        return tuple(
            state.fault
            for state in list(self._faults.values())
            if state.fault.kind in kinds and self._hits(state, route, key)
        )

    def _hits(self, state: FaultState, route: str, key: str) -> bool:
        fault = state.fault
        if state.left == 0 or (route and not fnmatchcase(route, fault.route)):
            return False
        if key and not fnmatchcase(key, fault.match):
            return False
        if fault.probability < 1 and self._random.random() >= fault.probability:
            return False
        self._count(state)
        return True

    def _count(self, state: FaultState) -> None:
        left = None if state.left is None else state.left - 1
        self._faults[state.id] = msgspec.structs.replace(state, hits=state.hits + 1, left=left)

    def on_market(self, kind: FaultKind, slug: str) -> Fault | None:
        """Return the market fault on this slug: once hit, a market stays hit; it counts once."""
        for state in list(self._faults.values()):
            if state.fault.kind is not kind:
                continue
            hit = self._markets.setdefault(state.id, set())
            if slug in hit or self._hits(state, "", slug):
                hit.add(slug)
                return state.fault
        return None

    def has(self, kind: FaultKind) -> bool:
        return any(state.fault.kind is kind for state in self._faults.values())

    def skew_ms(self) -> int:
        """Return how far the exchange's wire clock is off."""
        return sum(
            state.fault.delay_ms
            for state in self._faults.values()
            if state.fault.kind is FaultKind.CLOCK_SKEW
        )
