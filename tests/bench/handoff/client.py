"""A client in a tight loop: from the last answer of the old owner to the first of the new one.

It asks one incarnation at a time, the old one until it says that it is not active any more, then
the new one. It begins when no process starts any more and watches the next two slots only: a loop
without a pause takes a core, and the rollout needs both for its starts.
"""

import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from actors.rollout.handoff_state import Step
from actors.rollout.rollout_state import Rollout
from actors.runtime import RAY_NAMESPACE
from actors.slot.status import AnySlotStatus, SlotStatus

ACTIVE: Final = "active"
POLL_SECONDS: Final = 0.02
"""Between two looks at the rollout's stored state."""
ASK_SECONDS: Final = 10.0
RETRY_SECONDS: Final = 0.0005
AT_ONCE: Final = 2
_NOT_YET: Final = frozenset({Step.PLANNED, Step.PINNING, Step.OPENING, Step.CREATING})


class Dark(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    dark_ms: float
    """Last active answer of the old one to the first active answer of the new one."""
    last_old_ms: float
    first_new_ms: float
    """Wire."""


class Watch(msgspec.Struct, kw_only=True):
    slot: str
    old_name: str
    new_name: str
    old: Any
    new: Any = None
    last_old_ms: float = 0.0
    old_gone: bool = False


class Client:
    def __init__(
        self, pairs: dict[str, tuple[int, int]], rollout: Callable[[], Rollout | None]
    ) -> None:
        """`pairs`: slot to the incarnation that owns it and the one that will, in their order."""
        import ray

        self._ray = ray
        self._rollout = rollout
        self._watches = [
            Watch(
                slot=slot,
                old_name=f"{slot}/{old}",
                new_name=f"{slot}/{new}",
                old=self._actor(f"{slot}/{old}"),
            )
            for slot, (old, new) in pairs.items()
        ]
        self._looked_s = 0.0
        self.dark: list[Dark] = []
        self.unseen: list[str] = []
        """Slots that had switched before the client's first question."""

    def watch_while(self, running: Callable[[], bool]) -> None:
        """Ask until the roll has ended or every slot was seen to switch."""
        while running() and self._watches:
            self._poll()
            watched = [watch for watch in self._watches if watch.new is not None]
            for watch in watched[:AT_ONCE]:
                self._ask(watch)
            if not watched:
                time.sleep(POLL_SECONDS)

    def _poll(self) -> None:
        """Find the successors of the slots that may switch next."""
        if time.monotonic() - self._looked_s < POLL_SECONDS:
            return
        self._looked_s = time.monotonic()
        rollout = self._rollout()
        steps = {} if rollout is None else {s: h.step for s, h in rollout.handoffs.items()}
        starting = Step.CREATING in steps.values()
        for watch in [] if starting else [w for w in self._watches if w.new is None]:
            if steps.get(watch.slot, Step.PLANNED) not in _NOT_YET:
                watch.new = self._actor(watch.new_name)

    def _actor(self, name: str) -> Any:
        try:
            return self._ray.get_actor(name, RAY_NAMESPACE)
        except ValueError:
            return None

    def _ask(self, watch: Watch) -> None:
        active = self._active(watch.new if watch.old_gone else watch.old)
        now_ms = time.time() * 1000
        if not watch.old_gone:
            watch.last_old_ms = now_ms if active else watch.last_old_ms
            watch.old_gone = not active
        elif active:
            self._seen(watch, now_ms)
        else:
            time.sleep(RETRY_SECONDS)

    def _seen(self, watch: Watch, now_ms: float) -> None:
        self._watches.remove(watch)
        if watch.last_old_ms == 0.0:
            self.unseen.append(watch.slot)
            return
        self.dark.append(
            Dark(
                slot=watch.slot,
                dark_ms=now_ms - watch.last_old_ms,
                last_old_ms=watch.last_old_ms,
                first_new_ms=now_ms,
            )
        )

    def _active(self, actor: Any) -> bool:
        try:
            answer = self._ray.get(actor.status.remote(), timeout=ASK_SECONDS)
        except self._ray.exceptions.RayError:
            return False
        status = msgspec.msgpack.decode(answer, type=AnySlotStatus)
        return isinstance(status, SlotStatus) and status.state == ACTIVE
