"""What redemptions take from the private side of the venue's SDK, in one place.

The SDK's own `redeem_positions` builds, signs and submits in one call, and signs anew by itself
when the relayer's answer is odd. Here each of these is a step of its own, so that the signed bytes
can be on the disk before they leave. tests/actors/venue/test_relayed.py checks these names against
`environment.CHECKED_SDK_VERSION`.
"""

import json
from collections.abc import Sequence
from typing import Any, Final, cast

from polymarket import AsyncSecureClient, RelayerApiKey
from polymarket._internal.actions.relayer.calls import (
    TransactionCall,
    decode_erc1155_balance_of_batch_result,
    erc1155_balance_of_batch_call,
)
from polymarket._internal.actions.relayer.gasless import build_signed_payload_for_wallet_type
from polymarket._internal.actions.relayer.nonce import fetch_execute_params
from polymarket._internal.actions.relayer.poll import fetch_gasless_transaction
from polymarket._internal.actions.relayer.submit import RelayerEnvelope, submit_gasless
from polymarket._internal.eoa.rpc import JsonRpcCallError as JsonRpcCallError  # noqa: PLC0414
from polymarket.errors import UnexpectedResponseError
from polymarket.models.clob import ApiKeyCreds
from polymarket.models.clob.relayer import (
    GaslessTransaction,
    RelayerExecuteResponse,
    RelayerTransactionType,
)
from polymarket.types import EvmAddress

from actors.config import Venue
from actors.redemption.claim import SignedTransaction
from actors.venue.polymarket.environment import is_protocol_v2, venue_environment

TRANSFER_TOPIC: Final = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""keccak of ``Transfer(address,address,uint256)``: an ERC-20 transfer in a receipt."""
EOA: Final = "EOA"
NO_ORDERS: Final = ApiKeyCreds(key="none", secret="", passphrase="")
"""A client that redeems signs no requests for orders."""
SAFE_NONCE: Final = "0xaffed0e0"
"""Call data of ``nonce()``, asked of a safe."""
RELAY_NONCE: Final = "0x2d0335ab"
"""Selector of ``getNonce(address)``, asked of the hub through which proxies are called."""


class BuiltCalls(Exception):  # noqa: N818 no error: how the built calls get out of the SDK
    """Carries the calls of a redemption that the SDK would submit now."""

    def __init__(self, calls: Sequence[TransactionCall]) -> None:
        super().__init__("calls were built")
        self.calls = tuple(calls)


class RedeemClient(AsyncSecureClient):
    """The SDK's client; its workflows stop where they would sign and submit."""

    async def _dispatch_calls(self, calls: list[TransactionCall], *, metadata: str) -> Any:
        del metadata
        raise BuiltCalls(calls)


async def open_redeem_client(
    venue: Venue, private_key: str, wallet: str, api_key: RelayerApiKey | None
) -> RedeemClient:
    """Make a client of a wallet; it asks nothing, and needs no credentials for orders."""
    return await RedeemClient._create(  # noqa: SLF001 see `open_client`
        private_key=private_key,
        wallet=wallet,
        environment=venue_environment(venue),
        credentials=NO_ORDERS,
        api_key=api_key,
        validate_credentials=False,
    )


async def redeeming_calls(client: RedeemClient, condition_id: str) -> tuple[TransactionCall, ...]:
    """Return the calls that redeem a market: which contract, in which protocol, is the SDK's."""
    try:
        await client.redeem_positions(condition_id=condition_id)
    except BuiltCalls as built:
        return built.calls
    raise UnexpectedResponseError("the SDK submitted a redemption by itself")


def wallet_type(client: AsyncSecureClient) -> str:
    """Return DEPOSIT_WALLET, POLY_PROXY, GNOSIS_SAFE or EOA."""
    return client._ctx.wallet_type  # noqa: SLF001 no public name


def has_relayer_key(client: AsyncSecureClient) -> bool:
    return client._ctx.api_key is not None  # noqa: SLF001 see above


def relayer_key(key: str, address: str) -> RelayerApiKey:
    return RelayerApiKey(key=key, address=cast("EvmAddress", address))


# ---- gasless ----------------------------------------------------------------------------------


async def sign_relayed(
    client: AsyncSecureClient, calls: Sequence[TransactionCall]
) -> SignedTransaction:
    """Read the wallet's nonce and sign; the SDK asks the relayer nothing else."""
    payload = await build_signed_payload_for_wallet_type(
        client._ctx,  # noqa: SLF001 see above
        calls=list(calls),
        metadata="redeem",
    )
    batch = cast("dict[str, str]", payload.get("depositWalletParams") or {})
    deadline = batch.get("deadline")
    return SignedTransaction(
        kind=str(payload["type"]),
        nonce=int(str(payload["nonce"])),
        deadline_s=None if deadline is None else int(deadline),
        body=json.dumps(payload).encode(),
    )


async def submit_relayed(
    client: AsyncSecureClient, signed: SignedTransaction
) -> RelayerExecuteResponse:
    """Send signed bytes once, as they stand on the disk."""
    payload = RelayerEnvelope(json.loads(signed.body))
    return await submit_gasless(client._ctx.relayer, payload=payload)  # noqa: SLF001 see above


async def relayed_transaction(client: AsyncSecureClient, transaction_id: str) -> GaslessTransaction:
    return await fetch_gasless_transaction(
        client._ctx.relayer,  # noqa: SLF001 see above
        transaction_id=transaction_id,
    )


