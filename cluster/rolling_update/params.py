"""Change parameters in place: checked for every slot first, then put in force slot by slot.

It takes the same turn as a rollout, so that no decision is compared or handed over while its
parameters move. Limits that the gateway enforces are no parameters and cannot be reached.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from actors.config import FleetConfig
from actors.directory import serving
from actors.messages import FenceRecord, Refusal, decode, encode
from actors.rollout.record import Active, end_turn, take_turn
from actors.runtime import life_id, wire_ms
from actors.shared_kind import Kind
from actors.slot.params import ParamsAnswer, ParamsInForce, SetParams
from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.fleet import Call, FleetLink, owner_records
from cluster.gate.document import PlanDocument
from cluster.gate.entry import Entrant, enter
from cluster.gate.small_plans import params_document
from signals.params import ParamsError, override

QUIET_SECONDS: Final = 10.0
"""Wire. A decision takes well under a second; a slot that is not quiet for so long is ill."""
POLL_SECONDS: Final = 0.05
ASK_SECONDS: Final = 15.0


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    changes: dict[str, float | int | str]
    slots: dict[str, str]
    """Slot -> id of the parameters in force from now on."""
    failed: dict[str, str]
    """Slot -> why not; nothing was changed there."""


def parse_changes(words: Sequence[str]) -> dict[str, float | int | str]:
    """Read ``key=value`` words; raise `FleetError` for another form."""
    changes: dict[str, float | int | str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key or not value:
            raise FleetError(
                f"{word!r}: write --set SECTION.NAME=VALUE, e.g. --set sizing.kelly_fraction=0.4"
            )
        changes[key.strip()] = value.strip()
    return changes


def check_changes(
    config: FleetConfig, slots: Sequence[str], changes: Mapping[str, float | int | str]
) -> None:
    """Refuse before anything is touched; raise `FleetError` with key, value and range."""
    known = {entry.slot for entry in config.slots}
    for slot in slots:
        if slot not in known:
            raise FleetError(f"this fleet has no slot {slot}; there are {', '.join(known)}")
        try:
            override(override(config.params, config.slot(slot).params), changes)
        except ParamsError as error:
            raise FleetError(f"{slot}: {error}") from error


def change_params(
    storage: LocalStorage,
    link: FleetLink,
    config: FleetConfig,
    slots: Sequence[str],
    changes: dict[str, float | int | str],
    entrant: Entrant,
) -> Changed:
    """Put the changes in force in each slot; raise `FleetError` while a rollout is under way.

    Raises `GateRefusedError` where the gate is closed and no plan of this change is approved.
    """
    named = tuple(slots)
    slots = named or tuple(entry.slot for entry in config.slots)
    check_changes(config, slots, changes)
    request = f"p{wire_ms():.0f}"
    active = Active(
        rollout=request, driver=life_id(), begun_wire_ms=wire_ms(), doing="change of parameters"
    )
    take_turn(storage, active)
    try:
        found = owner_records(link, serving(storage, Kind.GATEWAY))
        enter(storage, config, _document(config, found, changes, named), entrant)
        names = {owner.slot: f"{owner.slot}/{owner.incarnation}" for owner in found}
        return _ask_all(link, names, slots, SetParams(request=request, changes=changes))
    finally:
        end_turn(storage, request)


def plan_params(
    storage: LocalStorage,
    link: FleetLink,
    config: FleetConfig,
    slots: Sequence[str],
    changes: Mapping[str, float | int | str],
) -> PlanDocument:
    """Return the document of a change of parameters; nothing is stored, nothing is touched."""
    check_changes(config, tuple(slots) or [entry.slot for entry in config.slots], changes)
    return _document(config, owner_records(link, serving(storage, Kind.GATEWAY)), changes, slots)


def _document(
    config: FleetConfig,
    owners: Sequence[FenceRecord],
    changes: Mapping[str, float | int | str],
    slots: Sequence[str],
) -> PlanDocument:
    return params_document(config, owners, changes, slots, int(wire_ms()))


def _ask_all(
    link: FleetLink, names: Mapping[str, str], slots: Sequence[str], ask: SetParams
) -> Changed:
    done: dict[str, str] = {}
    failed = {
        slot: "nothing runs there; wait until it is started again"
        for slot in slots
        if slot not in names
    }
    waiting = [slot for slot in slots if slot in names]
    deadline = time.monotonic() + QUIET_SECONDS
    while waiting:
        calls = [Call(names[slot], "set_params", (encode(ask),)) for slot in waiting]
        answers = dict(zip(waiting, link.ask(calls, ASK_SECONDS), strict=True))
        waiting = []
        for slot, data in answers.items():
            answer = _answer(data)
            if isinstance(answer, ParamsInForce):
                done[slot] = answer.params
            elif answer.reason.startswith("not_quiet") and time.monotonic() < deadline:
                waiting.append(slot)
            else:
                failed[slot] = answer.reason
        time.sleep(POLL_SECONDS if waiting else 0)
    return Changed(changes=ask.changes, slots=done, failed=failed)


def _answer(data: bytes | str) -> ParamsAnswer:
    if isinstance(data, str):
        return Refusal(reason=data)
    answer: ParamsAnswer = decode(data, ParamsAnswer)  # type: ignore[arg-type] # a union
    return answer
