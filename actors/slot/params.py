"""Change a slot's parameters in place: what is asked, what is answered, and how it is applied."""

import asyncio
from pathlib import Path
from typing import Final

import msgspec

from actors.messages import Refusal
from actors.slot.events import ParamsAsked, ReportParams
from actors.slot.loop import SlotLoop
from actors.slot.start import store_params
from actors.undated import undated
from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage
from signals.params import Params, ParamsError, Value, override, params_id

DURABLE_SECONDS: Final = 5.0
"""Wire. A row is on disk within milliseconds; a storage that is ill keeps the change in memory."""
POLL_SECONDS: Final = 0.01


class SetParams(msgspec.Struct, frozen=True, kw_only=True, tag="set_params"):
    request: str
    """Names this change; asking again with the same values changes nothing more."""
    changes: dict[str, float | int | str]
    """Dotted key -> value, on top of what is in force."""


class ParamsInForce(msgspec.Struct, frozen=True, kw_only=True, tag="params_in_force"):
    """Durable: every later decision carries this id, over restarts and rolls."""

    slot: str
    params: str
    sequence: int
    """Of the journal row."""


ParamsAnswer = ParamsInForce | Refusal


async def change_params(loop: SlotLoop, storage_root: str, ask: SetParams) -> ParamsAnswer:
    """Put parameters in force between two decisions; a refusal says what stands in the way."""
    seat = loop.seat
    try:
        params = override(seat.params, ask.changes)
        await asyncio.to_thread(store_params, LocalStorage(Path(storage_root)), params)
    except (ParamsError, CheckpointsError) as error:
        return Refusal(reason=str(error))
    new_id = params_id(params)
    if new_id == seat.params_id:
        return ParamsInForce(
            slot=seat.who.slot, params=new_id, sequence=seat.state.journal_sequence
        )
    event = undated(
        ParamsAsked,
        params=params,
        params_id=new_id,
        params_set={**seat.state.params_set, **typed(params, ask.changes)},
        request=ask.request,
    )
    report = await loop.ask(f"params/{ask.request}", event)
    if not isinstance(report, ReportParams):
        return Refusal(reason=getattr(report, "reason", str(report)))
    if not await _durable(loop, report.sequence):
        return Refusal(reason=f"not_durable: row {report.sequence} is not on disk yet")
    return ParamsInForce(slot=seat.who.slot, params=report.params, sequence=report.sequence)


def typed(params: Params, keys: dict[str, Value]) -> dict[str, Value]:
    """Return the values that these keys have in the parameters, numbers as numbers."""
    tree: dict[str, dict[str, Value]] = msgspec.to_builtins(params)
    found: dict[str, Value] = {}
    for key in keys:
        section, _, name = key.partition(".")
        found[key] = tree[section][name]
    return found


async def _durable(loop: SlotLoop, sequence: int) -> bool:
    for _ in range(int(DURABLE_SECONDS / POLL_SECONDS)):
        if loop.seat.durable_sequence >= sequence:
            return True
        await asyncio.sleep(POLL_SECONDS)
    return False
