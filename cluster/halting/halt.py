"""Halt: fence the fleet, empty the account at the venue, prove both. No step waits for another's.

The HALT file comes first: a gateway that runs looks for it before each post and five times a
second, and then cancels by itself. At the same time this process cancels at the venue with the
fleet's own key and lists what is open, and a third one asks the gateway. A gateway that does not
answer is ended: one that was stopped in the middle of a post would finish it when it goes on.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from actors.config import FleetConfig, Mode
from actors.messages import TradingState
from actors.venue.connect import adapter_of, connect_to_stop, first_cancel
from actors.venue.port import Cancelled, Unknown
from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.halting.ask_gateway import Asked, Confirmed, Silent
from cluster.halting.fence import Lock, LockHeld, Mark, end_and_take, set_mark, take_lock
from cluster.halting.proof import First, Proof, with_first
from cluster.halting.venue_side import (
    BY_ITSELF,
    CALL_S,
    Limits,
    Open,
    empty_account,
    wire_monotonic_ms,
)

LATE_POST_MS: Final = 5_000
"""Wire, after a gateway's end: what it had sent may reach the venue's book so much later; the
timeout of a post is 5 s."""


FIRST_S: Final = 1.0
"""Wire, that the adapter's loading waits for the first cancel, which takes a quarter of it."""


class GatewayEnd(StrEnum):
    CONFIRMED = "confirmed"
    """It answered: it holds the halt."""
    ENDED = "ended"
    """It did not answer, so its process was ended."""
    NONE_RUNS = "none_runs"
    """No process holds the gateway's lock."""
    NOT_KNOWN = "not_known"
    """It could be neither asked nor ended."""
    FOLDER_GONE = "folder_gone"
    """The state folder is gone; what carried its mark was ended."""
    NO_FLEET = "no_fleet"
    """None was ever started in the folder."""


class TradingSet(msgspec.Struct, frozen=True, kw_only=True):
    state: TradingState
    by_gateway: bool
    cancelled_directly: int | None = None
    """Orders whose cancel the venue acknowledged to this process; None: the venue was not asked."""
    file_problem: str | None = None
    """Why the HALT file could not be written in full; None: it stands, with its reason."""
    gateway: GatewayEnd | None = None
    """Of a halt: what became of the gateway."""
    gateway_said: str = ""
    """Why it did not answer, where it did not."""
    proof: Proof | None = None
    """Of a halt: what the venue says of the account's open orders."""


class Gateway(Protocol):
    """Asks the gateway, beside this process."""

    def start(self, reason: str) -> None: ...

    def answer(self) -> Asked: ...


class HaltPorts(msgspec.Struct, frozen=True, kw_only=True):
    """What a halt reaches outside of its own process."""

    gateway: Gateway
    end_fleet: Callable[[], None]
    """End whatever would start a gateway again; used only where no HALT file can be made."""
    tell: Callable[[str], None]
    open_venue: Open | None = None
    """Tests put a fake here; None: the configured venue."""
    first_cancel: Callable[[], Cancelled | Unknown] | None = None
    """As well."""
    limits: Limits = Limits()


class Unreadable(msgspec.Struct, frozen=True):
    """No configuration can be read: where the venue is, is not known."""

    problem: str


class Fenced:
    """Since when no process of the fleet can post; read by the venue's thread."""

    def __init__(self) -> None:
        self.since_ms: int | None = None
        self.problem: str | None = None


class FirstCancel(threading.Thread):
    """Cancels everything at the venue as soon as can be, beside all else."""

    def __init__(self, cancels: Callable[[], Cancelled | Unknown]) -> None:
        super().__init__(name="first-cancel", daemon=True)
        self._cancels = cancels
        self.done: First | None = None
        """What the venue acknowledged; None: nothing, so far."""

    def run(self) -> None:
        with contextlib.suppress(Exception):  # the adapter asks next, and says what is wrong
            got = self._cancels()
            if isinstance(got, Cancelled):
                self.done = First(cancelled=got.cancelled, at_ms=wire_monotonic_ms())


class VenueSide(threading.Thread):
    """Empties the account beside the rest."""

    def __init__(
        self, config: FleetConfig, fenced: Fenced, ports: HaltPorts, began_ms: int
    ) -> None:
        super().__init__(name="venue", daemon=True)
        self._config = config
        self._opens = ports.open_venue or (lambda: connect_to_stop(config, CALL_S))
        self._first = FirstCancel(ports.first_cancel or (lambda: first_cancel(config, CALL_S)))
        self._fenced = fenced
        self._ports = ports
        self._began_ms = began_ms
        self.proof: Proof | None = None
        self.failure: BaseException | None = None

    def run(self) -> None:
        ports = self._ports
        self._first.start()
        self._first.join(FIRST_S)  # loading the adapter would slow it down
        if ports.open_venue is None:
            with contextlib.suppress(Exception):  # before any limit: on a busy machine it is slow
                adapter_of(self._config)
        try:
            self.proof = asyncio.run(
                empty_account(self._opens, self._fenced, ports.tell, self._began_ms, ports.limits)
            )
        except BaseException as error:  # noqa: BLE001 told by the thread that waits
            self.failure = error

    def result(self) -> Proof:
        self.join()
        if self.proof is not None:
            return with_first(self.proof, self._first.done, self._began_ms)
        return Proof(proven=False, said=f"asking the venue failed: {self.failure!r}; {BY_ITSELF}")


