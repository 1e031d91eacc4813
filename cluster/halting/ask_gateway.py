"""Ask the gateway to halt, in a process of its own: Ray's client may hang, and has its own core.

A head that is stopped or half dead lets `ray.init` wait for a minute; a halt does not wait for it.
"""

import contextlib
import multiprocessing
import os
import time
from multiprocessing.connection import Connection
from typing import Final

import msgspec

from actors.directory import serving
from actors.gateway.status import GatewayStatus
from actors.messages import SetTrading, TradingState, decode, encode
from actors.shared_kind import Kind
from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.fleet import Call, FleetLink, ask_one, join_fleet
from cluster.local.state_folder import StateFolder
from cluster.terminal.console import operator

ANSWER_S: Final = 5.0
"""Wire. A gateway that takes longer to answer a halt is passed by."""
JOIN_S: Final = 20.0
"""Wire, to join Ray: two seconds on a quiet machine, ten on one that is far too busy."""
UNDER_WAY_S: Final = 8.0
"""Wire, for the gateway's own cancels and for posts without an answer, which it looks up."""
POLL_S: Final = 0.2
JOINED: Final = b"joined"
FORK: Final = multiprocessing.get_context("fork")


class Confirmed(msgspec.Struct, frozen=True, kw_only=True, tag="confirmed"):
    """The gateway holds the halt, in its log."""

    pid: int = 0
    under_way: int = 0
    """Orders that it had not seen the end of when the time was over."""


class Silent(msgspec.Struct, frozen=True, kw_only=True, tag="silent"):
    reason: str


Asked = Confirmed | Silent


class AskGateway:
    """Asks beside this process; `answer` waits for what came of it."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder
        self._child: multiprocessing.process.BaseProcess | None = None
        self._answers: Connection | None = None

    def start(self, reason: str) -> None:
        receiver, sender = FORK.Pipe(duplex=False)
        child = FORK.Process(target=_ask, args=(sender, self._folder, reason), daemon=True)
        try:
            child.start()
        except OSError as error:  # no process or no memory is left: the venue is asked all the same
            with contextlib.suppress(OSError):
                sender.send_bytes(msgspec.json.encode(Silent(reason=str(error))))
        else:
            self._child = child
        self._answers = receiver
        sender.close()

    def answer(self) -> Asked:
        """Return the gateway's answer; without one in time, why."""
        assert self._answers is not None, "start comes first"
        try:
            for step, limit_s in (("Ray", JOIN_S), ("it", ANSWER_S + UNDER_WAY_S)):
                if not self._answers.poll(limit_s):
                    return Silent(reason=f"{step} did not answer in {limit_s:.0f} s")
                said = self._answers.recv_bytes()
                if said != JOINED:
                    break
            return msgspec.json.decode(said, type=Confirmed | Silent)
        except (EOFError, OSError, msgspec.MsgspecError) as error:
            return Silent(reason=f"asking it failed ({type(error).__name__})")
        finally:
            if self._child is not None:
                self._child.kill()
                self._child.join()


def _ask(sender: Connection, folder: StateFolder, reason: str) -> None:
    """In the child: join, ask, say what came of it."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    try:
        link = join_fleet(folder)
        sender.send_bytes(JOINED)
        said: Asked = ask(link, LocalStorage(folder.storage), reason)
    except Exception as error:  # noqa: BLE001 the venue is asked anyway, whatever is wrong here
        said = Silent(reason=str(error) or type(error).__name__)
    sender.send_bytes(msgspec.json.encode(said))
    sender.close()
    os._exit(0)  # Ray's own end would wait for its head


def ask(link: FleetLink, storage: LocalStorage, reason: str) -> Confirmed:
    """Halt by the gateway and wait until it has no order under way; raise `FleetError`."""
    set_state(link, storage, TradingState.HALTED, reason, ANSWER_S)
    limit_s = time.monotonic() + UNDER_WAY_S
    while True:
        status = gateway_status(link, storage)
        if status is None:
            return Confirmed()
        if not status.open_orders or time.monotonic() >= limit_s:
            return Confirmed(pid=status.pid, under_way=len(status.open_orders))
        time.sleep(POLL_S)


def gateway_status(link: FleetLink, storage: LocalStorage) -> GatewayStatus | None:
    """Return what the gateway says of itself; None where that cannot be read."""
    answer = link.ask([Call(serving(storage, Kind.GATEWAY), "status")], ANSWER_S)[0]
    try:
        return None if isinstance(answer, str) else decode(answer, GatewayStatus)
    except msgspec.MsgspecError:
        return None


def set_state(
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