async def nonce_on_chain(client: AsyncSecureClient) -> int:
    """Return the nonce that the chain takes next from this wallet, what is under way left out.

    A deposit wallet's is the relayer's own word, which is the chain's.
    """
    context = client._ctx  # noqa: SLF001 see above
    signer = context.signer.address
    match context.wallet_type:
        case "EOA":
            return await context.rpc.eth_get_transaction_count(signer, "latest")
        case "GNOSIS_SAFE":
            return int(await context.rpc.eth_call(to=str(context.wallet), data=SAFE_NONCE), 16)
        case "POLY_PROXY":
            data = RELAY_NONCE + signer.removeprefix("0x").lower().rjust(64, "0")
            hub = context.environment_config.relay_hub
            return int(await context.rpc.eth_call(to=hub, data=data), 16)
        case "DEPOSIT_WALLET":
            kind = RelayerTransactionType.WALLET
            params = await fetch_execute_params(context.relayer, address=signer, type=kind)
            return int(params.nonce)


# ---- the chain --------------------------------------------------------------------------------


async def sign_raw(client: AsyncSecureClient, call: TransactionCall) -> SignedTransaction:
    """Sign a bare key's own transaction; nothing leaves."""
    context = client._ctx  # noqa: SLF001 see above
    rpc, signer = context.rpc, context.signer
    chain_id = context.environment_config.chain_id
    await rpc.verify_chain_id(chain_id)
    nonce = await rpc.eth_get_transaction_count(signer.address, "latest")
    asked = {"from": signer.address, "to": str(call.to), "value": "0x0", "data": call.data}
    transaction: dict[str, Any] = {
        "to": str(call.to),
        "value": 0,
        "data": call.data,
        "gas": await rpc.eth_estimate_gas(asked),
        "gasPrice": await rpc.eth_gas_price(),
        "nonce": nonce,
        "chainId": chain_id,
    }
    signed = signer.sign_transaction(transaction)
    return SignedTransaction(
        kind=EOA,
        nonce=nonce,
        body=b"0x" + signed.raw_transaction.hex().encode(),
        transaction_hash="0x" + signed.hash.hex(),
    )


async def send_raw(client: AsyncSecureClient, signed: SignedTransaction) -> None:
    await client._ctx.rpc.eth_send_raw_transaction(signed.body.decode())  # noqa: SLF001 see above


async def receipt(client: AsyncSecureClient, transaction_hash: str) -> dict[str, Any] | None:
    """Return a transaction's receipt; None: it is in no block."""
    rpc = client._ctx.rpc  # noqa: SLF001 see above
    return await rpc.eth_get_transaction_receipt(transaction_hash)


def collateral_received(client: AsyncSecureClient, found: dict[str, Any]) -> int:
    """Return what a receipt's transfers of collateral brought the wallet, micro-USD."""
    context = client._ctx  # noqa: SLF001 see above
    collateral = context.environment_config.collateral_token.lower()
    wallet = str(context.wallet).lower().removeprefix("0x").rjust(64, "0")
    total = 0
    for entry in found.get("logs") or ():
        topics = [str(topic).lower() for topic in entry.get("topics") or ()]
        transfer = len(topics) == len(("event", "from", "to")) and topics[0] == TRANSFER_TOPIC
        if transfer and str(entry.get("address")).lower() == collateral:
            amount = int(str(entry.get("data")), 16)
            total += amount * (topics[2] == "0x" + wallet) - amount * (topics[1] == "0x" + wallet)
    return total


async def newest_block(client: AsyncSecureClient) -> tuple[int, int]:
    """Return the number and the UTC second of the chain's newest block."""
    return await _block(client, "latest")


async def final_block(client: AsyncSecureClient) -> int:
    """Return the number of the newest block that the chain's validators made final.

    Polygon's finality tag (PIP-11): a block up to it is replaced no more. A node that does not know
    the tag answers an error, which is raised.
    """
    number, _ = await _block(client, "finalized")
    return number


async def _block(client: AsyncSecureClient, tag: str) -> tuple[int, int]:
    rpc = client._ctx.rpc  # noqa: SLF001 see above
    block = await rpc._call("eth_getBlockByNumber", [tag, False])  # noqa: SLF001 see above
    if not isinstance(block, dict):
        raise UnexpectedResponseError(f"eth_getBlockByNumber returned no {tag} block")
    return int(str(block["number"]), 16), int(str(block["timestamp"]), 16)


async def shares_on_chain(client: AsyncSecureClient, token_ids: Sequence[str]) -> list[int]:
    """Return what the wallet holds of each token in the chain's newest block, micro-shares."""
    context = client._ctx  # noqa: SLF001 see above
    config = context.environment_config
    found: dict[str, int] = {}
    for contract, v2 in ((config.conditional_tokens, False), (config.position_manager, True)):
        own = [token for token in token_ids if is_protocol_v2(token) is v2]
        if own:
            call = erc1155_balance_of_batch_call(
                token_address=cast("EvmAddress", contract),
                owners=[context.wallet] * len(own),
                token_ids=own,
            )
            data = await context.rpc.eth_call(to=str(call.to), data=call.data)
            found |= dict(zip(own, decode_erc1155_balance_of_batch_result(data), strict=True))
    return [found[token] for token in token_ids]