def halt(
    storage: LocalStorage, config: FleetConfig | Unreadable | None, ports: HaltPorts, reason: str
) -> TradingSet:
    """Stop all trading now and prove it; raise `FleetError` only where nothing could be done.

    `config`: None where no fleet was ever launched; then nothing can rest, and the HALT file holds
    for the first start.
    """
    began_ms = wire_monotonic_ms()
    mark = set_mark(storage, reason)
    if config is None:
        return _before_the_first_start(mark)
    fenced = Fenced()
    end = _Fencing(storage, mark, ports, fenced)
    end.begin(reason)
    venue = None
    if isinstance(config, FleetConfig) and config.mode is not Mode.PAPER:
        venue = VenueSide(config, fenced, ports, began_ms)
        venue.start()
    try:
        kind, said = end.fence()
        if isinstance(config, FleetConfig) and venue is None and kind is not GatewayEnd.CONFIRMED:
            venue = VenueSide(config, fenced, ports, began_ms)  # the paper account is free now
            venue.start()
        proof = venue.result() if venue is not None else _without_venue(config, end.under_way)
    finally:
        end.release()
    return TradingSet(
        state=TradingState.HALTED,
        by_gateway=kind is GatewayEnd.CONFIRMED,
        cancelled_directly=None if venue is None else proof.cancelled,
        file_problem=mark.problem,
        gateway=kind,
        gateway_said=said,
        proof=proof,
    )


def _before_the_first_start(mark: Mark) -> TradingSet:
    if not mark.stands:
        raise FleetError(
            f"the HALT file could not be written ({mark.problem}); no fleet was started here, so "
            "no order is open"
        )
    return TradingSet(
        state=TradingState.HALTED,
        by_gateway=False,
        file_problem=mark.problem,
        gateway=GatewayEnd.NO_FLEET,
    )


def _without_venue(config: FleetConfig | Unreadable, under_way: int) -> Proof:
    if isinstance(config, Unreadable):
        return Proof(
            proven=False,
            said=f"the venue could not be asked: {config.problem}; name the configuration with "
            f"--config, or cancel at the venue's own page; {BY_ITSELF}",
        )
    return Proof(
        proven=not under_way,
        said=f"paper: the gateway has the account, and {under_way} open orders in it",
    )


class _Fencing:
    """Keeps the fleet from posting, step by step."""

    def __init__(self, storage: LocalStorage, mark: Mark, ports: HaltPorts, fenced: Fenced) -> None:
        self._root = storage.root
        self._mark = mark
        self._ports = ports
        self._fenced = fenced
        self._lock: Lock | None = None
        self._first: Lock | LockHeld | str = Lock(None)
        self.under_way = 0
        """Orders that a gateway which answered had not seen the end of."""

    def begin(self, reason: str) -> None:
        """Take the lock where it is free; else ask the gateway, beside this process."""
        self._first = self._take()
        if isinstance(self._first, LockHeld):
            self._ports.gateway.start(reason)

    def fence(self) -> tuple[GatewayEnd, str]:
        """Return what became of the gateway, and why it did not answer."""
        if not self._root.is_dir():
            self._ports.end_fleet()
            self._fenced.since_ms = wire_monotonic_ms() + LATE_POST_MS
            return GatewayEnd.FOLDER_GONE, f"{self._root} is gone"
        answer: Asked = Silent(reason="no gateway runs")
        got = self._first
        if isinstance(got, LockHeld):
            answer = self._ports.gateway.answer()
        if isinstance(answer, Confirmed):
            self.under_way = answer.under_way
            late_ms = LATE_POST_MS if answer.under_way else 0
            self._fenced.since_ms = wire_monotonic_ms() + late_ms
            return GatewayEnd.CONFIRMED, ""
        kind = GatewayEnd.NONE_RUNS
        if isinstance(got, LockHeld):
            kind = GatewayEnd.ENDED
            got = end_and_take(self._root, got)
        return self._settle(kind, got, answer.reason)

    def _take(self) -> Lock | LockHeld | str:
        try:
            return take_lock(self._root)
        except OSError as error:
            return f"the gateway's lock cannot be read ({error.strerror})"

    def _settle(self, kind: GatewayEnd, got: Lock | str, silent: str) -> tuple[GatewayEnd, str]:
        if isinstance(got, Lock):
            self._lock = got
        if isinstance(got, str) or not self._mark.stands:
            self._ports.tell(
                "the fleet cannot be kept from posting by its files: ending its processes"
            )
            self._ports.end_fleet()
        if isinstance(got, str):
            self._fenced.problem = got
            return GatewayEnd.NOT_KNOWN, f"{silent}; {got}"
        self._fenced.since_ms = wire_monotonic_ms() + LATE_POST_MS
        return kind, silent

    def release(self) -> None:
        if self._lock is not None:
            self._lock.release()
