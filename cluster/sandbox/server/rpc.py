"""A node of the chain (JSON-RPC), as far as wallets that redeem ask one."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from starlette.responses import Response

from cluster.sandbox.chain.contracts import (
    BALANCE_OF,
    BALANCE_OF_BATCH,
    COLLATERAL,
    COLLATERAL_ADAPTER,
    CONDITIONAL_TOKENS,
    RELAY_HUB,
    RELAY_NONCE,
    SAFE_NONCE,
    SELECTOR,
    TRANSFER_TOPIC,
    WORD,
    BadCallError,
    address_at,
    word,
)
from cluster.sandbox.chain.signatures import RawTransaction, recover_raw
from cluster.sandbox.chain.transactions import (
    Redeemed,
    Submission,
    TransactionKind,
    TransactionState,
)
from cluster.sandbox.server.calls import BAD_PAYLOAD, Call, Entry, decode
from cluster.sandbox.server.relayer import course_of, redemptions_in
from cluster.sandbox.server.wire import answer
from cluster.sandbox.signing import CHAIN_ID, SignatureError
from cluster.sandbox.wallets import proxy_wallet, wallets_of

REVERTED: Final = 3
REFUSED: Final = -32_000
UNKNOWN_METHOD: Final = -32_601
GAS_PRICE_WEI: Final = 30_000_000_000
GAS: Final = 180_000
OPERATOR_MS: Final = 60_000
"""The blocks of the venue's operator are this old, and final."""
ODD_PARAMS: Final = (ValueError, LookupError, AttributeError, TypeError)
"""What parameters of another form than a method's raise."""
BLOCK_MS: Final = 2_000
"""A block each two seconds of wire time."""
FINAL_AFTER_MS: Final = {"latest": 0, "finalized": 5 * BLOCK_MS}
"""Age of the newest block of each tag; a fault replaces younger blocks than the final ones."""


class RpcRequest(msgspec.Struct, frozen=True, kw_only=True):
    id: int = 1
    method: str
    params: list[Any] = []


