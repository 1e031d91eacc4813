"""Ray behind one port: who lives by name, creation of actors, the end of one process."""

import asyncio
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.messages import decode
from actors.ray_actors import actor_named, create
from actors.rollout.abort import abort
from actors.rollout.errors import RolloutError
from actors.rollout.ports import CallFailedError
from actors.rollout.ray_calls import RayCalls
from actors.runtime import RAY_NAMESPACE, load_config, log_event
from actors.slot.status import AnySlotStatus
from actors.supervisor.operator_commands import Fleet, roll_back
from checkpoints.errors import CheckpointsError
from checkpoints.process_id import end_life

ASK_SECONDS: Final = 3.0
"""Wire. Longer than a busy machine needs; the machine counts silence in several of these."""
CREATE_SECONDS: Final = 120.0
"""Wire. The constructor attests and returns, but eight may wait their turn on a busy machine."""
END_SECONDS: Final = 10.0
ABORT_SECONDS: Final = 100.0
"""Wire. Each slot may take a decision point to show that it decides; then its standbys leave."""


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """Ray knows no living actor of this name."""


class Silent(msgspec.Struct, frozen=True, kw_only=True):
    reason: str


class AskPort(Protocol):
    async def ask(self, actor: str, method: str) -> bytes | Missing | Silent: ...


class FleetPort(Protocol):
    async def ask(self, actor: str, method: str) -> bytes | Missing | Silent: ...

    async def create_slot(self, slot: str, incarnation: int, release: str) -> str | None:
        """Create an incarnation; return why it failed, or None."""

    async def create_shared(self, kind: str, number: int, release: str) -> str | None:
        """Create a shared actor under a release; an empty one stands for the asker's own."""

    async def end_process(self, life: str, node_id: str) -> bool:
        """SIGKILL the process that a life names; False if it is gone already."""

    async def end_actor(self, actor: str) -> bool:
        """End an actor so that it is not started again; False if there is none."""

    async def end_rollout(self) -> str | None:
        """Put away the rollout whose driver is gone; return why that failed, or None."""

    async def roll_back(self, to: str, slots: tuple[str, ...]) -> str | None:
        """Roll slots back to an archived release; return why that failed, or None."""


async def slot_status(port: AskPort, actor: str) -> AnySlotStatus | Missing | Silent:
    answer = await port.ask(actor, "status")
    if not isinstance(answer, bytes):
        return answer
    try:
        status: AnySlotStatus = decode(answer, AnySlotStatus)  # type: ignore[arg-type]
    except msgspec.ValidationError as error:
        return Silent(reason=f"answered something else: {error}")
    return status


class RayFleet:
    """The cluster that this actor runs in."""

    def __init__(self, storage_root: str, release: str) -> None:
        self._storage_root = storage_root
        self._release = release
        self._handles: dict[str, Any] = {}

    async def ask(self, actor: str, method: str) -> bytes | Missing | Silent:
        try:
            if actor not in self._handles:
                self._handles[actor] = actor_named(actor)
            call = getattr(self._handles[actor], method).remote()
            return bytes(await asyncio.wait_for(call, ASK_SECONDS))
        except ValueError:
            return Missing()
        except AttributeError:
            return Silent(reason=f"{actor} has no method {method}")
        except TimeoutError:
            return Silent(reason=f"no answer in {ASK_SECONDS} s")
        except ray.exceptions.ActorDiedError:
            self._handles.pop(actor, None)  # the name decides: restarting or gone
            return Silent(reason="its process died")
        except RayError as error:
            return Silent(reason=type(error).__name__)

    async def names(self) -> list[str]:
        """Return the fleet's living actors by name; none where Ray does not answer."""
        try:
            found = await asyncio.to_thread(ray.util.list_named_actors, all_namespaces=True)
        except RayError:
            return []
        return [str(one["name"]) for one in found if one["namespace"] == RAY_NAMESPACE]

    async def create_slot(self, slot: str, incarnation: int, release: str) -> str | None:
        return await self._create(f"{slot}/{incarnation}", release)

    async def create_shared(self, kind: str, number: int, release: str) -> str | None:
        return await self._create(f"{kind}/{number}", release or self._release)

    async def _create(self, name: str, release: str) -> str | None:
        """Create a detached actor and wait until its constructor has returned."""
        archived = (Path(self._storage_root) / f"releases/{release}.zip").exists()
        try:
            handle = create(name, self._storage_root, release if archived else None)
            await asyncio.wait_for(handle.__ray_ready__.remote(), CREATE_SECONDS)
        except (RayError, ValueError, TimeoutError) as error:
            return f"{type(error).__name__}: {error}"
        self._handles[name] = handle
        return None

    async def end_process(self, life: str, node_id: str) -> bool:
        own = ray.get_runtime_context().get_node_id()
        if node_id in ("", own):
            return end_life(life)
        strategy = NodeAffinitySchedulingStrategy(node_id=node_id, soft=False)
        task = ray.remote(end_life).options(num_cpus=0, scheduling_strategy=strategy)
        try:
            return bool(await asyncio.wait_for(task.remote(life), END_SECONDS))
        except (RayError, TimeoutError):
            return False

    async def end_actor(self, actor: str) -> bool:
        self._handles.pop(actor, None)
        try:
            async with asyncio.timeout(END_SECONDS):
                await asyncio.to_thread(_kill_actor, actor)
        except (ValueError, RayError, TimeoutError):
            return False
        return True

    async def end_rollout(self) -> str | None:
        """Put it away in this process: it asks, ends and fences, as the supervisor does anyway."""
        try:
            speed = load_config(self._storage_root).clock.speed
            async with asyncio.timeout(ABORT_SECONDS):
                calls = RayCalls(self._storage_root)
                await abort(self._storage_root, calls, speed, _log_end, comes_again=True)
        except TimeoutError:
            return f"no end in {ABORT_SECONDS:.0f} s"
        except (RolloutError, CallFailedError, CheckpointsError, RayError) as error:
            return f"{type(error).__name__}: {error}"
        return None

    async def roll_back(self, to: str, slots: tuple[str, ...]) -> str | None:
        return await roll_back(self._fleet(), self._release, to, slots)

    def _fleet(self) -> Fleet:
        address = ray.get_runtime_context().gcs_address
        return Fleet(storage_root=self._storage_root, address=address)


def _log_end(line: str) -> None:
    log_event("rollout_slot_ended", end=line)


def _kill_actor(actor: str) -> None:
    """Raises `ValueError` where Ray knows no such actor."""
    ray.kill(actor_named(actor), no_restart=True)
