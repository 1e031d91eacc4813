"""The operator's line to the running actors: by name, in bytes, every question with a limit.

A driver outside a job must create no actor: Ray would put its own folder in front of that actor's
path. So this link only asks; what creates runs inside a job (`cluster.local.launch`).
"""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from actors.directory import first_name
from actors.gateway.holder import heir
from actors.gateway.status import FenceTable
from actors.messages import FenceRecord, Refusal
from actors.runtime import RAY_NAMESPACE
from actors.shared_kind import Kind
from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.local.head import gcs_address, head_environment
from cluster.local.joining import join_ray
from cluster.local.state_folder import HeadPorts, RunRecord, StateFolder
from cluster.status.dead_fleet import death_in, death_text

if TYPE_CHECKING:
    import ray

ASK_SECONDS: Final = 10.0
"""Wire. A healthy actor answers in milliseconds; a restarting one within a few seconds."""
REFUSED: Final = "refusal"
"""Tag of `Refusal` on the wire."""


class Call(msgspec.Struct, frozen=True):
    """One question to one actor."""

    actor: str
    method: str
    arguments: tuple[Any, ...] = ()


class FleetLink(Protocol):
    """Ask actors; tests put a fake here."""

    def ask(self, calls: Sequence[Call], limit_seconds: float = ASK_SECONDS) -> list[bytes | str]:
        """Return per call the answer's bytes, or the text of why there is none."""


class RayLink:
    """The link to the fleet on this machine's head."""

    def __init__(self, namespace: str = RAY_NAMESPACE) -> None:
        self._namespace = namespace
        self._handles: dict[str, ray.actor.ActorHandle[Any]] = {}

    def ask(self, calls: Sequence[Call], limit_seconds: float = ASK_SECONDS) -> list[bytes | str]:
        import ray

        sent: list[Any] = [self._send(call) for call in calls]
        pending = [entry for entry in sent if not isinstance(entry, str)]
        if pending:
            ray.wait(pending, num_returns=len(pending), timeout=limit_seconds)
        return [entry if isinstance(entry, str) else self._answer(entry) for entry in sent]

    def _send(self, call: Call) -> Any:
        import ray

        from actors.ray_actors import actor_named

        try:
            if call.actor not in self._handles:
                self._handles[call.actor] = actor_named(call.actor, self._namespace)
            return getattr(self._handles[call.actor], call.method).remote(*call.arguments)
        except ValueError:
            return f"no actor {call.actor}"
        except ray.exceptions.RayError as error:
            return f"{call.actor}: {type(error).__name__}"

    def _answer(self, reference: Any) -> bytes | str:
        import ray

        try:
            answer = ray.get(reference, timeout=0)
        except ray.exceptions.GetTimeoutError:
            return "no answer in time"
        except ray.exceptions.RayError as error:
            self._handles.clear()  # the actor may live on under the same name in a new process
            return f"{type(error).__name__}: {str(error).splitlines()[0]}"
        if answer is None:
            return b""
        return bytes(answer) if isinstance(answer, bytes | bytearray) else str(answer)


def connect(state: StateFolder, ports: HeadPorts) -> RayLink:
    """Join this fleet's head as a driver that only asks; raise `FleetError` if it is not there."""
    os.environ.update(head_environment(state))
    os.environ.pop("RAY_ADDRESS", None)
    import ray

    try:
        if not ray.is_initialized():
            join_ray(address=gcs_address(ports), namespace=RAY_NAMESPACE)
    except (ConnectionError, RuntimeError, ray.exceptions.RayError) as error:
        raise FleetError(
            f"Ray on {gcs_address(ports)} does not answer ({error}): `midstride doctor` says more"
        ) from error
    return RayLink()


def join_fleet(state: StateFolder) -> RayLink:
    """Join the fleet that `run` or `head start` left up; raise `FleetError` saying what to do."""
    return connect(state, running(state).ports)


def running(state: StateFolder) -> RunRecord:
    """Return the processes of the fleet that is up; raise `FleetError` saying what to do."""
    record = state.read_run()
    if record.head is None or not record.head.alive:
        if (death := death_in(state)) is not None:
            raise FleetError(death_text(death))
        raise FleetError(f"no fleet runs in {state.root}; start one with `midstride run --detach`")
    return record


def gateway_to_create(storage: LocalStorage) -> str:
    """Return the gateway that may have the authority: after a handover cut short, the heir."""
    return heir(storage) or first_name(Kind.GATEWAY)


def ask_one(link: FleetLink, call: Call, limit_seconds: float = ASK_SECONDS) -> bytes:
    """Return the answer; raise `FleetError` where there is none or the actor refused."""
    answer = link.ask([call], limit_seconds)[0]
    if isinstance(answer, str):
        raise FleetError(f"{call.actor} {call.method}: {answer}")
    refused = refusal_in(answer)
    if refused is not None:
        raise FleetError(f"{call.actor} refused: {refused.reason}")
    return answer


def refusal_in(answer: bytes) -> Refusal | None:
    """Return the refusal that an actor answered with, None where it answered what was asked."""
    try:
        decoded = msgspec.msgpack.decode(answer)
        if isinstance(decoded, dict) and decoded.get("type") == REFUSED:
            return msgspec.convert(decoded, type=Refusal)
    except msgspec.MsgspecError:
        pass  # no message of ours, e.g. plain text
    return None


def owner_records(link: FleetLink, gateway: str) -> tuple[FenceRecord, ...]:
    """Return who owns the slots, by the gateway's fence table."""
    table = msgspec.msgpack.decode(ask_one(link, Call(gateway, "fences")), type=FenceTable)
    return table.owners


def owners(link: FleetLink, gateway: str) -> Mapping[str, str]:
    """Return slot to the name of the actor that owns it."""
    records = owner_records(link, gateway)
    return {record.slot: f"{record.slot}/{record.incarnation}" for record in records}
