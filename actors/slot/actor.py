"""The Ray shell of a slot: one incarnation, named ``btc-5m/7``; bytes in and out.

The constructor is given identity only. Whatever Ray restarts reads configuration, checkpoint and
journal again and asks the gateway who it is, so no restart can bring back an old state.
"""

import asyncio
import os
from typing import Any, Final

import ray

from actors.attest import AttestationError
from actors.gateway.client import GatewayClient
from actors.market_data.client import MarketDataClient
from actors.messages import Refusal, decode, encode
from actors.ray_actors import released
from actors.rollout.handoff_messages import HandoffAsk, HandoffFailed
from actors.runtime import keep_loaded, label_logs, log_event, start_logging, wire_ms
from actors.slot.events import RetireAsked, StopAsked
from actors.slot.handoff import SlotHandoff
from actors.slot.loop import SlotLoop
from actors.slot.naming import error_name
from actors.slot.params import SetParams, change_params
from actors.slot.seat import Identity, Seat
from actors.slot.start import Hooks, SeatName, attest_seat, open_loop
from actors.slot.status import SlotNotRunning
from actors.slot.surroundings import Surroundings
from actors.undated import undated

STOP_SECONDS: Final = 10.0
"""A stop waits this long for the last rows and checkpoint; then the journal has what is needed."""
ASK_AHEAD_SECONDS: Final = 0.5
"""Wire, before a decision is due: the question waits at market data, not the answer in a queue."""
START_RETRY_SECONDS: Final = 2.0
"""Between attempts to open storage and configuration; the status says what is wrong meanwhile."""


class Slot:
    """Async actor; its loop runs as a task beside the remote methods."""

    def __init__(self, storage_root: str, slot: str, incarnation: int) -> None:
        os.register_at_fork(after_in_child=lambda: os._exit(1))  # a strategy's fork: half a slot
        self._name = SeatName(storage_root=storage_root, slot=slot, incarnation=incarnation)
        start_logging(str(self._name))
        context = ray.get_runtime_context()
        self._me: Any = context.current_actor
        self._snapshots = MarketDataClient(storage_root)
        self._loop: SlotLoop | None = None
        self._who: Identity | None = None
        self._trouble = ""
        try:
            self._who = attest_seat(self._name, os.getpid(), context.get_node_id())
        except AttestationError as error:  # no claim is ever made; the status says why
            self._trouble = str(error)
        if self._who is not None:
            label_logs(release=self._who.attestation.release[:12])
        self._handoff: SlotHandoff | None = None
        self._task = asyncio.get_running_loop().create_task(self._live())
        self._task.add_done_callback(self._ended)

    def __repr__(self) -> str:
        release = "unattested" if self._who is None else self._who.attestation.release[:6]
        return f"Slot({self._name} {release})"

    async def _live(self) -> None:
        if self._who is None:
            return
        while self._loop is None:
            try:
                self._loop = await asyncio.to_thread(self._open, self._who)
            except Exception as error:  # noqa: BLE001 a release that cannot start says why, alive
                self._trouble = f"{type(error).__name__}: {error}"
                log_event("slot_start_failed", slot=str(self._name), reason=self._trouble)
                await asyncio.sleep(START_RETRY_SECONDS)
        self._handoff = SlotHandoff(self._loop)
        keep_loaded()
        await self._loop.run()

    def _open(self, who: Identity) -> SlotLoop:
        """Open storage and strategy; `_live` tells an `Exception` and tries again.

        Importing a strategy runs a stranger's code. `sys.exit()` in it would end the slot's process
        without a word, so whatever else leaves it becomes an `Exception` as well.
        """
        gateway = GatewayClient(self._name.storage_root)
        snapshots = self._snapshots
        hooks = Hooks(leave=self._leave, observe=self._observe)
        surroundings = Surroundings.now()
        try:
            loop = open_loop(self._name, who, gateway, snapshots, hooks)
            changed = surroundings.changed()
        except Exception:
            raise
        except BaseException as error:  # a module that exits as it is imported
            raise RuntimeError(f"start ended by {error_name(error)}") from error
        finally:
            surroundings.restore()
        if changed:
            raise RuntimeError(f"the strategy's module changed {', '.join(changed)}")
        return loop

    def _observe(self, before: Seat, after: Seat) -> None:
        if after.wake_ms != before.wake_ms and after.pending is None:
            self._ask_ahead(after)

    def _ask_ahead(self, seat: Seat) -> None:
        """Ask for the next decision's snapshot shortly before it is due."""
        left_s = (seat.rules.clock.wire_ms(seat.wake_ms) - wire_ms()) / 1_000
        asyncio.get_running_loop().call_later(
            max(0.0, left_s - ASK_AHEAD_SECONDS),
            self._snapshots.expect,
            str(seat.who.seat.asset),
            seat.wake_ms,
        )

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Crash on a fault: a process without its loop would look alive and decide nothing."""
        fault = None if task.cancelled() else task.exception()
        if fault is not None:
            log_event("slot_crashed", slot=str(self._name), reason=repr(fault))
            os._exit(1)

    def _leave(self, reason: str) -> None:
        """End this actor for good: `exit_actor` works only inside a remote method."""
        log_event("slot_exits", slot=str(self._name), reason=reason)
        self._me.leave.remote()

    def _status(self) -> bytes:
        if self._loop is not None:
            return encode(self._loop.status())
        return encode(SlotNotRunning(slot=self._name.slot, reason=self._trouble or "starting"))

    @ray.method
    async def leave(self) -> None:
        ray.actor.exit_actor()  # type: ignore[no-untyped-call]

    @ray.method
    async def status(self) -> bytes:
        """Return `SlotStatus`, or `SlotNotRunning` before the loop runs."""
        return self._status()

    @ray.method
    async def stop(self, reason: str) -> bytes:
        """Write the last rows and a checkpoint, answer with the status, decide no more."""
        if self._loop is not None:
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self._loop.ask("stop", undated(StopAsked, reason=reason))
            except TimeoutError:
                log_event("slot_stop_late", slot=str(self._name))
        return self._status()

    @ray.method
    async def handoff(self, ask: bytes) -> bytes:
        """Answer one ask of a handoff, see `rollout.handoff_messages`; a failure is an answer."""
        asked: HandoffAsk = decode(ask, HandoffAsk)  # type: ignore[arg-type] # a union
        if self._handoff is None:
            reason = f"not_running: {self._trouble or 'starting'}"
            return encode(HandoffFailed(handoff=asked.handoff, reason=reason))
        return encode(await self._handoff.answer(asked))

    @ray.method
    async def set_params(self, data: bytes) -> bytes:
        """`SetParams` -> `ParamsAnswer`, see `actors.slot.params`."""
        ask = decode(data, SetParams)
        if self._loop is None:
            return encode(Refusal(reason=f"not_running: {self._trouble or 'starting'}"))
        return encode(await change_params(self._loop, self._name.storage_root, ask))

    @ray.method
    async def retire(self, reason: str) -> None:
        """Leave for good; never restarted."""
        if self._loop is None:
            self._leave(reason)
        else:
            self._loop.post(undated(RetireAsked, reason=reason))


SlotActor = released(Slot)
