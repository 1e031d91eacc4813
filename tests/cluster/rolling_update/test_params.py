"""Parameters changed in place: the slot with a real storage, the operator with a fake link."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from actors.config import FleetConfig, Mode, SlotConfig, Venue
from actors.gateway.status import FenceTable
from actors.messages import Refusal, decode, encode
from actors.rollout.errors import RolloutError
from actors.rollout.record import Active, read_active, take_turn
from actors.slot.params import ParamsInForce, SetParams, change_params
from actors.slot.recovery import MemoryKind, recover
from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.fleet import Call
from cluster.gate.entry import Entrant
from cluster.rolling_update import params as operator_side
from signals.market_time import MarketClock
from signals.params import Params, override, params_id
from tests.actors.rollout.aborts import OLD_OWNS
from tests.actors.slot.builders import SLOT, Memory
from tests.actors.slot.test_slot_loop import LIMIT_SECONDS, World, kill, until

KEY = "sizing.kelly_fraction"
IN_FORCE = ParamsInForce(slot=SLOT, params="id", sequence=3)


def test_parameters_in_force_are_durable_tagged_and_survive_a_restart(tmp_path: Path) -> None:
    wanted = params_id(override(Params(), {KEY: 0.4}))

    async def scenario() -> None:
        world = World(tmp_path)
        loop = world.open()
        task = asyncio.create_task(loop.run())
        await until(lambda: loop.seat.state.counts.decisions >= 1, "a decision")
        answer = await changed(loop, SetParams(request="p1", changes={KEY: "0.4"}))
        assert isinstance(answer, ParamsInForce)
        assert answer.params == wanted
        decided = loop.seat.state.counts.decisions
        await until(lambda: loop.seat.state.counts.decisions > decided, "a decision after it")
        again = await changed(loop, SetParams(request="p2", changes={KEY: 0.4}))
        assert again.params == wanted
        await until(lambda: loop.seat.all_durable, "its row on disk")
        await kill(task)
        last = [row for row in world.rows() if row.kind == "decision"][-1]
        assert last.params == wanted

    async def changed(loop: object, ask: SetParams) -> ParamsInForce:
        async with asyncio.timeout(LIMIT_SECONDS):
            while True:
                answer = await change_params(loop, str(tmp_path), ask)  # type: ignore[arg-type]
                if not is_deciding(answer):
                    assert isinstance(answer, ParamsInForce), answer
                    return answer
                await asyncio.sleep(0.01)

    asyncio.run(scenario())
    found = recover(LocalStorage(tmp_path), SLOT, MemoryKind(strategy="told", kind=Memory))
    assert params_id(override(Params(), found.state.params_set)) == wanted


def is_deciding(answer: ParamsInForce | Refusal) -> bool:
    return isinstance(answer, Refusal) and answer.reason.startswith("not_quiet")


def test_value_out_of_range_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        loop = world.open()
        ask = SetParams(request="p1", changes={KEY: 40})
        answer = await change_params(loop, str(tmp_path), ask)
        assert isinstance(answer, Refusal)
        assert KEY in answer.reason
        assert loop.seat.params == Params()

    asyncio.run(scenario())


# ---- the operator's side ----------------------------------------------------------------------


class Link:
    """Slots that answer in turn, and the gateway's table."""

    def __init__(self, *answers: ParamsInForce | Refusal) -> None:
        self.answers = list(answers)
        self.asked: list[SetParams] = []

    def ask(self, calls: Sequence[Call], limit_seconds: float = 0) -> list[bytes | str]:
        del limit_seconds
        if calls[0].method == "fences":
            return [encode(FenceTable(owners=(OLD_OWNS,), history=()))]
        assert [call.actor for call in calls] == [f"{SLOT}/1"]
        self.asked.append(decode(calls[0].arguments[0], SetParams))
        return [encode(self.answers.pop(0))]


def config(folder: Path) -> FleetConfig:
    urls = [name for name in Venue.__struct_fields__ if name.endswith("_url")]
    venue = Venue(**dict.fromkeys(urls, "http://127.0.0.1:1"), private_key_file="key")
    slots = (SlotConfig(slot=SLOT),)
    return FleetConfig(
        mode=Mode.SANDBOX,
        storage=str(folder),
        clock=MarketClock(),
        venue=venue,
        slots=slots,
        params=Params(),
    )


def change(folder: Path, link: Link, **words: float | str) -> operator_side.Changed:
    changes = {key.replace("__", "."): value for key, value in words.items()}
    storage, fleet = LocalStorage(folder), config(folder)
    someone = Entrant(who="ann", wire_ms=1)
    return operator_side.change_params(storage, link, fleet, (), changes, someone)


def test_slot_that_is_deciding_is_asked_again(tmp_path: Path) -> None:
    link = Link(Refusal(reason="not_quiet: deciding"), IN_FORCE)
    changed = change(tmp_path, link, sizing__kelly_fraction=0.4)
    assert (changed.slots, changed.failed) == ({SLOT: "id"}, {})
    assert len({ask.request for ask in link.asked}) == 1, "the same change, not a second one"
    assert read_active(LocalStorage(tmp_path)) is None


def test_slot_that_refuses_is_named(tmp_path: Path) -> None:
    changed = change(tmp_path, Link(Refusal(reason="not_durable")), sizing__kelly_fraction=0.4)
    assert changed.failed == {SLOT: "not_durable"}


def test_nothing_is_asked_while_a_rollout_is_under_way(tmp_path: Path) -> None:
    take_turn(LocalStorage(tmp_path), Active(rollout="r0007", driver="999999999-1"))
    link = Link()
    with pytest.raises(RolloutError, match="r0007"):
        change(tmp_path, link, sizing__kelly_fraction=0.4)
    assert link.asked == []


@pytest.mark.parametrize("words", [{"sizing__kelly_fraction": 7}, {"sizing__kely": 0.1}])
def test_bad_key_or_value_is_refused_before_any_slot_is_asked(
    tmp_path: Path, words: dict[str, float]
) -> None:
    link = Link()
    with pytest.raises(FleetError, match="sizing"):
        change(tmp_path, link, **words)
    assert link.asked == []


@pytest.mark.parametrize("word", ["sizing.kelly_fraction", "=1", "sizing.kelly_fraction="])
def test_words_of_another_form_are_refused(word: str) -> None:
    with pytest.raises(FleetError, match="--set"):
        operator_side.parse_changes([word])
