"""A payment counts once its block is final by the chain's own word."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from actors.venue.polymarket.redeem_answers import FAILURES
from actors.venue.polymarket.redeem_reads import RedeemReads
from actors.venue.polymarket.relayed import JsonRpcCallError, RedeemClient
from cluster.sandbox.server.rpc import BLOCK_MS, FINAL_AFTER_MS, METHODS

HASH = "0x" + "ab" * 32


class Node:
    """Answers as the sandbox's node does at one instant, for a transaction in one block."""

    def __init__(self, mined_block: int | None, wire_ms: int, tags: frozenset[str]) -> None:
        self.mined_block, self.wire_ms, self.tags = mined_block, wire_ms, tags

    async def eth_get_transaction_receipt(self, _hash: str) -> dict[str, Any] | None:
        block = self.mined_block
        return None if block is None else {"blockNumber": hex(block), "status": "0x1"}

    async def _call(self, method: str, params: list[Any]) -> object:
        if params[0] not in self.tags:
            raise JsonRpcCallError(method, -32_602, f"invalid tag {params[0]}", None)
        call = SimpleNamespace(now=SimpleNamespace(wire_ms=self.wire_ms))
        return METHODS[method](cast("Any", call), params)


def is_final(node: Node) -> bool:
    client = SimpleNamespace(_ctx=SimpleNamespace(rpc=node))
    return asyncio.run(RedeemReads(cast("RedeemClient", client), 1.0).is_final(HASH))


NOW_MS = 1_000 * BLOCK_MS
BOTH = frozenset(FINAL_AFTER_MS)
FINAL = (NOW_MS - FINAL_AFTER_MS["finalized"]) // BLOCK_MS


@pytest.mark.parametrize(
    ("block", "final"), [(FINAL - 1, True), (FINAL, True), (FINAL + 1, False), (1_000, False)]
)
def test_a_block_up_to_the_final_one_is_final(block: int, final: bool) -> None:  # noqa: FBT001 a column of the table
    assert is_final(Node(block, NOW_MS, BOTH)) is final


def test_a_transaction_in_no_block_is_not_final() -> None:
    assert is_final(Node(None, NOW_MS, BOTH)) is False


def test_a_node_without_the_tag_is_a_failed_read_not_a_guess() -> None:
    with pytest.raises(FAILURES):
        is_final(Node(1, NOW_MS, frozenset({"latest"})))
