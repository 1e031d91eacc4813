"""What can be wrong with an account, as faults order it: the venue's words to its orders."""

from typing import Final

from cluster.sandbox.faults import FaultKind
from cluster.sandbox.model import Side, SignedOrder
from cluster.sandbox.server.calls import Call
from cluster.sandbox.signing import EXCHANGE_V2, SignatureType
from cluster.sandbox.terms import Refused
from cluster.sandbox.wallets import OTHER_SIGNER

NO_APPROVAL: Final = (
    "not enough balance / allowance: the allowance is not enough -> spender: {spender},"
    " allowance: 0, order amount: {amount}"
)
RESTRICTED: Final = "Trading restricted in your region"
HALTED: Final = "the market is not yet ready to process new orders"


def account_trouble(call: Call, order: SignedOrder) -> Refused | None:
    """Return why no order of this account, or of this market, is taken now."""
    faults, address = call.world.faults, call.owner.address
    for kind, refused in (
        (FaultKind.REGION_BLOCKED, Refused(error=RESTRICTED, http_status=403)),
        (FaultKind.BANNED, Refused(error=f"'{address}' address banned")),
        (FaultKind.CLOSED_ONLY, _closed_only(order, address)),
        (FaultKind.NOT_DEPLOYED, _not_deployed(order)),
        (FaultKind.NO_APPROVAL, _not_approved(order)),
        (FaultKind.STALE_ALLOWANCE, _not_approved(order)),
    ):
        if refused is not None and faults.take(frozenset({kind}), ""):
            return refused
    return _halted(call, order)


def _closed_only(order: SignedOrder, address: str) -> Refused | None:
    if order.side is Side.SELL:
        return None
    return Refused(error=f"'{address}' address in closed only mode")


def _not_deployed(order: SignedOrder) -> Refused | None:
    """A bare key is no contract: it exists always."""
    bare = order.signature_type == SignatureType.EOA
    return None if bare else Refused(error=OTHER_SIGNER)


def _not_approved(order: SignedOrder) -> Refused:
    return Refused(error=NO_APPROVAL.format(spender=EXCHANGE_V2, amount=order.maker_amount))


def _halted(call: Call, order: SignedOrder) -> Refused | None:
    market = call.world.exchange.market_of_token(order.token_id, call.now)
    if market is None or not call.world.faults.has(FaultKind.HALTED_MARKET):
        return None
    found = call.world.faults.on_market(FaultKind.HALTED_MARKET, market.slug)
    return None if found is None else Refused(error=HALTED)
