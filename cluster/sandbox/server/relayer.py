"""The relayer: submits transactions of wallets whose owners have no gas, and tells what came."""

import hashlib
from collections.abc import Callable
from typing import Final

import msgspec
from starlette.responses import Response

from cluster.sandbox.chain.contracts import (
    RELAY_HUB,
    BadCallError,
    InnerCall,
    proxied_calls,
    redeemed_condition,
)
from cluster.sandbox.chain.signatures import (
    ProxyRequest,
    recover_batch,
    recover_proxy,
    recover_safe,
)
from cluster.sandbox.chain.transactions import (
    Course,
    Redemption,
    Submission,
    TransactionKind,
    TransactionState,
)
from cluster.sandbox.faults import FaultKind
from cluster.sandbox.server.calls import BAD_PAYLOAD, Call, Entry, decode
from cluster.sandbox.server.submits import MINUTE_MS
from cluster.sandbox.server.wire import answer, refuse
from cluster.sandbox.signing import SignatureError
from cluster.sandbox.wallets import deposit_wallets, proxy_wallet, safe_wallet

RELAY: Final = "0x" + "7e" * 20
"""The address that the relayer sends from."""
IN_FLIGHT: Final = "wallet has in-flight action"


class DeployedBody(msgspec.Struct, frozen=True, kw_only=True):
    deployed: bool = True


class ParamsBody(msgspec.Struct, frozen=True, kw_only=True):
    address: str
    nonce: str


class SubmittedBody(msgspec.Struct, frozen=True, kw_only=True):
    transaction_id: str = msgspec.field(name="transactionID")
    transaction_hash: str = msgspec.field(name="transactionHash", default="")
    state: TransactionState


class TransactionBody(msgspec.Struct, frozen=True, kw_only=True):
    transaction_id: str
    transaction_hash: str
    state: TransactionState
    error_msg: str


class WireCall(msgspec.Struct, frozen=True, kw_only=True):
    target: str
    value: str
    data: str