class NodeError(Exception):
    """What the node answers instead of a result."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def rpc(call: Call) -> Response:
    """Answer one request, or a list of them."""
    if call.body.lstrip()[:1] == b"[":
        requests = decode(call.body, list[RpcRequest], BAD_PAYLOAD)
        return answer([_answer(call, request) for request in requests])
    return answer(_answer(call, decode(call.body, RpcRequest, BAD_PAYLOAD)))


def _answer(call: Call, request: RpcRequest) -> dict[str, Any]:
    head = {"jsonrpc": "2.0", "id": request.id}
    method = METHODS.get(request.method)
    if method is None:
        error = {"code": UNKNOWN_METHOD, "message": f"method {request.method} is not known"}
        return head | {"error": error}
    try:
        return head | {"result": method(call, request.params)}
    except NodeError as error:
        return head | {"error": {"code": error.code, "message": str(error)}}
    except (SignatureError, BadCallError, *ODD_PARAMS) as error:
        return head | {"error": {"code": REFUSED, "message": f"invalid: {error}"}}


def _chain_id(_call: Call, _params: list[Any]) -> str:
    return hex(CHAIN_ID)


def _block(call: Call, params: list[Any]) -> dict[str, str]:
    wire_ms = call.now.wire_ms - FINAL_AFTER_MS[params[0]]
    return {"number": hex(wire_ms // BLOCK_MS), "timestamp": hex(wire_ms // 1_000)}


def _call(call: Call, params: list[Any]) -> str:
    to, data = params[0]["to"].lower(), bytes.fromhex(params[0]["data"].removeprefix("0x"))
    arguments = data[SELECTOR:]
    if to == CONDITIONAL_TOKENS and data[:SELECTOR] == BALANCE_OF:
        return f"0x{_held(call, address_at(arguments, 0), word(arguments, WORD)):064x}"
    if to == CONDITIONAL_TOKENS and data[:SELECTOR] == BALANCE_OF_BATCH:
        return _batch(call, arguments)
    nonce = _nonce_of(call, to, data)
    if nonce is not None:
        return f"0x{nonce:064x}"
    raise NodeError(REVERTED, "execution reverted: the sandbox has no such contract")


def _nonce_of(call: Call, to: str, data: bytes) -> int | None:
    """Return a safe's nonce, or a proxy's at the relay hub; None: it is no such question."""
    chain = call.world.exchange.chain
    if data[:SELECTOR] == SAFE_NONCE:
        return chain.nonce(TransactionKind.SAFE, to)
    if to == RELAY_HUB and data[:SELECTOR] == RELAY_NONCE:
        return chain.nonce(TransactionKind.PROXY, proxy_wallet(address_at(data[SELECTOR:], 0)))
    return None


def _batch(call: Call, arguments: bytes) -> str:
    owners, tokens = word(arguments, 0), word(arguments, WORD)
    count = word(arguments, owners)
    held = [
        _held(
            call,
            address_at(arguments, owners + WORD * (index + 1)),
            word(arguments, tokens + WORD * (index + 1)),
        )
        for index in range(count)
    ]
    return "0x" + "".join(f"{value:064x}" for value in (WORD, count, *held))


def _held(call: Call, wallet: str, token: int) -> int:
    """Return what the account behind a wallet holds of a token in blocks."""
    exchange = call.world.exchange
    return sum(
        exchange.holding(account.api_key, str(token)).settled
        for account in call.world.accounts.all()
        if wallet in wallets_of(account.address)
    )


def _count(call: Call, params: list[Any]) -> str:
    sender = params[0].lower()
    chain = call.world.exchange.chain
    pending = params[1:] == ["pending"] and chain.under_way(TransactionKind.EOA, sender)
    return hex(chain.nonce(TransactionKind.EOA, sender) + int(pending))


def _gas_price(_call: Call, _params: list[Any]) -> str:
    return hex(GAS_PRICE_WEI)


def _estimate(_call: Call, _params: list[Any]) -> str:
    return hex(GAS)


def _send(call: Call, params: list[Any]) -> str:
    raw = recover_raw(bytes.fromhex(params[0].removeprefix("0x")))
    chain = call.world.exchange.chain
    if chain.transaction(raw.transaction_hash) is not None:
        raise NodeError(REFUSED, "already known")
    nonce = chain.nonce(TransactionKind.EOA, raw.sender)
    if raw.nonce < nonce:
        raise NodeError(REFUSED, f"nonce too low: next nonce {nonce}, tx nonce {raw.nonce}")
    if chain.under_way(TransactionKind.EOA, raw.sender):
        raise NodeError(REFUSED, "replacement transaction underpriced")
    chain.submit(_submission(call, raw), call.now)
    call.world.commit()
    return raw.transaction_hash


def _submission(call: Call, raw: RawTransaction) -> Submission:
    return Submission(
        transaction_id=raw.transaction_hash,
        transaction_hash=raw.transaction_hash,
        kind=TransactionKind.EOA,
        owner=raw.sender,
        wallet=raw.sender,
        nonce=raw.nonce,
        redemptions=redemptions_in((raw.call,)),
        signature="",
        course=course_of(call),
        submitted_wire_ms=call.now.wire_ms,
    )


def _receipt(call: Call, params: list[Any]) -> dict[str, Any] | None:
    chain = call.world.exchange.chain
    wanted = params[0].lower()
    payouts = chain.payouts(wanted)
    found = chain.by_hash(wanted)
    if found is None and not payouts:
        return None
    if found is not None and found.state in {TransactionState.NEW, TransactionState.EXECUTED}:
        return None
    failed = found is not None and found.state in {
        TransactionState.FAILED,
        TransactionState.INVALID,
    }
    if found is not None and failed and found.kind is not TransactionKind.EOA:
        return None  # it never got into a block, or its block was replaced
    mined_ms = call.now.wire_ms - OPERATOR_MS if found is None else _mined_ms(call, found)
    return {
        "transactionHash": wanted,
        "status": "0x0" if failed else "0x1",
        "blockNumber": hex(mined_ms // BLOCK_MS),
        "logs": [_transfer(one) for one in payouts if one.paid_micro_usd],
    }


def _mined_ms(call: Call, found: Submission) -> int:
    config = call.world.exchange.config
    return found.submitted_wire_ms + found.slow_ms + config.mined_after_wire_ms


def _transfer(one: Redeemed) -> dict[str, Any]:
    return {
        "address": COLLATERAL,
        "topics": [TRANSFER_TOPIC, _topic(COLLATERAL_ADAPTER), _topic(one.wallet)],
        "data": f"0x{one.paid_micro_usd:064x}",
    }


def _topic(address: str) -> str:
    return "0x" + address.removeprefix("0x").rjust(64, "0")


METHODS: Final[dict[str, Callable[[Call, list[Any]], Any]]] = {
    "eth_chainId": _chain_id,
    "eth_getBlockByNumber": _block,
    "eth_call": _call,
    "eth_getTransactionCount": _count,
    "eth_gasPrice": _gas_price,
    "eth_estimateGas": _estimate,
    "eth_sendRawTransaction": _send,
    "eth_getTransactionReceipt": _receipt,
}
RPC_TABLE: Final = (Entry("POST", "", rpc),)
