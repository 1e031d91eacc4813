"""Halt, reduce or resume trading; a halt works without Ray, up to the venue itself.

The HALT file in the storage comes first: the gateway looks for it before each post. Then the
gateway is asked, which cancels what rests. Where it does not answer, this process cancels at the
venue with the fleet's own key. No step that fails keeps the next one from being tried.
"""

import asyncio
from collections.abc import Callable
from typing import Final, assert_never

import msgspec

from actors.config import FleetConfig
from actors.directory import serving
from actors.gateway.lock import HALT_FILE, halt_reason
from actors.messages import SetTrading, TradingState, decode, encode
from actors.shared_kind import Kind
from actors.venue.connect import connect
from actors.venue.keys import PrivateKeyError
from actors.venue.port import Cancelled, Rejected, Unavailable, Unknown
from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.fleet import Call, FleetLink, ask_one
from cluster.terminal.console import operator

HALT_SECONDS: Final = 5.0
"""Wire. A gateway that takes longer to answer a halt is passed by."""
SET_SECONDS: Final = 10.0
CANCEL_SECONDS: Final = 10.0
BY_ITSELF: Final = "The venue cancels open orders by itself 10 s after the last heartbeat."

Join = Callable[[], FleetLink]


class Unreadable(msgspec.Struct, frozen=True):
    """The stored configuration cannot be read: where the venue is, is not known."""

    problem: str


class TradingSet(msgspec.Struct, frozen=True, kw_only=True):
    state: TradingState
    by_gateway: bool
    cancelled_directly: int | None = None
    """Orders cancelled by this process because the gateway did not answer."""
    file_problem: str | None = None
    """Why the HALT file could not be written; None: it stands."""


def halt(
    storage: LocalStorage, config: FleetConfig | Unreadable | None, join: Join, reason: str
) -> TradingSet:
    """Stop all trading now; raise `FleetError` if it is not stopped, saying what was done.

    A HALT file that cannot be written stops nothing of the rest: the gateway is asked, and else the
    venue. `config`: None where no fleet was ever launched; then nothing can rest, and the HALT file
    holds for the first start.
    """
    problem = _write_file(storage, reason)
    if config is None:
        if problem is not None:
            raise FleetError(f"{_stands(problem)}; no fleet was started here, so no order is open")
        return TradingSet(state=TradingState.HALTED, by_gateway=False)
    silent = _halt_gateway(storage, join, reason)
    if silent is None:
        return TradingSet(state=TradingState.HALTED, by_gateway=True, file_problem=problem)
    if isinstance(config, Unreadable):
        raise FleetError(
            f"{_stands(problem)}, but nothing could be cancelled: the gateway did not answer "
            f"({silent}), and {config.problem}: cancel at the venue's own page. {BY_ITSELF}"
        )
    cancelled = asyncio.run(cancel_directly(config, silent, _stands(problem)))
    if problem is not None:
        raise FleetError(
            f"{cancelled} open orders were cancelled at the venue, but {_stands(problem)}, and the "
            f"gateway did not answer ({silent}): a gateway that lives may send new orders. "
            "`midstride stop` ends it; once the file can be written, halt again"
        )
    return TradingSet(state=TradingState.HALTED, by_gateway=False, cancelled_directly=cancelled)


def _write_file(storage: LocalStorage, reason: str) -> str | None:
    """Write the HALT file; return why that failed."""
    try:
        storage.write(HALT_FILE, f"{reason}\n".encode(errors="backslashreplace"))
    except CheckpointsError as error:
        return str(error)
    return None


def _stands(problem: str | None) -> str:
    """Say whether the HALT file is there."""
    if problem is None:
        return "HALT is set"
    return f"the HALT file could not be written ({problem})"


def _halt_gateway(storage: LocalStorage, join: Join, reason: str) -> str | None:
    """Let the gateway halt and cancel; return why it did not, whatever that was."""
    try:
        _set(join(), storage, TradingState.HALTED, reason, HALT_SECONDS)
    except Exception as error:  # noqa: BLE001 the venue is asked next, whatever is wrong here
        return str(error) or type(error).__name__
    return None


def reduce(storage: LocalStorage, join: Join, reason: str) -> TradingSet:
    """Take only orders that lower exposure; refused while a halt is in force."""
    halted = halt_reason(storage.root)
    if halted is not None:
        raise FleetError(
            f"trading is halted ({halted}) and stays halted; to reduce instead: "
            "`midstride trading resume`, then `midstride trading reduce`"
        )
    _set(join(), storage, TradingState.REDUCING, reason, SET_SECONDS)
    return TradingSet(state=TradingState.REDUCING, by_gateway=True)


def resume(storage: LocalStorage, join: Join, reason: str) -> TradingSet:
    """Trade again: the HALT file goes once the gateway is known to answer."""
    link = join()
    ask_one(link, Call(serving(storage, Kind.GATEWAY), "status"), SET_SECONDS)
    storage.delete(HALT_FILE)
    _set(link, storage, TradingState.ACTIVE, reason, SET_SECONDS)
    return TradingSet(state=TradingState.ACTIVE, by_gateway=True)


def _set(
    link: FleetLink, storage: LocalStorage, state: TradingState, reason: str, seconds: float
) -> None:
    """Ask the gateway for a state; raise `FleetError` unless it is in force then."""
    order = SetTrading(state=state, reason=reason, who=operator())
    answer = ask_one(
        link, Call(serving(storage, Kind.GATEWAY), "set_trading", (encode(order),)), seconds
    )
    try:
        present = decode(answer, SetTrading)
    except msgspec.MsgspecError as error:
        raise FleetError(
            f"the gateway's answer was not understood ({error}); `midstride status` shows what is "
            "in force"
        ) from error
    if present.state is not state:
        raise FleetError(
            f"trading is {present.state} and stays so ({present.reason}, {present.who}); "
            f"it was not set to {state}"
        )


async def cancel_directly(config: FleetConfig, silent: str, stands: str) -> int:
    """Cancel all orders of the account at the venue; raise `FleetError` saying what is left.

    `stands`: whether the HALT file is there, for the message.
    """
    try:
        venue = await connect(config, CANCEL_SECONDS)
    except PrivateKeyError as error:
        raise FleetError(
            f"{stands}, but nothing could be cancelled: the gateway did not answer "
            f"({silent}), and {error}. {BY_ITSELF}"
        ) from error
    if isinstance(venue, Rejected | Unknown):
        raise FleetError(
            f"{stands}, but nothing could be cancelled: neither the gateway "
            f"({silent}) nor the venue ({_outcome_text(venue)}) answered. {BY_ITSELF}"
        )
    try:
        outcome = await venue.cancel_all()
    finally:
        await venue.close()
    match outcome:
        case Cancelled(cancelled=cancelled):
            return len(cancelled)
        case Rejected() | Unavailable() | Unknown():
            raise FleetError(
                f"{stands}; the venue did not cancel: {_outcome_text(outcome)}. {BY_ITSELF}"
            )
        case _ as never:
            assert_never(never)


def _outcome_text(outcome: Rejected | Unavailable | Unknown) -> str:
    """Say in words what the venue answered instead of doing it."""
    match outcome:
        case Rejected(message=message):
            return message
        case Unavailable(kind=kind, retry_after_ms=retry_after_ms):
            return f"{kind}, try again in {retry_after_ms} ms"
        case Unknown(reason=reason):
            return reason
        case _ as never:
            assert_never(never)