class BatchParams(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    deposit_wallet: str
    deadline: str
    calls: list[WireCall]


class SignatureParams(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    gas_limit: str = "0"
    relay: str = ""
    relay_hub: str = ""
    operation: str = "0"


class SubmitBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    type: TransactionKind
    sender: str = msgspec.field(name="from")
    to: str
    nonce: str
    signature: str
    metadata: str = ""
    data: str = ""
    proxy_wallet: str = ""
    deposit_wallet_params: BatchParams | None = None
    signature_params: SignatureParams = SignatureParams()


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A submitted body whose signature fits."""

    wallet: str
    nonce: int
    calls: tuple[InnerCall, ...]
    deadline_s: int | None = None


def deployed(call: Call) -> Response:
    """Every wallet exists here, unless a fault says otherwise."""
    return answer(DeployedBody(deployed=not call.world.faults.has(FaultKind.NOT_DEPLOYED)))


def params(call: Call) -> Response:
    """Tell the next nonce of a key's wallet."""
    owner = call.query.get("address", "").lower()
    try:
        kind = TransactionKind(call.query.get("type", ""))
        wallet = _next_wallet(call, kind, owner)
    except (SignatureError, ValueError):
        return refuse(400, "invalid address or type")
    nonce = call.world.exchange.chain.nonce(kind, wallet)
    address = RELAY if kind is TransactionKind.PROXY else wallet
    return answer(ParamsBody(address=address, nonce=str(nonce)))


def _next_wallet(call: Call, kind: TransactionKind, owner: str) -> str:
    """Return the wallet of that kind; of the two deposit wallets the one that sent before."""
    if kind is TransactionKind.PROXY:
        return proxy_wallet(owner)
    if kind is TransactionKind.SAFE:
        return safe_wallet(owner)
    used = (w for w in deposit_wallets(owner) if call.world.exchange.chain.nonce(kind, w))
    return next(used, deposit_wallets(owner)[0])


def submit(call: Call) -> Response:
    body = decode(call.body, SubmitBody, BAD_PAYLOAD)
    owner = call.headers.get("relayer_api_key_address", "").lower()
    key = call.headers.get("relayer_api_key", "")
    if not key or key != call.world.accounts.relayer_key(owner):
        return refuse(401, "invalid authorization")
    if not call.world.submits.spend(key, call.now.wire_ms):
        return refuse(429, "Too Many Requests", retry_after_s=MINUTE_MS // 1_000)
    try:
        read = READERS[body.type](body)
        redemptions = _redemptions(read)
    except (SignatureError, BadCallError, ValueError) as error:
        return refuse(400, f"invalid transaction: {error}")
    return _take(call, body, read, redemptions)


def _take(
    call: Call, body: SubmitBody, read: Read, redemptions: tuple[Redemption, ...]
) -> Response:
    chain = call.world.exchange.chain
    if body.type is TransactionKind.WALLET:
        if chain.under_way(body.type, read.wallet):
            return refuse(400, IN_FLIGHT)
        nonce = chain.nonce(body.type, read.wallet)
        if read.nonce != nonce:
            return refuse(400, f"batch nonce {read.nonce} does not match on-chain nonce {nonce}")
    submission = Submission(
        transaction_id=_name(call, body, "id"),
        transaction_hash="0x" + _name(call, body, "hash"),
        kind=body.type,
        owner=body.sender.lower(),
        wallet=read.wallet,
        nonce=read.nonce,
        redemptions=redemptions,
        signature=body.signature,
        deadline_s=read.deadline_s,
        course=course_of(call),
        submitted_wire_ms=call.now.wire_ms,
    )
    taken = chain.submit(submission, call.now)
    call.world.commit()
    return answer(SubmittedBody(transaction_id=taken.transaction_id, state=taken.state))


def course_of(call: Call) -> Course:
    """Return how the next transaction goes, by the faults on the board."""
    board = call.world.faults
    if board.has(FaultKind.NO_APPROVAL):
        return Course.UNAPPROVED
    hits = board.take(frozenset({FaultKind.TRANSACTION}), "")
    return Course(hits[0].mode) if hits else Course.PLAIN


def _name(call: Call, body: SubmitBody, what: str) -> str:
    number = len(call.world.exchange.chain.all_transactions())
    text = f"{what}/{number}/{body.type}/{body.sender}/{body.nonce}/{body.signature}"
    digest = hashlib.sha256(text.encode()).hexdigest()
    return digest if what == "hash" else f"{digest[:8]}-{digest[8:12]}-{digest[12:24]}"


def transaction(call: Call) -> Response:
    found = call.world.exchange.chain.transaction(call.path["id"])
    if found is None:
        return refuse(404, "transaction not found")
    known = found.state in {TransactionState.MINED, TransactionState.CONFIRMED}
    return answer(
        TransactionBody(
            transaction_id=found.transaction_id,
            transaction_hash=found.transaction_hash if known else "",
            state=found.state,
            error_msg=found.error,
        )
    )


def redemptions_in(calls: tuple[InnerCall, ...]) -> tuple[Redemption, ...]:
    found = []
    for call in calls:
        condition_id = redeemed_condition(call)
        if condition_id is not None:
            found.append(Redemption(target=call.to, condition_id=condition_id))
    return tuple(found)


def _redemptions(read: Read) -> tuple[Redemption, ...]:
    return redemptions_in(read.calls)


# ---- the three kinds of wallet ----------------------------------------------------------------


def _wallet(body: SubmitBody) -> Read:
    batch = body.deposit_wallet_params
    if batch is None:
        raise SignatureError("depositWalletParams are missing")
    calls = tuple(InnerCall(to=c.target.lower(), data=_bytes(c.data)) for c in batch.calls)
    wallet, deadline_s = batch.deposit_wallet.lower(), int(batch.deadline)
    signer = recover_batch(wallet, int(body.nonce), deadline_s, calls, _bytes(body.signature))
    _check(signer, body, wallet in deposit_wallets(body.sender.lower()))
    return Read(wallet=wallet, nonce=int(body.nonce), calls=calls, deadline_s=deadline_s)


def _proxy(body: SubmitBody) -> Read:
    extra = body.signature_params
    request = ProxyRequest(
        sender=body.sender.lower(),
        to=body.to.lower(),
        data=_bytes(body.data),
        gas_limit=int(extra.gas_limit),
        nonce=int(body.nonce),
        relay_hub=extra.relay_hub.lower(),
        relay=extra.relay.lower(),
    )
    if request.relay != RELAY or request.relay_hub != RELAY_HUB:
        raise SignatureError("another relay than the one that was told")
    wallet = body.proxy_wallet.lower()
    signer = recover_proxy(request, _bytes(body.signature))
    _check(signer, body, wallet == proxy_wallet(request.sender))
    return Read(wallet=wallet, nonce=request.nonce, calls=proxied_calls(request.data))


def _safe(body: SubmitBody) -> Read:
    wallet = body.proxy_wallet.lower()
    call = InnerCall(to=body.to.lower(), data=_bytes(body.data))
    operation = int(body.signature_params.operation)
    nonce = int(body.nonce)
    signer = recover_safe(wallet, call, operation, nonce, _bytes(body.signature))
    _check(signer, body, wallet == safe_wallet(body.sender.lower()))
    return Read(wallet=wallet, nonce=nonce, calls=(call,))


def _unrelayed(_body: SubmitBody) -> Read:
    raise SignatureError("a bare key sends its transactions itself")


def _check(signer: str, body: SubmitBody, own: bool) -> None:  # noqa: FBT001 a yes or no
    if signer != body.sender.lower():
        raise SignatureError("recovered another signer")
    if not own:
        raise SignatureError("the wallet is not the sender's")


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


READERS: Final[dict[TransactionKind, Callable[[SubmitBody], Read]]] = {
    TransactionKind.WALLET: _wallet,
    TransactionKind.PROXY: _proxy,
    TransactionKind.SAFE: _safe,
    TransactionKind.EOA: _unrelayed,
}
RELAYER_TABLE: Final = (
    Entry("GET", "/deployed", deployed),
    Entry("GET", "/v1/account/transactions/params", params),
    Entry("GET", "/relay-payload", params),
    Entry("GET", "/v1/account/transactions/{id}", transaction),
    Entry("POST", "/submit", submit),
)
