"""What moves on the page of rollouts: the rows that changed, and no others."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from actors.rollout.handoff_state import Step
from actors.rollout.record import ROLLOUTS, encode_state
from actors.rollout.rollout_state import Options, Rollout
from checkpoints.storage import LocalStorage
from cluster.web.live import Fragments, Piece
from cluster.web.render import Renderer
from cluster.web.rollouts_live import RolloutSource
from tests.actors.rollout.rollouts import SLOTS, begun


def store(storage: LocalStorage, rollout: Rollout, name: str) -> None:
    data = encode_state(replace(rollout, rollout=name))
    storage.write(f"{ROLLOUTS}/{name}/state.json", data)


async def in_thread(call: Any, *arguments: Any) -> Any:
    return await asyncio.to_thread(call, *arguments)


def read(storage: LocalStorage) -> Mapping[str, Piece]:
    source = RolloutSource(storage, Renderer("f", "sandbox", ()), in_thread)
    return asyncio.run(source.read())


def ids(text: str) -> list[str]:
    return re.findall(r'<(?:tr|div|section|p) id="([^"]+)"', text)


def test_a_slot_that_moves_is_one_row_and_the_head_of_the_page(tmp_path: Path) -> None:
    storage, fragments, rollout = LocalStorage(tmp_path), Fragments(), begun(Options())
    store(storage, rollout, "r0001")
    fragments.put(read(storage))
    before = fragments.change
    moved = replace(rollout.handoffs[SLOTS[3]], step=Step.WARMING)
    store(storage, replace(rollout, handoffs=rollout.handoffs | {SLOTS[3]: moved}), "r0001")
    fragments.put(read(storage))
    assert set(ids(fragments.since(before))) == {f"roll-{SLOTS[3]}", "roll-head"}


def test_another_rollout_takes_the_place_of_the_whole_table(tmp_path: Path) -> None:
    storage, fragments, rollout = LocalStorage(tmp_path), Fragments(), begun(Options())
    assert "Nothing was ever rolled out" in read(storage)["roll"].html
    store(storage, rollout, "r0001")
    fragments.put(read(storage))
    before = fragments.change
    store(storage, rollout, "r0002")
    fragments.put(read(storage))
    assert ids(fragments.since(before))[0] == "roll"
    assert "r0002" in fragments.since(before)


def test_a_state_that_cannot_be_read_is_said_on_the_open_page(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.write(f"{ROLLOUTS}/r0001/state.json", b"{torn")
    assert "r0001/state.json" in read(storage)["driver"].html
    assert "cannot be read" in read(storage)["roll"].html


def test_each_part_stands_alone_so_that_no_row_is_dropped_behind_another_kind(
    tmp_path: Path,
) -> None:
    storage, fragments = LocalStorage(tmp_path), Fragments()
    store(storage, begun(Options()), "r0001")
    fragments.put(read(storage))
    text = fragments.since(0)
    parts = re.findall(r"<template>(.*?)</template>", text, re.DOTALL)
    assert len(parts) == len(SLOTS) + 3
    assert "".join(f"<template>{part}</template>" for part in parts) == text
