"""Cancel everything of the account at the venue and list until nothing is left, whatever fails."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar, assert_never

import msgspec

from actors.venue.keys import PrivateKeyError
from actors.venue.port import (
    Cancelled,
    CancelOutcome,
    Rejected,
    Unavailable,
    UnavailableKind,
    Unknown,
    VenuePort,
    reason_of,
)
from cluster.halting.proof import (
    Cancel,
    Held,
    Progress,
    Proof,
    Round,
    apply_round,
    next_cancel,
    pause_ms,
    proof_of,
    proven,
    what_is_left,
)

PROVE_S_MAX: Final = 150.0
"""Wire. A restart of the venue takes about 90 s, in which it takes no cancels."""
CALL_S: Final = 5.0
"""Wire, of one request to the venue."""
CALL_S_MAX: Final = 20.0
"""Wire, of one whole question: a listing has pages."""
CONNECT_AGAIN_S: Final = 1.0
REFUSED_MAX: Final = 3
"""Refusals of the account before the venue's word is taken: it answers 401 in passing."""
BY_ITSELF: Final = (
    "if this fleet ever sent a heartbeat, the venue itself cancels all orders of the account 10 s "
    "after the last one; its own page shows and cancels them at any time"
)

Answer = TypeVar("Answer")
Open = Callable[[], Awaitable[VenuePort | Rejected | Unknown]]
Tell = Callable[[str], None]


class Quiet(Protocol):
    """Since when nothing of this fleet can post any more."""

    @property
    def since_ms(self) -> int | None: ...

    @property
    def problem(self) -> str | None:
        """Why that cannot be known: then nothing is proven."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    prove_s: float = PROVE_S_MAX


def wire_monotonic_ms() -> int:
    return int(1_000 * time.monotonic())


async def empty_account(
    open_venue: Open,
    quiet: Quiet,
    tell: Tell,
    began_ms: int,
    limits: Limits,
) -> Proof:
    """Cancel and list until it is proven that nothing rests, or until the time is over."""
    side = _Side(quiet, tell, began_ms + int(1_000 * limits.prove_s), began_ms)
    try:
        venue = await side.connect(open_venue)
    except PrivateKeyError as error:
        return side.proof(f"nothing could be asked of the venue: {error}")
    if isinstance(venue, str):
        return side.proof(f"nothing could be asked of the venue: {venue}")
    try:
        return await side.rounds(venue)
    finally:
        await _within(venue.close())


class _Side:
    """One halt's line to the venue."""

    def __init__(self, quiet: Quiet, tell: Tell, until_ms: int, began_ms: int) -> None:
        self._quiet = quiet
        self._tell = tell
        self._until_ms = until_ms
        self._began_ms = began_ms
        self._progress = Progress()
        self._notified = ""

    def proof(self, why_not: str) -> Proof:
        now_ms = wire_monotonic_ms()
        return proof_of(self._progress, why_not=why_not, began_ms=self._began_ms, now_ms=now_ms)

    def _left(self) -> bool:
        return wire_monotonic_ms() < self._until_ms

    def _notify_once(self, text: str) -> None:
        if text != self._notified:
            self._notified = text
            self._tell(text)

    async def connect(self, open_venue: Open) -> VenuePort | str:
        """Open the account, again and again; raises `PrivateKeyError`."""
        refused = 0
        while True:
            got = await _within(open_venue())
            if not isinstance(got, Rejected | Unknown):
                return got
            refused += isinstance(got, Rejected)
            why = reason_of(got)
            if refused >= REFUSED_MAX or not self._left():
                return why
            self._notify_once(f"the venue cannot be reached ({why}); trying again")
            await asyncio.sleep(CONNECT_AGAIN_S)

    async def rounds(self, venue: VenuePort) -> Proof:
        while True:
            one = await one_round(venue, next_cancel(self._progress))
            self._progress = apply_round(self._progress, one, self._quiet.since_ms)
            if proven(self._progress):
                return self.proof("")
            if self._quiet.problem is not None and one.clean:
                return self.proof(
                    f"the venue lists no open order, but {self._quiet.problem}: a new one may come"
                )
            taken_s = (wire_monotonic_ms() - self._began_ms) / 1_000
            if not self._left():
                return self.proof(f"{what_is_left(self._progress, taken_s)}; {BY_ITSELF}")
            self._report(one)
            await asyncio.sleep(pause_ms(self._progress) / 1_000)

    def _report(self, one: Round) -> None:
        """Tell a person what keeps the proof waiting, each reason once."""
        if one.cancel_problem is not None:
            self._notify_once(f"the venue takes no cancel now ({one.cancel_problem}); trying again")
        elif one.list_problem is not None:
            self._notify_once(
                f"the open orders cannot be listed ({one.list_problem}); trying again"
            )
        elif one.held:
            self._notify_once(
                f"{len(one.held)} orders cannot be cancelled yet: {one.held[0].reason}"
            )


async def one_round(venue: VenuePort, cancel: Cancel) -> Round:
    """Cancel, then list."""
    began_ms = wire_monotonic_ms()
    ids = cancel.order_ids
    outcome = await _within(venue.cancel_all() if ids is None else venue.cancel(ids))
    cancel_ms = wire_monotonic_ms()
    orders = await _within(venue.open_orders())
    odd = [row for row in venue.odd_rows() if row.listing == "orders"]
    return msgspec.structs.replace(
        _answered(outcome),
        of_all=ids is None,
        began_ms=began_ms,
        cancel_ms=cancel_ms,
        ended_ms=wire_monotonic_ms(),
        listed=() if isinstance(orders, Unknown) else tuple(one.order_id for one in orders),
        unreadable=len(odd),
        list_problem=orders.reason if isinstance(orders, Unknown) else None,
    )


def _answered(outcome: CancelOutcome) -> Round:
    """Return what a cancel's answer says; the times are filled in later."""
    empty = Round(began_ms=0, cancel_ms=0, ended_ms=0)
    match outcome:
        case Cancelled(cancelled=cancelled, not_cancelled=not_cancelled):
            held = tuple(Held(order_id=one.order_id, reason=one.reason) for one in not_cancelled)
            return msgspec.structs.replace(empty, cancelled=cancelled, held=held)
        case Rejected(message=message):
            return msgspec.structs.replace(empty, cancel_problem=message)
        case Unavailable(kind=kind, retry_after_ms=wait_ms):
            limited = kind is UnavailableKind.RATE_LIMITED
            problem = f"it says: {kind}"
            return msgspec.structs.replace(
                empty, cancel_problem=problem, rate_limited=limited, retry_after_ms=wait_ms
            )
        case Unknown(reason=reason):
            return msgspec.structs.replace(empty, cancel_problem=reason)
        case _ as never:
            assert_never(never)


async def _within(call: Awaitable[Answer]) -> Answer | Unknown:
    """Await a call of the venue; one that fails or never returns is an answer too."""
    try:
        async with asyncio.timeout(CALL_S_MAX):
            return await call
    except PrivateKeyError:
        raise
    except Exception as error:  # noqa: BLE001 a halt goes on whatever its SDK does
        return Unknown(reason=f"{type(error).__name__}: {error}")
