"""What a wallet has approved on the chain, as the venue's data service tells it."""

from typing import Final

import msgspec
from starlette.responses import Response

from cluster.sandbox.faults import FaultKind
from cluster.sandbox.server.calls import Call, Entry
from cluster.sandbox.server.wire import answer, refuse
from cluster.sandbox.signing import EXCHANGE_V2, EXCHANGE_V2_NEG_RISK, EXCHANGE_V3

CHAIN_ID: Final = 137
COLLATERAL: Final = "0xC011a7E12a19f7B1f670d46F03B03f3342E82DFB"
OUTCOME_TOKENS: Final = "0x4D97DCd97eC945f40cF65F87097ACe5EA0476045"
POSITIONS: Final = "0x006F54F7f9A22e0000CC2AB60031000000ae9fEF"
COLLATERAL_ADAPTER: Final = "0xAdA100Db00Ca00073811820692005400218FcE1f"
ROUTER: Final = "0x12121212006e4CD160D18e3f00711DA5c3372600"
AUTO_REDEEM: Final = "0xa1200000d0002264C9a1698e001292D00E1b00af"
"""Contracts of the venue on its chain."""
SPENDERS: Final = (EXCHANGE_V2, EXCHANGE_V2_NEG_RISK, COLLATERAL_ADAPTER, ROUTER, EXCHANGE_V3)
OPERATORS: Final = (
    (OUTCOME_TOKENS, EXCHANGE_V2),
    (OUTCOME_TOKENS, EXCHANGE_V2_NEG_RISK),
    (OUTCOME_TOKENS, COLLATERAL_ADAPTER),
    (OUTCOME_TOKENS, AUTO_REDEEM),
    (POSITIONS, ROUTER),
    (POSITIONS, EXCHANGE_V3),
    (POSITIONS, AUTO_REDEEM),
)


class ApprovalRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    token: str
    spender: str
    standard: str
    approved: bool
    amount: str | None = None


class ApprovalsData(msgspec.Struct, frozen=True, kw_only=True):
    address: str
    chain_id: int = CHAIN_ID
    contracts: tuple[ApprovalRow, ...]


class ApprovalsBody(msgspec.Struct, frozen=True, kw_only=True):
    data: ApprovalsData


def approvals(call: Call) -> Response:
    """Everything is approved, unless a fault took it away; reading it changes nothing."""
    user = call.query.get("user", "")
    if not user:
        return refuse(400, "required query param 'user' not provided")
    granted = not call.world.faults.has(FaultKind.NO_APPROVAL)
    spending = tuple(
        ApprovalRow(
            token=COLLATERAL, spender=spender, standard="ERC20", approved=granted, amount="max"
        )
        for spender in SPENDERS
    )
    moving = tuple(
        ApprovalRow(token=token, spender=operator, standard="ERC1155", approved=granted)
        for token, operator in OPERATORS
    )
    return answer(ApprovalsBody(data=ApprovalsData(address=user, contracts=spending + moving)))


APPROVALS_TABLE: Final = (Entry("GET", "/v2/approvals", approvals),)
